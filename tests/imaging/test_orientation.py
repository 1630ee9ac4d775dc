import nibabel as nib
import numpy as np
import pytest
from storages import ALL_CODES, OBLIQUE

from inspire_med.imaging.grid import Grid, same_grid
from inspire_med.imaging.orientation import Turn, closest_canonical, orientation_of


def test_there_are_48_orientations():
    assert len(set(ALL_CODES)) == 48


@pytest.mark.parametrize("codes", ALL_CODES)
def test_a_turned_volume_is_nibabels_and_comes_back(codes):
    values = np.random.default_rng(0).random((5, 7, 4))
    turn = Turn.to(codes, OBLIQUE)
    own = nib.orientations.io_orientation(OBLIQUE)
    wanted = nib.orientations.axcodes2ornt(tuple(codes))
    image = nib.Nifti1Image(values, OBLIQUE).as_reoriented(
        nib.orientations.ornt_transform(own, wanted)
    )

    turned, grid = turn.apply(values), turn.grid(Grid(values.shape, OBLIQUE))

    assert orientation_of(grid.affine) == codes
    assert grid.shape == turned.shape
    np.testing.assert_array_equal(turned, image.get_fdata())
    np.testing.assert_allclose(grid.affine, image.affine, atol=1e-9)
    np.testing.assert_array_equal(turn.undo(turned), values)
    batch = np.stack([values, -values])[None]
    np.testing.assert_array_equal(turn.apply(batch)[0, 1], -turned)
    np.testing.assert_array_equal(turn.undo(turn.apply(batch)), batch)


def test_a_volume_that_lies_as_wanted_is_left_alone():
    values = np.zeros((2, 3, 4))

    assert Turn.to("LAS", OBLIQUE) == Turn.none(3)
    assert np.shares_memory(Turn.none(3).apply(values), values)


@pytest.mark.parametrize("codes", ALL_CODES)
def test_one_grid_however_it_is_stored(codes):
    grid = Grid((5, 7, 4), OBLIQUE)
    stored = Turn.to(codes, OBLIQUE).grid(grid)

    assert same_grid(closest_canonical(stored), closest_canonical(grid))
    moved = Grid(stored.shape, stored.affine + np.eye(4, k=3) * 0.5)
    assert not same_grid(closest_canonical(moved), closest_canonical(grid))
