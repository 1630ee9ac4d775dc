import math

import pytest
import torch

from inspire_med.losses import SegmentationLoss


def test_undecided_logits_give_the_value_known_by_hand():
    # p = 1/2 on 4 voxels, 2 of them foreground: Dice = (2*1 + 1) / (2 + 2 + 1) = 0.6; BCE = ln 2.
    logits = torch.zeros(1, 1, 2, 2)
    target = torch.tensor([[1.0, 1.0], [0.0, 0.0]]).view(1, 1, 2, 2)

    assert SegmentationLoss()(logits, target).item() == pytest.approx(0.4 + math.log(2))


def test_regions_count_alike_whatever_their_size():
    logits = torch.full((1, 2, 4, 4), -20.0)
    target = torch.zeros(1, 2, 4, 4)
    target[0, 0], target[0, 1, 0, 0] = 1, 1
    logits[0, 0] = 20  # the large region is right, the small one is missed

    dice = SegmentationLoss()(logits, target) - torch.nn.BCEWithLogitsLoss()(logits, target)

    assert dice.item() == pytest.approx((0 + (1 - 1 / 2)) / 2, abs=1e-4)  # (2*0 + 1) / (0 + 1 + 1)


def test_cases_count_alike_whatever_their_size():
    logits = torch.full((2, 1, 4, 4), -20.0)
    target = torch.zeros(2, 1, 4, 4)
    target[0], target[1, 0, 0, 0] = 1, 1
    logits[0] = 20  # the large one is right, the small one is missed

    dice = SegmentationLoss()(logits, target) - torch.nn.BCEWithLogitsLoss()(logits, target)

    assert dice.item() == pytest.approx((0 + (1 - 1 / 2)) / 2, abs=1e-4)


def test_a_right_answer_costs_nothing_even_where_a_region_is_empty():
    target = torch.zeros(2, 2, 4, 4)
    target[:, 0, :2] = 1

    assert SegmentationLoss()(40 * target - 20, target).item() == pytest.approx(0, abs=1e-4)


def test_levels_weigh_one_half_a_quarter():
    loss = SegmentationLoss()
    target = torch.zeros(1, 1, 4, 4)
    good, bad = torch.full((1, 1, 4, 4), -20.0), torch.zeros(1, 1, 2, 2)

    value = loss([good, good, bad], target)

    expected = loss(bad, torch.zeros(1, 1, 2, 2)) * 0.25 / 1.75
    torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("size", [(9, 7), (9, 7, 5)], ids=["2d", "3d"])
def test_a_coarse_levels_target_is_the_share_of_foreground(size):
    target = torch.ones(1, 1, *size)
    coarse = torch.full((1, 1, *(3,) * len(size)), 20.0)

    assert SegmentationLoss()(coarse, target).item() == pytest.approx(0, abs=1e-4)


def test_is_float32_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        value = SegmentationLoss()(torch.randn(1, 1, 4, 4).bfloat16(), torch.ones(1, 1, 4, 4))

    assert value.dtype == torch.float32


def test_gradient_is_the_derivative():
    loss = SegmentationLoss()
    logits = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    target = (torch.rand(1, 2, 3, 3) > 0.5).double()

    assert torch.autograd.gradcheck(lambda x: loss(x, target), (logits,))
