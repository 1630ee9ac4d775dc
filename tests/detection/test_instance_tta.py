import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.models.test_time_augs import DetTTAModel
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_flip
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn

from inspire_med.detection.instance_tta import FLIPPED, InstanceTTAModel

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"
MERGE = {"nms": {"type": "nms", "iou_threshold": 0.5}, "max_per_img": 100}
SHAPE = (20, 30)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmdet")


class Detector(nn.Module):
    """Answers with the very samples that it is given, and must not hear of flips."""

    def test_step(self, data):
        assert not any(sample.get("flip") for sample in data["data_samples"])
        return data["data_samples"]


def detections(boxes, scores, labels, flip=None, masks=True):
    """A view's sample; every mask fills its box but for the left half of its top row."""
    boxes = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    sample = DetDataSample(metainfo={"ori_shape": SHAPE, "img_id": 7})
    if flip:
        boxes = bbox_flip(boxes, SHAPE, flip)
        sample.set_metainfo({"flip": True, "flip_direction": flip})
    sample.pred_instances = InstanceData(
        bboxes=boxes,
        scores=torch.tensor(scores, dtype=torch.float32),
        labels=torch.tensor(labels, dtype=torch.long),
    )
    if masks:
        upright = bbox_flip(boxes, SHAPE, flip) if flip else boxes
        full = torch.stack([mask(box) for box in upright] or [torch.zeros(SHAPE) > 0])[: len(boxes)]
        sample.pred_instances.masks = full.flip(FLIPPED[flip]) if flip else full
    return sample


def mask(box):
    x1, y1, x2, y2 = (int(side) for side in box)
    made = torch.zeros(SHAPE, dtype=torch.bool)
    made[y1:y2, x1:x2] = True
    made[y1, x1 : (x1 + x2) // 2] = False
    return made


def merge(*views):
    data = {"inputs": [None] * len(views), "data_samples": [[view] for view in views]}
    return InstanceTTAModel(MERGE, Detector()).test_step(data)[0]


@pytest.mark.parametrize("flip", [None, *FLIPPED])
def test_the_better_view_gives_box_score_and_mask(flip):
    worse = detections([(2, 3, 12, 13)], [0.6], [1])
    better = detections([(3, 3, 12, 13)], [0.9], [1], flip)

    found = merge(worse, better).pred_instances

    torch.testing.assert_close(found.bboxes, torch.tensor([[3.0, 3, 12, 13]]))
    torch.testing.assert_close(found.scores, torch.tensor([0.9]))
    assert found.labels.tolist() == [1]
    assert found.masks.dtype == torch.bool
    assert torch.equal(found.masks, mask((3, 3, 12, 13))[None])


@pytest.mark.parametrize("flip", [None, *FLIPPED])
def test_merges_what_was_predicted_elsewhere(flip):
    """merge_preds alone, with masks in full, as BaseTTAModel's subclasses promise."""
    views = [
        detections([(2, 3, 12, 13)], [0.6], [1]),
        detections([(3, 3, 12, 13)], [0.9], [1], flip),
    ]

    (found,) = InstanceTTAModel(MERGE, Detector()).merge_preds([views])

    assert torch.equal(found.pred_instances.masks, mask((3, 3, 12, 13))[None])


def test_other_classes_and_other_places_stay_and_come_by_score():
    boxes = [(2, 3, 12, 13), (20, 3, 28, 13)]
    first = detections(boxes, [0.6, 0.3], [1, 1])
    second = detections([boxes[0]], [0.5], [2], "horizontal")
    third = detections([boxes[1]], [0.4], [1], "vertical")

    found = merge(first, second, third).pred_instances

    torch.testing.assert_close(found.scores, torch.tensor([0.6, 0.5, 0.4]))
    assert found.labels.tolist() == [1, 2, 1]
    assert found.bboxes.tolist() == [list(boxes[0]), list(boxes[0]), list(boxes[1])]
    expected = torch.stack([mask(boxes[0]), mask(boxes[0]), mask(boxes[1])])
    assert torch.equal(found.masks, expected)


def test_keeps_no_more_than_asked_the_best_ones():
    boxes = [(3 * i, 0, 3 * i + 2, 4) for i in range(10)]
    scores = [0.05 * (i + 1) for i in range(10)]
    model = InstanceTTAModel({**MERGE, "max_per_img": 3}, Detector())
    data = {"inputs": [None], "data_samples": [[detections(boxes, scores, [0] * 10)]]}

    found = model.test_step(data)[0].pred_instances

    torch.testing.assert_close(found.scores, torch.tensor([0.5, 0.45, 0.4]))
    assert torch.equal(found.masks, torch.stack([mask(box) for box in boxes[:6:-1]]))


@pytest.mark.parametrize("masks", [True, False])
def test_views_without_a_detection(masks):
    nothing = detections([], [], [], masks=masks)
    found = merge(nothing, detections([], [], [], "horizontal", masks)).pred_instances
    assert found.bboxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)
    if masks:
        assert found.masks.shape == (0, *SHAPE)

    one = detections([(2, 3, 12, 13)], [0.6], [1], "horizontal", masks)
    found = merge(detections([], [], [], masks=masks), one).pred_instances
    assert found.bboxes.tolist() == [[2, 3, 12, 13]]
    if masks:
        assert torch.equal(found.masks, mask((2, 3, 12, 13))[None])


