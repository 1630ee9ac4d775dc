import json

import numpy as np
import pytest
from storages import ALL_CODES, OBLIQUE

from inspire_med.imaging.grid import Grid
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.placement import Placement
from inspire_med.imaging.volume import Header

GRID = Grid((9, 8, 7), OBLIQUE)
BOX = (slice(1, 6), slice(2, 7), slice(0, 5))


def volume(codes="RAS", box=BOX, spacing_mm=None, header=None):
    return Placement.of_volume(GRID, Turn.to(codes, OBLIQUE), box, spacing_mm, header)


@pytest.mark.parametrize("codes", ALL_CODES)
def test_back_undoes_forward(codes):
    placement = volume(codes)
    values = np.random.default_rng(0).random((2, *GRID.shape)).astype(np.float32)

    seen = placement.forward(values)
    back = placement.back(seen)

    assert seen.shape == (2, 5, 5, 5)
    assert back.shape == values.shape
    kept = back != 0
    assert kept.sum() == 2 * 5**3
    np.testing.assert_array_equal(back[kept], values[kept])
    np.testing.assert_array_equal(placement.forward(back), seen)


def test_each_voxel_stands_where_it_is_expected():
    values = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    turn = Turn((2, 0, 1), (True, False, False))
    placement = Placement((2, 3, 4), turn, ((1, 3), (0, 2), (2, 3)), (2, 2, 1))

    seen = placement.forward(values)

    # view[a, b, c] is file[b, c, 3 - a], of a in 1..2, b in 0..1, c in 2
    assert seen.tolist() == [[[[values[0, 0, 2, 2]], [values[0, 1, 2, 2]]],
                              [[values[0, 0, 2, 1]], [values[0, 1, 2, 1]]]]]  # fmt: skip
    assert placement.back(seen)[0, 1, 2, 1] == values[0, 1, 2, 1]
    assert np.count_nonzero(placement.back(seen)) == 4


@pytest.mark.parametrize("size", [(16, 24), (12, 30), (37, 61), (12, 11)])
def test_a_picture_comes_back_smooth_but_in_its_place(size):
    rows, columns = np.mgrid[:25, :31]
    values = np.stack([rows + 2 * columns, 50 - columns]).astype(np.float32)
    placement = Placement.of_picture((25, 31), size)

    seen = placement.forward(values)
    back = placement.back(seen)

    assert seen.shape == (2, *size)
    inner = (slice(None), slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(back[inner], values[inner], atol=0.2)


def test_a_picture_keeps_its_own_size_unless_another_is_asked_for():
    picture = np.random.default_rng(0).integers(0, 255, (3, 5, 7), dtype=np.uint8)
    placement = Placement.of_picture((5, 7), None)

    np.testing.assert_array_equal(placement.forward(picture), picture)
    np.testing.assert_array_equal(placement.back(picture), picture)
    assert placement.view is None


@pytest.mark.parametrize("codes", ["RAS", "LAS", "SPL", "AIR"])
@pytest.mark.parametrize("spacing_mm", [(1.5, 2.5, 1.0), (3.0, 1.0, 5.0)])
def test_a_resampled_volume_comes_back_in_its_place(codes, spacing_mm):
    """A linear ramp over the patient is the same ramp on whatever grid it is seen."""
    points = np.stack(np.indices(GRID.shape), -1) @ OBLIQUE[:3, :3].T + OBLIQUE[:3, 3]
    values = (points @ (1.0, -2.0, 0.5))[None].astype(np.float32)
    placement = volume(codes, box=None, spacing_mm=spacing_mm)

    seen = placement.forward(values)

    view = placement.view
    assert view.shape == seen.shape[1:]
    np.testing.assert_allclose(view.spacing_mm, spacing_mm, rtol=0.3)
    places = np.stack(np.indices(view.shape), -1) @ view.affine[:3, :3].T + view.affine[:3, 3]
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(
        seen[0][inner], (places @ (1.0, -2.0, 0.5))[inner], atol=0.02, rtol=1e-3
    )
    np.testing.assert_allclose(placement.back(seen)[0][inner], values[0][inner], atol=1.0)


def test_a_size_is_the_nearest_to_the_spacing_and_at_least_1():
    assert volume(spacing_mm=(1.0, 3.0, 100.0)).size == (10, 3, 1)


def test_the_view_of_a_crop_lies_where_its_voxels_do():
    placement = volume("PSL")
    places = np.stack(np.indices(GRID.shape)).astype(np.float32)

    seen = placement.forward(places)  # the file's indices of every voxel that is seen

    view = placement.view
    there = np.einsum("ij,jabc->iabc", view.affine[:3, :3], np.indices(view.shape))
    there += view.affine[:3, 3].reshape(3, 1, 1, 1)
    file = np.einsum("ij,jabc->iabc", OBLIQUE[:3, :3], seen) + OBLIQUE[:3, 3].reshape(3, 1, 1, 1)
    np.testing.assert_allclose(there, file, atol=1e-4)


@pytest.mark.parametrize(
    "placement",
    [
        volume("SPL", spacing_mm=(2.0, 2.0, 3.0)),
        volume(header=Header(OBLIQUE.tolist(), 1, 2, ["mm", "sec"])),
        Placement.of_picture((5, 7), (8, 8)),
    ],
)
def test_comes_back_from_json(placement):
    content = json.loads(json.dumps(placement.to_json(), allow_nan=False))

    again = Placement.from_json(content)

    assert again.to_json() == placement.to_json()
    values = np.random.default_rng(0).random((1, *placement.size)).astype(np.float32)
    np.testing.assert_array_equal(again.back(values), placement.back(values))
    assert again.header == placement.header
