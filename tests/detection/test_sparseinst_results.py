import math

import pytest
import torch
import torch.nn.functional as F

from inspire_med.detection.sparseinst import results
from inspire_med.detection.sparseinst.decoder import Prediction
from inspire_med.detection.sparseinst.results import (
    Sizes,
    bounding_boxes,
    resize_masks,
    sizes_of,
    to_instances,
)

THRESHOLDS = {"score_thr": 0.005, "mask_thr": 0.45}


def logit(p):
    return math.log(p / (1 - p))


def same(size):
    return Sizes(size, size, size)


def test_scores_by_hand():
    # Class .81, objectness .49: sqrt = .63. Inside the mask: .9, .5 and not .45 or .2: mean .7.
    classes = torch.tensor([[logit(0.3), logit(0.81)]])
    masks = torch.tensor([[[logit(0.9), logit(0.5)], [logit(0.45) - 1e-3, logit(0.2)]]])

    found = to_instances(
        Prediction(classes, masks, torch.tensor([[logit(0.49)]])), same((2, 2)), **THRESHOLDS
    )

    assert found.scores.tolist() == pytest.approx([0.63 * 0.7], rel=1e-4)
    assert found.labels.tolist() == [1]
    assert found.masks.tolist() == [[[True, True], [False, False]]]
    assert found.bboxes.tolist() == [[0, 0, 2, 1]]


def test_keeps_by_the_geometric_mean_of_class_and_objectness():
    # sqrt(.04 * .0006) = .0049 goes, sqrt(.04 * .00064) = .00506 stays.
    classes, objectness = torch.full((2, 1), logit(0.04)), torch.tensor([[0.0006], [0.00064]])

    found = to_instances(
        Prediction(classes, torch.full((2, 3, 3), 9.0), objectness.logit()),
        same((3, 3)),
        **THRESHOLDS,
    )

    assert found.scores.tolist() == pytest.approx([0.00506], abs=1e-5)


def test_an_empty_result_has_every_field():
    logits = Prediction(torch.full((4, 3), -30.0), torch.randn(4, 8, 8), torch.full((4, 1), -30.0))

    found = to_instances(logits, Sizes((32, 32), (30, 25), (61, 50)), **THRESHOLDS)

    assert found.masks.shape == (0, 61, 50)
    assert found.masks.dtype == torch.bool
    assert found.bboxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)


def test_masks_that_overlap_all_stay():
    logits = Prediction(
        torch.full((5, 1), 4.0), torch.full((5, 4, 4), 9.0), torch.full((5, 1), 4.0)
    )

    assert len(to_instances(logits, same((4, 4)), **THRESHOLDS)) == 5


def test_masks_go_to_the_padded_size_then_lose_the_padding_then_to_the_original_size():
    probability, sizes = torch.rand(3, 16, 24), Sizes((64, 96), (50, 77), (101, 155))

    padded = F.interpolate(probability[None], size=(64, 96), mode="bilinear")
    expected = F.interpolate(padded[..., :50, :77], size=(101, 155), mode="bilinear")[0] > 0.45

    assert torch.equal(resize_masks(probability, sizes, 0.45), expected)


def test_many_large_masks_are_resized_in_parts(monkeypatch):
    probability, sizes = torch.rand(7, 8, 8), Sizes((32, 32), (31, 20), (40, 26))
    whole = resize_masks(probability, sizes, 0.45)

    for at_once in (1, 40 * 26 * 3):
        monkeypatch.setattr(results, "PIXELS_AT_ONCE", at_once)
        assert torch.equal(resize_masks(probability, sizes, 0.45), whole)


def test_boxes_by_hand():
    masks = torch.zeros(4, 5, 7, dtype=torch.bool)
    masks[0, 1, 2] = True  # one pixel
    masks[1] = True
    masks[2, 0, 6] = masks[2, 3, 1] = True  # two parts; the last mask is empty

    assert bounding_boxes(masks).tolist() == [
        [2, 1, 3, 2],
        [0, 0, 7, 5],
        [1, 0, 7, 4],
        [0, 0, 0, 0],
    ]


def test_sizes_are_read_from_the_metainfo():
    meta = {"batch_input_shape": (64, 96), "img_shape": (50, 77, 3), "ori_shape": (101, 155)}

    assert sizes_of(meta, rescale=True) == Sizes((64, 96), (50, 77), (101, 155))
    assert sizes_of(meta, rescale=False) == Sizes((64, 96), (50, 77), (50, 77))