def test_the_sample_keeps_what_tells_its_image():
    merged = merge(detections([(2, 3, 12, 13)], [0.6], [1]), detections([], [], []))

    assert merged.img_id == 7
    assert merged.ori_shape == SHAPE


def test_every_image_of_a_batch_has_its_own_views():
    views = [
        [detections([(2, 3, 12, 13)], [0.6], [1]), detections([(4, 3, 14, 13)], [0.2], [2])],
        [detections([(2, 3, 12, 13)], [0.7], [1]), detections([(20, 3, 28, 13)], [0.3], [2])],
    ]
    data = {"inputs": [None, None], "data_samples": views}

    first, second = InstanceTTAModel(MERGE, Detector()).test_step(data)

    torch.testing.assert_close(first.pred_instances.scores, torch.tensor([0.7]))
    torch.testing.assert_close(second.pred_instances.scores, torch.tensor([0.3, 0.2]))


def test_without_masks_it_is_mmdets_own():
    random = np.random.default_rng(0)
    views = []
    for flip in [None, "horizontal", None, "vertical"]:
        corners = random.uniform(0, 12, (20, 2))
        boxes = np.concatenate([corners, corners + random.uniform(2, 8, (20, 2))], 1)
        views.append(
            detections(boxes, random.random(20), random.integers(0, 2, 20), flip, masks=False)
        )
    theirs = DetTTAModel(Config(MERGE), module=Detector())
    for view in views:  # it reads the flip of every view
        view.set_metainfo(
            {"flip": view.get("flip", False), "flip_direction": view.get("flip_direction")}
        )
    expected = theirs.merge_preds([[view.clone() for view in views]])[0].pred_instances

    found = merge(*views).pred_instances

    assert 20 < len(expected) < 80
    for name in ("bboxes", "scores", "labels"):
        assert torch.equal(found[name], expected[name])
    assert "masks" not in found


def test_holds_the_masks_of_one_view_alone():
    class Watcher(Detector):
        alive = ()

        def test_step(self, data):
            assert all(reference() is None for reference in self.alive)
            sample = detections([(2, 3, 12, 13)], [0.6], [1])
            self.alive = [*self.alive, weakref.ref(sample.pred_instances.masks)]
            return [sample]

    views = {"inputs": [None] * 5, "data_samples": [[DetDataSample()] for _ in range(5)]}
    found = InstanceTTAModel(MERGE, Watcher()).test_step(views)[0].pred_instances

    assert torch.equal(found.masks, mask((2, 3, 12, 13))[None])


def published():
    return Config.fromfile(CONFIGS / "_base_" / "tta_multiscale.py")


