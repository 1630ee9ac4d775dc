import itertools

import numpy as np
import pytest

from inspire_med.evaluation.measures.surface_points import (
    area_table,
    border_voxels,
    surface_elements,
)

# One example a class with the area that follows from its facets at unit spacing.
UNIT_AREAS = {
    1: 0.216506, 3: 0.707107, 6: 0.433013, 24: 0.433013, 7: 1.149519, 22: 0.649519, 25: 0.923613,
    15: 1.0, 23: 1.299038, 27: 1.573132, 30: 1.366025, 60: 1.414214, 105: 0.866025,
}  # fmt: skip


@pytest.mark.parametrize(("code", "area"), UNIT_AREAS.items())
def test_area_of_each_class_at_unit_spacing(code, area):
    assert area_table((1.0, 1.0, 1.0))[code] == pytest.approx(area, abs=5e-7)


@pytest.mark.parametrize("dims", [2, 3])
def test_only_full_and_empty_neighbourhoods_have_no_area(dims):
    table = area_table((1.0,) * dims)

    assert np.flatnonzero(table == 0).tolist() == [0, len(table) - 1]


@pytest.mark.parametrize("spacing", [(1.0, 1.7, 2.9), (0.5, 3.0)])
def test_swapping_inside_and_outside_keeps_the_area(spacing):
    table = area_table(spacing)

    np.testing.assert_allclose(table, table[::-1], rtol=1e-14)


@pytest.mark.parametrize("spacing", [(1.0, 1.7, 2.9), (0.5, 3.0)])
def test_area_follows_mirrors_and_axis_permutations_with_the_spacing(spacing):
    dims = len(spacing)
    rng = np.random.default_rng(0)
    for _ in range(20):
        mask = rng.random((2,) * dims) < 0.5
        area = surface_elements(mask, spacing).areas.sum()
        for order in itertools.permutations(range(dims)):
            turned = np.flip(mask.transpose(order), axis=0)
            turned_area = surface_elements(turned, [spacing[axis] for axis in order]).areas.sum()
            assert turned_area == pytest.approx(area, rel=1e-12)


def test_a_single_voxel_has_eight_corners():
    found = surface_elements(np.ones((1, 1, 1), dtype=bool), (1.0, 1.0, 1.0))

    assert found.corners.tolist() == [list(c) for c in itertools.product((0, 1), repeat=3)]
    assert found.areas.sum() == pytest.approx(8 * np.sqrt(3) / 8)


def test_contour_lengths_of_a_flat_mask():
    # Spacing (2, 3): an edge along the rows is 3 long, along the columns 2, a cut corner half the
    # diagonal.
    found = surface_elements(np.ones((2, 3), dtype=bool), (2.0, 3.0))

    straight = (
        2 * 2 * 3.0 + 2 * 1 * 2.0
    )  # two interior corners on each long side, one on each short
    assert found.areas.sum() == pytest.approx(straight + 4 * 0.5 * np.sqrt(13))


def test_the_border_of_the_array_is_surface():
    found = surface_elements(np.ones((3, 3, 3), dtype=bool), (1.0, 1.0, 1.0))

    assert len(found.corners) == 4**3 - 2**3


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
