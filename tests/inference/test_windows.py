import itertools

import numpy as np
import pytest
import torch
from torch import nn

from inspire_med.inference.sliding_window import region_probabilities
from inspire_med.inference.windows import Windows, fewest_voxels


class Looks(nn.Module):
    """A network that counts how often it is asked."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.layer = (nn.Conv2d if dims == 2 else nn.Conv3d)(1, 1, 1)
        self.asked = 0

    def forward(self, x):
        self.asked += 1
        return self.layer(x)


@pytest.mark.parametrize(
    ("shape", "size", "overlap", "starts"),
    [
        ((8, 8), (8, 8), 0.5, ((0,), (0,))),  # the whole image at once
        ((5, 7), (8, 8), 0.5, ((0,), (0,))),
        ((16, 8), (8, 8), 0.5, ((0, 4, 8), (0,))),
        ((17, 8), (8, 8), 0.5, ((0, 3, 6, 9), (0,))),
        ((16, 8), (8, 8), 0.25, ((0, 4, 8), (0,))),
        ((16, 16), (8, 8), 0.0, ((0, 8), (0, 8))),
        ((9, 3, 12), (4, 5, 3), 0.25, ((0, 2, 5), (0,), (0, 2, 4, 5, 7, 9))),
    ],
)
def test_windows_are_spread_evenly(shape, size, overlap, starts):
    assert Windows.over(shape, size, overlap).starts == starts


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.75])
def test_windows_cover_all_and_share_what_was_asked(overlap):
    for voxels, side in itertools.product(range(1, 40), (1, 4, 7, 16)):
        windows = Windows.over((voxels,), (side,), overlap)
        (starts,), (size,) = windows.starts, windows.size
        covered = {voxel for start in starts for voxel in range(start, start + size)}
        assert covered == set(range(voxels))
        assert size == min(side, voxels)
        steps = [after - before for before, after in itertools.pairwise(starts)]
        assert max(steps, default=1) <= max(side * (1 - overlap), 1)


@pytest.mark.parametrize("flips", [False, True])
@pytest.mark.parametrize("starts", [((0,), (0, 2, 4, 6, 8)), ((0, 2), (0, 2, 4))])
def test_every_window_is_told(starts, flips):
    network, heard = Looks(2), []
    windows = Windows((4, 4), starts)
    shape = [each[-1] + 4 for each in starts]

    region_probabilities(
        network,
        torch.rand(1, *shape),
        windows,
        np.zeros((1, *shape), np.uint16),
        precision="32-true",
        flips=flips,
        watch=lambda done, total: heard.append((done, total)),
    )

    assert network.asked == len(windows) * (4 if flips else 1)
    assert heard == [(done, len(windows)) for done in range(1, len(windows) + 1)]


def chosen(shape, training, most):
    return fewest_voxels(shape, training, overlap=0.5, fits=lambda size: np.prod(size) <= most)


def test_with_room_enough_the_whole_image_is_one_window():
    windows = chosen((141, 175, 137), (96, 96, 96), 10**7)

    assert windows.size == (141, 175, 137)
    assert len(windows) == 1


def test_with_little_room_windows_are_those_of_the_training():
    windows = chosen((141, 175, 137), (96, 96, 96), 96**3)

    assert windows == Windows.over((141, 175, 137), (96, 96, 96), 0.5)


def test_with_some_room_fewer_voxels_are_seen_than_with_the_training_s_windows():
    small, whole = 12 * 96**3, 141 * 175 * 137

    windows = chosen((141, 175, 137), (96, 96, 96), 2 * 96**3)

    assert whole < windows.voxels < small
    assert np.prod(windows.size) <= 2 * 96**3
    assert all(side >= 96 for side in windows.size)


def test_large_windows_share_as_many_voxels_as_small_ones():
    windows = chosen((400, 96), (96, 96), 224 * 96)

    (first, second, *_), _ = windows.starts
    assert windows.size[0] - (second - first) >= 48


def test_an_axis_shorter_than_the_training_s_stays_as_it_is():
    assert chosen((20, 300), (96, 96), 20 * 96).size == (20, 96)