def test_the_published_views_are_seven_scales_unflipped():
    scales = [(1333, 800), (900, 600), (1200, 800), (1500, 1000), (1800, 1200), (2100, 1400)]
    scales.append((2400, 1600))
    config = published()
    config.tta_pipeline[0] = {"type": "LoadImageFromNDArray"}

    views = Compose(config.tta_pipeline)({"img": np.zeros((48, 64, 3), np.uint8), "img_id": 1})

    factors = [min(long / 64, short / 48) for long, short in scales]
    shapes = [(int(48 * f + 0.5), int(64 * f + 0.5)) for f in factors]
    assert [view.img_shape for view in views["data_samples"]] == shapes
    assert [tuple(image.shape[1:]) for image in views["inputs"]] == shapes
    assert not any("flip" in view for view in views["data_samples"])
    model = MODELS.build({**config.tta_model, "module": Detector()})
    assert isinstance(model, InstanceTTAModel)


BASES = {
    "mask-rcnn": "mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py",
    "cascade": "cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco.py",
    "htc": "htc/htc-without-semantic_r50_fpn_1x_coco.py",
    "faster-rcnn": "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
}


def small_detector(tmp_path, base):
    """An untrained detector of mmdet's, ResNet-18 and few channels."""
    file = tmp_path / "config.py"
    file.write_text(f"_base_ = 'mmdet::{base}'\n")
    model = Config.fromfile(file).model
    model.backbone.update(depth=18, init_cfg=None)
    model.neck.in_channels = [64, 128, 256, 512]
    heads = model.roi_head.bbox_head
    for head in heads if isinstance(heads, list) else [heads]:
        head.fc_out_channels = 16
    model.test_cfg.rpn.update(nms_pre=50, max_per_img=50)
    model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=8)
    return MODELS.build(model).eval()


def views_of(image, scales, flips):
    stages = [
        [{"type": "Resize", "scale": scale, "keep_ratio": True} for scale in scales],
        [{"type": "RandomFlip", "prob": flip} for flip in flips],
        [{"type": "PackDetInputs"}],
    ]
    pipeline = [
        {"type": "LoadImageFromNDArray"},
        {"type": "TestTimeAug", "transforms": stages},
    ]
    views = Compose(pipeline)({"img": image, "img_id": 3})
    return pseudo_collate([views])


@pytest.mark.slow
@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_real_detectors(tmp_path, base):
    detector = small_detector(tmp_path, base)
    image = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    has_masks = "faster" not in base
    model = InstanceTTAModel(MERGE, detector)

    single = views_of(image, [(96, 64)], [0.0])
    with torch.no_grad():
        (alone,) = model.test_step(single)
        (plain,) = detector.test_step({key: value[0] for key, value in single.items()})
        (merged,) = model.test_step(views_of(image, [(96, 64), (120, 80)], [0.0, 1.0]))

    # One view has been through this very NMS, and must come out as it went in.
    for name in ("bboxes", "scores", "labels", *["masks"] * has_masks):
        assert torch.equal(alone.pred_instances[name], plain.pred_instances[name])
    found = merged.pred_instances
    assert 0 < len(found) <= 100
    assert len(found) > len(plain.pred_instances)
    assert found.bboxes.isfinite().all()
    assert found.bboxes[:, 2].max() <= 90
    assert found.bboxes[:, 3].max() <= 60
    assert (found.scores.diff() <= 0).all()
    assert ("masks" in found) == has_masks
    if has_masks:
        assert found.masks.shape == (len(found), 60, 90)
        _check_masks_lie_in_their_boxes(found)


def _check_masks_lie_in_their_boxes(found):
    """Also for detections of flipped views: a mask left unflipped would lie elsewhere."""
    rows, columns = torch.meshgrid(torch.arange(60), torch.arange(90), indexing="ij")
    for box, drawn in zip(found.bboxes, found.masks, strict=True):
        if drawn.any():
            assert columns[drawn].min() >= box[0] - 2
            assert rows[drawn].min() >= box[1] - 2
            assert columns[drawn].max() <= box[2] + 2
            assert rows[drawn].max() <= box[3] + 2
