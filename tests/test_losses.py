import math

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss
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


@pytest.mark.parametrize("size", [(9, 7), (9, 7, 5)], ids=["2d", "3d"])
class TestMonaiSaysTheSame:
    def test_of_dice_beside_the_entropy(self, size):
        logits, target = torch.randn(2, 3, *size), (torch.rand(2, 3, *size) > 0.5).float()
        target[0, 1] = 0

        value = SegmentationLoss()(logits, target)

        dice = DiceLoss(sigmoid=True, smooth_nr=1, smooth_dr=1)(logits, target)
        entropy = torch.nn.BCEWithLogitsLoss()(logits, target)
        torch.testing.assert_close(value, dice + entropy, atol=1e-6, rtol=1e-6)

    def test_of_both_a_region_at_a_time(self, size):
        logits, target = torch.randn(2, 3, *size), (torch.rand(2, 3, *size) > 0.8).float()
        monai = DiceCELoss(sigmoid=True, smooth_nr=1, smooth_dr=1)

        value = SegmentationLoss()(logits, target)

        each = [monai(logits[:, [r]], target[:, [r]]) for r in range(3)]
        torch.testing.assert_close(value, sum(each) / 3, atol=1e-6, rtol=1e-6)


both = pytest.mark.parametrize("name", LOSSES)


@both
def test_where_all_is_judged_no_map_of_ones_is_kept(name):
    kept = []
    logits = torch.randn(1, 2, 6, 6, requires_grad=True)
    target = (torch.rand(1, 2, 6, 6) > 0.5).float()

    with torch.autograd.graph.saved_tensors_hooks(lambda own: kept.append(own) or own, lambda x: x):
        SegmentationLoss(name)(logits, target)

    maps = [own for own in kept if own.shape[-2:] == (6, 6)]
    assert maps
    assert not any((own == 1).all() for own in maps)


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


def with_judged(target, judged):
    return torch.cat([target, judged], dim=1)


