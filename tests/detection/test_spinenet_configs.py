"""The ten configs of SpineNet against the published settings."""

import copy
import functools
from pathlib import Path

import pytest
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"
# name: side, images a GPU, learning rate, warm-up iterations, octave base scale, ratio range
RETINANET = {
    "49s_640": (640, 32, 0.28, 2000, 3, (0.5, 2.0)),
    "49_640": (640, 28, 0.245, 2285, 3, (0.5, 2.0)),
    "49_896": (896, 14, 0.1225, 4572, 3, (0.5, 2.0)),
    "96_1024": (1024, 8, 0.07, 8000, 3, (0.5, 2.0)),
    "143_1280": (1280, 3, 0.02625, 21333, 4, (0.1, 1.9)),
    "190_1280": (1280, 8, 0.07, 8000, 4, (0.1, 1.9)),
}
MASK_RCNN = {
    "49s_640": (640, 16, 0.14, 4000),
    "49_640": (640, 16, 0.14, 4000),
    "96_1024": (1024, 6, 0.0525, 10667),
    "143_1280": (1280, 3, 0.02625, 21333),
}
ALL = [f"retinanet_spinenet-{n}" for n in RETINANET]
ALL += [f"mask-rcnn_spinenet-{n}" for n in MASK_RCNN]


@functools.cache
def read(name: str) -> Config:
    init_default_scope("mmdet")
    return Config.fromfile(CONFIGS / f"{name}.py")


def settings(name: str) -> tuple:
    model, _, variant = name.partition("_spinenet-")
    return {"retinanet": RETINANET, "mask-rcnn": MASK_RCNN}[model][variant]


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_trains_by_the_published_schedule(name):
    config = read(name)
    _, images, rate, warm_up, *_ = settings(name)
    batch = 8 * images

    assert config.train_dataloader.batch_size == images
    assert config.optim_wrapper.optimizer == {
        "type": "SGD",
        "lr": rate,
        "momentum": 0.9,
        "weight_decay": 4e-5,
    }
    assert rate == pytest.approx(0.28 * batch / 256)
    assert config.auto_scale_lr.base_batch_size == batch
    linear, steps = config.param_scheduler
    assert (linear.start_factor, linear.by_epoch, linear.end) == (0.1, False, warm_up)
    assert abs(warm_up - 2000 * 256 / batch) < 1
    assert (steps.milestones, steps.end, steps.gamma) == ([320, 340], 350, 0.1)
    assert config.train_cfg.max_epochs == 350
    assert config.optim_wrapper.paramwise_cfg.norm_decay_mult == 0
    clip = {"max_norm": 10, "norm_type": 2} if name.startswith("retinanet") else None
    assert config.optim_wrapper.get("clip_grad") == clip


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_sees_images_of_the_published_size(name):
    config = read(name)
    side, *_ = settings(name)
    masks = name.startswith("mask")
    ratios = (0.5, 2.0) if masks else settings(name)[5]

    steps = {step.type: step for step in config.train_dataloader.dataset.pipeline}
    assert list(steps)[2:] == ["RandomResize", "RandomCrop", "RandomFlip", "Pad", "PackDetInputs"]
    assert steps["RandomResize"].scale == (side, side)
    assert steps["RandomResize"].ratio_range == ratios
    assert steps["RandomCrop"].crop_size == steps["Pad"].size == (side, side)
    assert steps["RandomFlip"].prob == 0.5
    assert steps["LoadAnnotations"].get("with_mask", False) == masks
    for loader in (config.val_dataloader, config.test_dataloader):
        assert loader.dataset.pipeline[1] == {
            "type": "Resize",
            "scale": (side, side),
            "keep_ratio": True,
        }
    assert config.model.data_preprocessor.pad_size_divisor == 128
    for evaluator in (config.val_evaluator, config.test_evaluator):
        assert evaluator.metric == (["bbox", "segm"] if masks else "bbox")


