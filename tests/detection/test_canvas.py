import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.structures import InstanceData, PixelData

from inspire_med.detection.canvas import OrientedFixedSizePad
from inspire_med.errors import InputError

# Height and width of a batch, and of what it becomes on a canvas of 16 x 10.
SIZES = {
    "portrait": ((12, 8), (16, 10)),
    "landscape": ((8, 12), (10, 16)),
    "square": ((9, 9), (16, 10)),
    "full portrait": ((16, 10), (16, 10)),
    "full landscape": ((10, 16), (10, 16)),
    "mixed": ((16, 16), (16, 16)),
    "too wide for a portrait": ((13, 12), (16, 12)),
    "too high for a landscape": ((12, 13), (12, 16)),
    "too long": ((8, 20), (10, 20)),
    "a pixel": ((1, 1), (16, 10)),
}


def sample(height=6, width=8, masks=None, semantic=None):
    made = DetDataSample(metainfo={"img_shape": (height, width), "pad_shape": (8, 8)})
    made.gt_instances = InstanceData(bboxes=torch.tensor([[1.0, 2, 5, 6]]))
    if masks is not None:
        made.gt_instances.masks = masks
    if semantic is not None:
        made.gt_sem_seg = PixelData(metainfo={"ignore_index": 255}, sem_seg=semantic)
    return made


@pytest.mark.parametrize(("batch", "canvas"), SIZES.values(), ids=SIZES)
def test_pads_to_a_canvas_that_lies_as_the_batch_does_and_never_crops(batch, canvas):
    images = torch.randn(2, 3, *batch)

    padded, samples = OrientedFixedSizePad((16, 10), img_pad_value=7)(images, [sample(), sample()])

    assert padded.shape == (2, 3, *canvas)
    torch.testing.assert_close(padded[..., : batch[0], : batch[1]], images, rtol=0, atol=0)
    assert (padded[..., batch[0] :, :] == 7).all()
    assert (padded[..., batch[1] :] == 7).all()
    for each in samples:
        assert each.batch_input_shape == each.pad_shape == canvas
        assert each.img_shape == (6, 8)


def test_pads_with_zero_by_default():
    padded, _ = OrientedFixedSizePad((4, 3))(torch.ones(1, 1, 2, 2))

    assert padded.sum() == 4
    assert padded.shape == (1, 1, 4, 3)


def test_takes_a_batch_without_samples():
    padded, samples = OrientedFixedSizePad((16, 10))(torch.ones(1, 3, 8, 12))

    assert padded.shape == (1, 3, 10, 16)
    assert samples is None


def test_pads_bitmaps_polygons_and_semantic_maps_when_asked():
    bitmaps = BitmapMasks(np.ones((2, 6, 8), np.uint8), 6, 8)
    polygons = PolygonMasks([[np.array([1.0, 1, 5, 1, 5, 4])]], 6, 8)
    semantic = torch.full((1, 6, 8), 3, dtype=torch.uint8)
    samples = [sample(semantic=semantic), sample(semantic=semantic)]
    samples[0].gt_instances = InstanceData(masks=bitmaps)
    samples[1].gt_instances = InstanceData(masks=polygons)

    pad = OrientedFixedSizePad((16, 10), pad_mask=True, pad_seg=True)
    _, (first, second) = pad(torch.zeros(2, 3, 6, 8), samples)

    masks = first.gt_instances.masks
    assert (masks.height, masks.width) == masks.masks.shape[1:] == (10, 16)
    assert masks.masks[:, :6, :8].all()
    assert masks.masks.sum() == 2 * 6 * 8
    masks = second.gt_instances.masks
    assert (masks.height, masks.width) == (10, 16)
    assert masks.masks == polygons.masks
    for each in (first, second):
        padded = each.gt_sem_seg
        assert padded.sem_seg.shape == (1, 10, 16)
        assert (padded.sem_seg[:, :6, :8] == 3).all()
        assert (padded.sem_seg == 255).sum() == 10 * 16 - 6 * 8
        assert padded.sem_seg.dtype == torch.uint8
        assert padded.ignore_index == 255


