import itertools

import numpy as np
import pytest

from inspire_med.evaluation.measures.border import border_voxels


def places(found):
    return [tuple(place) for place in found.tolist()]


def test_border_voxels_touch_the_outside_by_a_face():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[1:4, 1:4, 1:4] = True

    border = places(border_voxels(mask))

    assert len(border) == 26
    assert (2, 2, 2) not in border


def test_a_mask_that_fills_the_array_has_its_shell_as_border():
    assert len(border_voxels(np.ones((4, 4), dtype=bool))) == 12


def test_nothing_has_no_border():
    assert border_voxels(np.zeros((3, 4, 5), dtype=bool)).shape == (0, 3)


@pytest.mark.parametrize("shape", [(7, 5), (5, 4, 6), (1, 6), (3, 1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_equals_a_look_at_every_neighbour_in_scan_order(shape, seed):
    mask = np.random.default_rng(seed).random(shape) < 0.7

    assert places(border_voxels(mask)) == list(by_looking(mask))


def by_looking(mask):
    for voxel in itertools.product(*map(range, mask.shape)):
        near = [
            tuple(v + step * (a == axis) for a, v in enumerate(voxel))
            for axis, step in itertools.product(range(mask.ndim), (-1, 1))
        ]
        inside = [
            all(0 <= p < size for p, size in zip(n, mask.shape, strict=True)) and mask[n]
            for n in near
        ]
        if mask[voxel] and not all(inside):
            yield voxel
