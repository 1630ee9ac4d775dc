import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.runner.amp import autocast
from mmengine.structures import InstanceData

import inspire_med.detection.sparseinst  # noqa: F401 - registers
from inspire_med.errors import InputError

LOSSES = ["loss_cls", "loss_dice", "loss_mask", "loss_objectness"]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmdet")


def build(kind="GroupInstanceBranch", maps="SigmoidMaps", **preprocessor):
    instances = {
        "type": kind,
        "num_classes": 3,
        "num_masks": 6,
        "channels": 16,
        "kernel_channels": 8,
        "maps": {"type": maps},
    }
    model = MODELS.build(
        {
            "type": "SparseInst",
            "data_preprocessor": {
                "type": "DetDataPreprocessor",
                "mean": [120, 120, 120],
                "std": [60, 60, 60],
                "pad_mask": True,
                "pad_size_divisor": 32,
                **preprocessor,
            },
            "backbone": {
                "type": "ResNet",
                "depth": 18,
                "out_indices": (1, 2, 3),
                "norm_eval": True,
            },
            "neck": {
                "type": "InstanceContextEncoder",
                "in_channels": [128, 256, 512],
                "channels": 16,
            },
            "decoder": {
                "type": "SparseInstDecoder",
                "in_channels": 16,
                "instances": instances,
                "masks": {"type": "MaskBranch", "channels": 16, "kernel_channels": 8},
            },
            "criterion": {"type": "SparseInstCriterion", "matcher": {"type": "DiceMatcher"}},
            "test_cfg": {"score_thr": 0.0, "mask_thr": 0.45},
        }
    )
    model.init_weights()
    return model.train()


def data(*images, masks=True):
    """Pack images given as (height, width, number of objects), each shown at half its size."""
    random = np.random.default_rng(0)
    batch = {"inputs": [], "data_samples": []}
    for index, (height, width, count) in enumerate(images):
        bitmaps = np.zeros((count, height, width), dtype=np.uint8)
        for bitmap in bitmaps:
            y, x = random.integers(height), random.integers(width)
            bitmap[y : y + height // 2 + 1, x : x + width // 2 + 1] = 1
        objects = InstanceData(labels=torch.from_numpy(random.integers(3, size=count)))
        if masks:
            objects.masks = BitmapMasks(bitmaps, height, width)
        sample = DetDataSample(
            metainfo={
                "img_id": index,
                "img_shape": (height, width),
                "ori_shape": (2 * height, 2 * width),
                "scale_factor": (0.5, 0.5),
            }
        )
        sample.gt_instances = objects
        batch["inputs"].append(torch.randint(256, (3, height, width), dtype=torch.uint8))
        batch["data_samples"].append(sample)
    return batch


def loss(model, batch):
    return model(**model.data_preprocessor(batch, training=True), mode="loss")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["InstanceBranch", "GroupInstanceBranch"])
@pytest.mark.parametrize("maps", ["SigmoidMaps", "SoftmaxMaps"])
@pytest.mark.parametrize("images", [[(40, 33, 2), (61, 64, 3)], [(37, 50, 1)], [(32, 32, 0)]])
def test_every_parameter_learns(kind, maps, images):
    model = build(kind, maps)

    losses = loss(model, data(*images))
    sum(losses.values()).backward()

    assert list(losses) == LOSSES
    unused = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert unused == []
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


def test_more_objects_than_masks_and_an_image_without_any():
    losses = loss(build(), data((40, 40, 9), (40, 33, 0)))

    assert all(value.isfinite() for value in losses.values())


def test_targets_are_the_padded_masks_at_the_predicted_size(monkeypatch):
    model, batch = build(), data((64, 64, 2), (40, 33, 1))
    seen = {}
    monkeypatch.setattr(model.criterion, "forward", lambda *given: seen.update(given=given) or {})

    loss(model, batch)
    prediction, labels, targets = seen["given"]

    assert prediction.masks.shape == (2, 6, 16, 16)
    assert [tuple(target.shape) for target in targets] == [(2, 16, 16), (1, 16, 16)]
    assert [len(label) for label in labels] == [2, 1]
    # 4 to 1, bilinear: the mean of the middle four of every sixteen pixels; nothing in the padding.
    whole = torch.zeros(64, 64)
    whole[:40, :33] = torch.from_numpy(
        np.asarray(batch["data_samples"][1].gt_instances.masks.masks[0])
    ).float()[:40, :33]
    middle = whole.unflatten(0, (16, 4)).unflatten(2, (16, 4))[:, 1:3, :, 1:3].mean(dim=(1, 3))
    torch.testing.assert_close(targets[1][0], middle)