def test_masks_and_semantic_maps_follow_a_canvas_that_grows():
    bitmaps = BitmapMasks(np.ones((1, 6, 8), np.uint8), 6, 8)
    semantic = torch.zeros(1, 6, 8, dtype=torch.uint8)

    pad = OrientedFixedSizePad((7, 3), pad_mask=True, pad_seg=True, mask_pad_value=1)
    images, (made,) = pad(torch.zeros(1, 3, 6, 8), [sample(masks=bitmaps, semantic=semantic)])

    assert images.shape[-2:] == made.gt_sem_seg.sem_seg.shape[-2:] == (6, 8)
    assert made.gt_instances.masks.masks.shape == (1, 6, 8)


def test_leaves_masks_and_semantic_maps_alone_unless_asked():
    bitmaps = BitmapMasks(np.ones((1, 6, 8), np.uint8), 6, 8)
    semantic = torch.zeros(1, 6, 8, dtype=torch.uint8)

    _, (made,) = OrientedFixedSizePad((16, 10))(
        torch.zeros(1, 3, 6, 8), [sample(masks=bitmaps, semantic=semantic)]
    )

    assert made.gt_instances.masks.masks.shape == (1, 6, 8)
    assert made.gt_sem_seg.sem_seg.shape == (1, 6, 8)


def test_samples_without_masks_or_semantic_maps_are_fine():
    pad = OrientedFixedSizePad((16, 10), pad_mask=True, pad_seg=True)

    _, (made,) = pad(torch.zeros(1, 3, 6, 8), [sample()])

    assert "masks" not in made.gt_instances
    assert "gt_sem_seg" not in made


@pytest.mark.parametrize(
    ("sizes", "canvas"),
    [
        ([(30, 70), (45, 50)], (64, 96)),
        ([(70, 30), (50, 45)], (96, 64)),
        ([(61, 30), (30, 61)], (96, 64)),
        ([(90, 60), (60, 90)], (96, 96)),
    ],
    ids=["landscape", "portrait", "mixed, fits", "mixed, grows"],
)
def test_the_preprocessor_runs_it_in_training_alone(sizes, canvas):
    preprocessor = MODELS.build(
        {
            "type": "DetDataPreprocessor",
            "mean": [100, 110, 120],
            "std": [50, 50, 50],
            "pad_size_divisor": 32,
            "batch_augments": [{"type": "OrientedFixedSizePad", "size": (96, 64)}],
        }
    )
    data = {
        "inputs": [torch.full((3, *size), 200, dtype=torch.uint8) for size in sizes],
        "data_samples": [sample(*size) for size in sizes],
    }

    training = preprocessor(data, training=True)
    samples = training["data_samples"]

    assert training["inputs"].shape == (2, 3, *canvas)
    # A mean pixel is zero once normalised; mmdet pads with that before, and the canvas after.
    expected = torch.tensor([(200 - mean) / 50 for mean in (100, 110, 120)])
    for image, (height, width) in zip(training["inputs"], sizes, strict=True):
        assert (image[:, :height, :width] == expected.view(3, 1, 1)).all()
        assert image[:, height:].abs().sum() == image[..., width:].abs().sum() == 0
    assert [each.batch_input_shape for each in samples] == [canvas, canvas]
    assert [each.pad_shape for each in samples] == [canvas, canvas]
    assert [each.img_shape for each in samples] == sizes
    stacked = tuple(32 * -(-max(side) // 32) for side in zip(*sizes, strict=True))
    assert preprocessor(data, training=False)["inputs"].shape == (2, 3, *stacked)


@pytest.mark.parametrize("size", [(800, 1216), (0, 0), (16, -1), (16,), (16, 10, 3)])
def test_says_what_a_canvas_is(size):
    with pytest.raises(InputError, match=r"OrientedFixedSizePad.size=.* the longer one first"):
        OrientedFixedSizePad(size)