@pytest.mark.parametrize("name", RETINANET)
def test_retinanet_has_the_published_head(name):
    model = read(f"retinanet_spinenet-{name}").model
    head = model.bbox_head

    assert model.neck is None
    assert head.type == "RetinaSepBNHead"
    assert head.stacked_convs == (7 if name.startswith("190") else 4)
    assert head.anchor_generator.octave_base_scale == settings(f"retinanet_spinenet-{name}")[4]
    assert head.anchor_generator.strides == [8, 16, 32, 64, 128]
    assert head.loss_bbox == {"type": "SmoothL1Loss", "beta": 0.11, "loss_weight": 1.0}
    assert (head.loss_cls.gamma, head.loss_cls.alpha) == (2.0, 0.25)
    assigner = model.train_cfg.assigner
    assert (assigner.pos_iou_thr, assigner.neg_iou_thr, assigner.min_pos_iou) == (0.5, 0.5, 0)
    assert head.norm_cfg == model.backbone.norm_cfg
    assert head.norm_cfg == {"type": "SyncBN", "momentum": 0.01, "eps": 1e-3, "requires_grad": True}
    test = model.test_cfg
    assert (test.nms_pre, test.score_thr, test.nms.iou_threshold) == (1000, 0.05, 0.5)
    assert test.max_per_img == 100


@pytest.mark.parametrize("name", MASK_RCNN)
def test_mask_rcnn_has_the_published_heads(name):
    model = read(f"mask-rcnn_spinenet-{name}").model
    width = 128 if name.startswith("49s") else 256
    heads = model.roi_head

    assert model.neck is None
    assert model.rpn_head.in_channels == model.rpn_head.feat_channels == width
    assert model.rpn_head.anchor_generator.scales == [3]
    assert model.rpn_head.anchor_generator.strides == [8, 16, 32, 64, 128]
    assert model.rpn_head.loss_bbox.beta == pytest.approx(1 / 9)
    assert heads.bbox_head.fc_out_channels == (512 if width == 128 else 1024)
    assert heads.bbox_head.loss_bbox.beta == 1
    assert heads.bbox_head.bbox_coder.target_stds == [0.1, 0.1, 0.2, 0.2]
    for extractor, output in ((heads.bbox_roi_extractor, 7), (heads.mask_roi_extractor, 14)):
        assert extractor.featmap_strides == [8, 16, 32, 64]
        assert extractor.out_channels == width
        assert extractor.roi_layer == {
            "type": "RoIAlign",
            "output_size": output,
            "sampling_ratio": 2,
        }
    different = name == "143_1280"
    proposals = model.train_cfg.rpn_proposal
    assert model.train_cfg.rpn.allowed_border == (-1 if different else 0)
    assert (proposals.nms_pre, proposals.max_per_img) == (2000, 1000 if different else 2000)
    assert (model.test_cfg.rpn.nms_pre, model.test_cfg.rpn.max_per_img) == (1000, 1000)


def test_norms_are_not_decayed_and_shared_convolutions_are_stepped_once():
    config = copy.deepcopy(read("retinanet_spinenet-49s_640"))
    detector = MODELS.build(config.model)

    optimizer = build_optim_wrapper(detector, config.optim_wrapper).optimizer

    decayed = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert decayed.keys() == {id(parameter) for parameter in detector.parameters()}
    norms = [m for m in detector.modules() if isinstance(m, nn.SyncBatchNorm)]
    assert {decayed[id(norm.weight)] for norm in norms} == {0}
    assert decayed[id(detector.bbox_head.retina_cls.weight)] == 4e-5


def test_a_real_image_is_padded_to_the_side_with_what_becomes_zero(real_data):
    config = copy.deepcopy(read("mask-rcnn_spinenet-49s_640"))
    dataset = config.train_dataloader.dataset
    dataset.data_root = str(real_data / "coco")
    dataset.pipeline[2].ratio_range = (0.5, 0.5)
    preprocessor = MODELS.build(config.model.data_preprocessor)

    item = DATASETS.build(dataset)[0]
    data = {"inputs": [item["inputs"]], "data_samples": [item["data_samples"]]}
    image = preprocessor(data, training=True)["inputs"]

    assert image.shape == (1, 3, 640, 640)
    assert image[..., 330:, 330:].abs().max() < 0.02  # half a grey level
    assert item["data_samples"].gt_instances.masks.masks.shape[1:] == (640, 640)