def test_predicts_masks_at_the_original_size():
    model = build().eval()

    first, second = model.test_step(data((40, 33, 0), (61, 64, 0)))

    assert first.pred_instances.masks.shape == (6, 80, 66)
    assert second.pred_instances.masks.shape == (6, 122, 128)
    assert first.pred_instances.masks.dtype == torch.bool
    assert first.pred_instances.bboxes.shape == (6, 4)
    assert (first.pred_instances.labels < 3).all()


def test_predicts_at_the_resized_size_when_asked():
    model = build().eval()
    prepared = model.data_preprocessor(data((40, 33, 0)))

    (sample,) = model.predict(prepared["inputs"], prepared["data_samples"], rescale=False)

    assert sample.pred_instances.masks.shape == (6, 40, 33)


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (33, 2)])
def test_one_pixel_and_odd_sizes(size):
    model = build()

    losses = loss(model, data((*size, 1)))
    (sample,) = model.eval().test_step(data((*size, 1)))

    assert all(value.isfinite() for value in losses.values())
    assert sample.pred_instances.masks.shape[1:] == (2 * size[0], 2 * size[1])


def test_inputs_need_not_be_multiples_of_32():
    model = build(pad_size_divisor=1)

    losses = loss(model, data((45, 67, 2)))

    assert all(value.isfinite() for value in losses.values())
    assert model(torch.randn(1, 3, 45, 67)).masks.shape == (1, 6, 12, 18)


def test_an_image_is_predicted_the_same_alone_and_in_a_batch():
    model = build().eval()
    batch = data((64, 64, 0), (64, 64, 0))

    together = model.test_step(batch)[1].pred_instances
    alone = model.test_step({key: value[1:] for key, value in batch.items()})[0].pred_instances

    torch.testing.assert_close(together.scores, alone.scores)
    assert (together.masks != alone.masks).float().mean() < 1e-4


def test_nothing_above_the_threshold_gives_an_empty_result():
    model = build().eval()
    model.test_cfg["score_thr"] = 1.0

    (sample,) = model.test_step(data((40, 33, 2)))

    assert sample.pred_instances.masks.shape == (0, 80, 66)
    assert sample.pred_instances.bboxes.shape == (0, 4)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_trains_and_predicts_close_to_float32(dtype):
    model, batch = build(), data((64, 64, 2), (60, 50, 3))
    model.eval()  # batch norm's statistics stay where they are
    prepared = model.data_preprocessor(batch, training=True)

    full = model(**prepared, mode="loss")
    with torch.autocast("cpu", dtype):
        half = model(**prepared, mode="loss")
        (sample, _) = model.test_step(data((64, 64, 2), (60, 50, 3)))
    sum(half.values()).backward()

    for name in LOSSES:
        assert half[name].dtype == torch.float32
        torch.testing.assert_close(half[name], full[name], rtol=0.05, atol=0.01, msg=name)
    learned = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learned)
    (expected, _) = model.test_step(data((64, 64, 2), (60, 50, 3)))
    torch.testing.assert_close(
        sample.pred_instances.scores, expected.pred_instances.scores, rtol=0.05, atol=0.01
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_float16_trains_and_predicts():
    from mmengine.optim import AmpOptimWrapper

    model = build().cuda()
    wrapper = AmpOptimWrapper(optimizer=torch.optim.AdamW(model.parameters(), lr=1e-4))

    log = model.train_step(data((64, 64, 2), (60, 50, 3)), wrapper)
    with autocast(device_type="cuda", dtype=torch.float16):
        (sample, _) = model.eval().test_step(data((64, 64, 2), (60, 50, 3)))

    assert all(log[name].isfinite() for name in LOSSES)
    assert sample.pred_instances.scores.isfinite().all()


@pytest.mark.slow
def test_a_few_steps_lower_the_loss():
    torch.manual_seed(1)
    model, batch = build(), data((64, 64, 2), (64, 64, 2))
    wrapper = OptimWrapper(optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3))
    first, *_, last = [model.train_step(batch, wrapper)["loss"].item() for _ in range(15)]

    assert last < 0.8 * first


def test_says_what_the_objects_lack():
    with pytest.raises(InputError, match="without masks.*with_mask=True"):
        loss(build(), data((40, 33, 1), masks=False))
    with pytest.raises(InputError, match=r"masks of \(40, 33\) .* images of \(64, 64\); set pad_m"):
        loss(build(pad_mask=False), data((40, 33, 1)))
