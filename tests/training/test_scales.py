import pytest
import torch

from inspire_med.training.scales import resized, scaled_sizes

SCALES = (0.75, 1.0, 1.25)


def test_pictures_have_the_sizes_of_pranets_script():
    # Its rule is the side times the rate, in whole 32s, by Python's own rounding.
    assert scaled_sizes((352, 352), SCALES) == [(256, 256), (352, 352), (448, 448)]


def test_volumes_have_multiples_of_8():
    assert scaled_sizes((96, 64, 40), (0.75, 1.25)) == [(72, 48, 32), (120, 80, 48)]


def test_along_each_axis_sizes_are_multiples_of_the_networks_own_strides():
    strides = [[1, 2, 2], [2, 2, 2], [1, 3, 2]]

    found = scaled_sizes((11, 60, 40), (0.75, 1.0, 1.25), strides)

    assert found == [(8, 48, 32), (11, 60, 40), (14, 72, 48)]


def test_an_axis_shorter_than_its_multiple_keeps_its_share():
    assert scaled_sizes((20, 10), (0.5, 1.5)) == [(10, 5), (30, 15)]
    assert scaled_sizes((4, 64, 64), (0.75, 1.25)) == [(3, 48, 48), (5, 80, 80)]
    assert scaled_sizes((32, 64), (0.5,)) == [(16, 32)]


def test_no_axis_vanishes():
    assert scaled_sizes((1, 64, 64), (0.5,)) == [(1, 32, 32)]


@pytest.mark.parametrize("dims", [2, 3])
def test_no_axis_grows_by_a_small_scale_or_shrinks_by_a_large_one(dims):
    for length in range(1, 130):
        sizes = scaled_sizes([length] * dims, (0.5, 0.75, 0.95, 1.05, 1.25, 2))
        assert all(max(smaller) <= length for smaller in sizes[:3])
        assert all(min(larger) >= length for larger in sizes[3:])


def test_scale_1_leaves_any_size():
    assert scaled_sizes((13, 11), (1.0,)) == [(13, 11)]
    batch = torch.rand(1, 2, 13, 11)
    assert resized(batch, [(13, 11)], seed=3, step=8) is batch


def sizes_of_steps(seed, steps):
    batch, sizes = torch.rand(1, 1, 4, 6), [(3, 5), (4, 6), (8, 12)]
    return [tuple(resized(batch, sizes, seed=seed, step=step).shape[2:]) for step in steps]


def test_every_round_has_every_scale_once_in_an_order_of_its_own():
    rounds = [sizes_of_steps(7, range(first, first + 3)) for first in range(0, 30, 3)]

    assert all(set(sizes) == {(3, 5), (4, 6), (8, 12)} for sizes in rounds)
    assert len(set(map(tuple, rounds))) > 1


def test_a_step_has_its_scale_whatever_came_before():
    whole = sizes_of_steps(7, range(12))

    assert [sizes_of_steps(7, [step])[0] for step in reversed(range(12))] == whole[::-1]
    assert sizes_of_steps(8, range(12)) != whole


@pytest.mark.parametrize("dims", [2, 3])
def test_a_voxel_of_the_target_becomes_its_share_of_foreground(dims):
    target = torch.zeros(1, 2, *(4,) * dims)
    target[:, 0, :2] = 1  # half of it, along an edge between voxels
    target[0, 1, 0, 0] = 1  # a pixel, or a row of voxels

    small = resized(target, [(2,) * dims], seed=0, step=0)

    assert small[0, 0, 0].unique().tolist() == [1.0]
    assert small[0, 0, 1].unique().tolist() == [0.0]
    assert small[0, 1, 0, 0].unique().tolist() == [0.25]
    assert small.mean(dim=tuple(range(2, 2 + dims))).tolist() == [[0.5, 1 / 16]]


@pytest.mark.parametrize("size", [(33, 47), (18, 12, 27)], ids=["2d", "3d"])
def test_an_image_and_its_target_stay_in_the_same_place(size):
    # A ramp along each axis: values are places, and the middles of both grids coincide.
    ramp = torch.stack(torch.meshgrid(*map(torch.arange, size), indexing="ij"))[None].float()
    bigger = [2 * n for n in size]

    large = resized(ramp, [bigger], seed=0, step=0)

    for axis, n in enumerate(size):
        along = large[0, axis].movedim(axis, 0).flatten(1)[:, 0]
        torch.testing.assert_close(along[1:-1], torch.arange(1, 2 * n - 1) / 2 - 0.25)