class TestWhereNobodyHasJudged:
    def test_gives_the_value_known_by_hand(self):
        # Two of four voxels count, one of them foreground, p = 1/2: Dice = (1 + 1) / (1 + 1 + 1).
        logits = torch.tensor([[0.0, 0.0], [9.0, -9.0]]).view(1, 1, 2, 2)
        target = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).view(1, 1, 2, 2)
        judged = torch.tensor([[1.0, 1.0], [0.0, 0.0]]).view(1, 1, 2, 2)

        value = SegmentationLoss()(logits, with_judged(target, judged)).item()

        assert value == pytest.approx(1 / 3 + math.log(2))

    def test_a_coarse_voxel_counts_by_what_was_judged_of_it(self):
        # Of the first voxel's four one is foreground, one background, two nobody knows: y = 1/2 at
        # weight 1/2. The other is background. Dice = (2 * 1/2 * 1/4 + 1) / (3/4 + 1/4 + 1) = 5/8.
        target = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]).view(1, 1, 2, 4)
        judged = torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]).view(1, 1, 2, 4)

        value = SegmentationLoss()(torch.zeros(1, 1, 1, 2), with_judged(target, judged)).item()

        assert value == pytest.approx(3 / 8 + math.log(2))

    @pytest.mark.parametrize("size", [(37, 9), (33, 8, 5)], ids=["2d", "3d"])
    def test_structure_is_what_a_second_implementation_says(self, size):
        logits = torch.randn(1, 1, *size)
        target = torch.zeros(1, 1, *size)
        target[:, :, 3:20, 2:6] = 1
        judged = (torch.rand(1, 1, *size) > 0.7).float()

        value = SegmentationLoss("structure")(logits, with_judged(target, judged)).item()

        maps = (as_maps(each)[0] for each in (logits, target, judged))
        assert value == pytest.approx(structure_loss_of_judged(*maps), abs=1e-5)

    @both
    @pytest.mark.parametrize("size", [(12, 10), (8, 6, 4)], ids=["2d", "3d"])
    def test_nothing_there_matters_and_nothing_is_learned(self, name, size):
        loss = SegmentationLoss(name)
        target = (torch.rand(2, 2, *size) > 0.5).float()
        judged = (torch.rand(2, 1, *size) > 0.6).float()
        logits = [torch.randn(2, 2, *size), torch.randn(2, 2, *(side // 2 for side in size))]
        unknown = judged.expand_as(target) == 0
        other = torch.where(unknown, 1 - target, target)
        moved = [torch.where(unknown, 30 * torch.randn(2, 2, *size), logits[0]), logits[1]]
        fine = logits[0].clone().requires_grad_()

        value = loss([fine, logits[1]], with_judged(target, judged))
        value.backward()

        assert loss(moved, with_judged(other, judged)) == value
        assert (fine.grad[unknown] == 0).all()
        assert (fine.grad[~unknown] != 0).all()

    @both
    def test_a_coarse_voxel_of_which_nothing_was_judged_learns_nothing(self, name):
        target, judged = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
        judged[..., :2, :2] = 0
        coarse = torch.randn(1, 1, 2, 2, requires_grad=True)

        SegmentationLoss(name)(coarse, with_judged(target, judged)).backward()

        assert coarse.grad[0, 0, 0, 0] == 0
        assert (coarse.grad.flatten()[1:] != 0).all()

    @both
    def test_where_all_was_judged_it_is_as_if_nothing_were_said(self, name):
        logits = [torch.randn(2, 3, 9, 7), torch.randn(2, 3, 4, 3)]
        target = (torch.rand(2, 3, 9, 7) > 0.5).float()

        value = SegmentationLoss(name)(logits, with_judged(target, torch.ones(2, 1, 9, 7)))

        torch.testing.assert_close(value, SegmentationLoss(name)(logits, target))

    @both
    def test_a_sample_that_nobody_has_judged_costs_nothing(self, name):
        logits = torch.randn(1, 2, 6, 6, requires_grad=True)

        value = SegmentationLoss(name)(logits, torch.zeros(1, 3, 6, 6))
        value.backward()

        assert value.item() == 0
        assert (logits.grad == 0).all()

    @both
    def test_cases_count_alike_however_much_of_them_was_judged(self, name):
        loss = SegmentationLoss(name)
        logits, target = torch.randn(2, 2, 8, 8), (torch.rand(2, 2, 8, 8) > 0.5).float()
        judged = torch.ones(2, 1, 8, 8)
        judged[1, :, 1:] = 0
        whole = with_judged(target, judged)

        each = [loss(logits[[k]], whole[[k]]) for k in (0, 1)]

        torch.testing.assert_close(loss(logits, whole), sum(each) / 2)

    @both
    def test_shares_of_a_scaled_target_are_those_of_what_was_judged(self, name):
        """Half of a voxel judged, and that half foreground, is foreground at half the weight."""
        logits = torch.full((1, 1, 2, 2), 20.0)
        half = torch.full((1, 1, 2, 2), 0.5)

        assert SegmentationLoss(name)(logits, with_judged(half, half)).item() < 1e-4


def structure_loss_of_judged(z, y, judged):
    """The loss of one map, voxel by voxel, means over what was judged; outside is background."""
    width = 15
    inside = np.pad(y * judged, width)
    count = np.pad(judged, width, constant_values=1)
    entropy = weights = overlap = union = 0.0
    for place in np.ndindex(y.shape):
        if not judged[place]:
            continue
        window = tuple(slice(at, at + 2 * width + 1) for at in place)
        w = 1 + 5 * abs(inside[window].sum() / count[window].sum() - y[place])
        p = 1 / (1 + np.exp(-z[place]))
        entropy -= w * (y[place] * np.log(p) + (1 - y[place]) * np.log(1 - p))
        weights += w
        overlap += w * p * y[place]
        union += w * (p + y[place] - p * y[place])
    return entropy / weights + 1 - (overlap + 1) / (union + 1)
