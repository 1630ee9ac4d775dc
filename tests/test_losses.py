import math

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

from inspire_med.config import TrainConfig
from inspire_med.losses import LOSSES, SegmentationLoss


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


both = pytest.mark.parametrize("name", LOSSES)


@both
def test_levels_weigh_one_half_a_quarter(name):
    loss = SegmentationLoss(name)
    target = torch.zeros(1, 1, 4, 4)
    good, bad = torch.full((1, 1, 4, 4), -20.0), torch.zeros(1, 1, 2, 2)

    value = loss([good, good, bad], target)

    expected = loss(bad, torch.zeros(1, 1, 2, 2)) * 0.25 / 1.75
    torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-5)


@both
@pytest.mark.parametrize("size", [(9, 7), (9, 7, 5)], ids=["2d", "3d"])
def test_a_coarse_levels_target_is_the_share_of_foreground(name, size):
    target = torch.ones(1, 1, *size)
    coarse = torch.full((1, 1, *(3,) * len(size)), 20.0)

    assert SegmentationLoss(name)(coarse, target).item() == pytest.approx(0, abs=1e-4)


@both
def test_a_right_answer_costs_nothing_even_where_a_region_is_empty(name):
    target = torch.zeros(2, 2, 4, 4)
    target[:, 0, :2] = 1

    assert SegmentationLoss(name)(40 * target - 20, target).item() == pytest.approx(0, abs=1e-4)


@both
def test_is_float32_under_autocast(name):
    with torch.autocast("cpu", torch.bfloat16):
        value = SegmentationLoss(name)(torch.randn(1, 1, 4, 4).bfloat16(), torch.ones(1, 1, 4, 4))

    assert value.dtype == torch.float32


@both
@pytest.mark.parametrize("size", [(3, 3), (3, 2, 3)], ids=["2d", "3d"])
def test_gradient_is_the_derivative(name, size):
    loss = SegmentationLoss(name)
    logits = torch.randn(1, 2, *size, dtype=torch.float64, requires_grad=True)
    target = (torch.rand(1, 2, *size) > 0.5).double()

    assert torch.autograd.gradcheck(lambda x: loss(x, target), (logits,))


def test_every_loss_that_the_options_name_is_there():
    assert TrainConfig.__annotations__["loss"].__args__ == tuple(LOSSES)


class TestStructureLoss:
    def test_gives_the_value_known_by_hand(self):
        # A column of 31 pixels of which the first is foreground: the window around the pixel of
        # place i holds it for i <= 15, one of 31 * 31, so w = 1 + 5 (1 - 1/961) there, 1 + 5/961 on
        # 15 pixels, 1 on 15. p = 1/2 on the first, 0 on the others, so BCE = ln 2 on it alone.
        logits = torch.full((1, 1, 31, 1), -40.0)
        target = torch.zeros(1, 1, 31, 1)
        logits[0, 0, 0], target[0, 0, 0] = 0, 1

        value = SegmentationLoss("structure")(logits, target).item()

        first, near = 1 + 5 * 960 / 961, 1 + 5 / 961
        entropy = first * math.log(2) / (first + 15 * near + 15)
        assert value == pytest.approx(entropy + 1 - (first / 2 + 1) / (first + 1), abs=1e-6)

    @pytest.mark.parametrize("size", [(37, 45), (33, 8, 5)], ids=["2d", "3d"])
    def test_is_what_a_second_implementation_says(self, size):
        logits = torch.randn(2, 3, *size)
        target = torch.zeros(2, 3, *size)
        target[:, 0, 3:20, 2:6], target[1, 1] = 1, 1

        value = SegmentationLoss("structure")(logits, target).item()

        every = map(structure_loss, as_maps(logits), as_maps(target))
        assert value == pytest.approx(np.mean(list(every)), abs=1e-5)

    def test_where_logits_are_coarse_weights_are_those_of_the_fine_mask(self):
        target = torch.zeros(1, 1, 64, 48)
        target[..., :32, 8:] = 1  # no voxel of the coarse grid has both
        coarse = torch.randn(1, 1, 8, 6)
        fine = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)

        value = SegmentationLoss("structure")(coarse, target).item()

        expected = structure_loss(fine[0, 0].numpy(), target[0, 0].numpy(), cell=64)
        assert value == pytest.approx(expected, abs=1e-5)

    def test_an_edge_weighs_more_than_the_inside(self):
        target = torch.zeros(1, 1, 96, 96)
        target[..., :48, :] = 1
        wrong_at_the_edge, wrong_far_away = 40 * target - 20, 40 * target - 20
        wrong_at_the_edge[..., 48, :] = 20
        wrong_far_away[..., 80, :] = 20

        loss = SegmentationLoss("structure")

        assert loss(wrong_at_the_edge, target) > 2 * loss(wrong_far_away, target)


def as_maps(batch):
    """The maps of (batch, regions, *spatial), one after the other."""
    return batch.flatten(0, 1).double().numpy()


def structure_loss(z, y, cell=1):
    """The loss of one map, in NumPy, from the paper's formula; `cell` voxels count as one."""
    w = 1 + 5 * np.abs(uniform_filter(y, 31, mode="constant") - y)
    p = 1 / (1 + np.exp(-z))
    entropy = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    overlap, both = (w * p * y).sum() / cell, (w * (p + y)).sum() / cell
    return (w * entropy).sum() / w.sum() + 1 - (overlap + 1) / (both - overlap + 1)
