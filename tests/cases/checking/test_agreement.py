import numpy as np
import pytest

from inspire_med.cases.checking.agreement import agreement, lattice, values_at
from inspire_med.imaging.grid import Grid

AFFINE = np.array([[0.0, -2, 0, 9], [1, 0, 0, -4], [0, 0, 3, 1], [0, 0, 0, 1]])


@pytest.mark.parametrize("shape", [(12, 7, 9), (85, 41, 3)])
def test_values_are_found_at_their_own_places(shape):
    grid = Grid(shape, AFFINE)
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    steps = tuple(slice(None, None, -(-size // 40)) for size in shape)

    assert np.array_equal(values_at(lattice(grid), values, grid), values[steps].ravel())


def test_places_outside_have_no_value():
    here, there = Grid((4, 4, 4), np.eye(4)), Grid((4, 4, 4), np.eye(4))
    there.affine[0, 3] = 3  # one plane in common

    found = values_at(lattice(here), np.ones((4, 4, 4), np.float32), there)

    assert np.isfinite(found).sum() == 16
    assert np.isfinite(found.reshape(4, 4, 4)[3]).all()


def test_one_image_twice_agrees_wholly_whatever_its_contrast():
    values = np.random.default_rng(0).integers(0, 8, 4000).astype(np.float32)

    assert agreement(values, values) == pytest.approx(1)
    assert agreement(values, 100 - 3 * values) == pytest.approx(1)


def test_images_that_know_nothing_of_each_other_do_not_agree():
    first, second = np.random.default_rng(0).integers(0, 4, (2, 100_000)).astype(np.float32)

    assert agreement(first, second) == pytest.approx(0, abs=1e-3)
    assert agreement(first, np.ones_like(first)) == pytest.approx(0)


def test_agreement_is_that_of_a_table_worked_by_hand():
    """Two coins, alike in 3 of 4 throws: I = log 2 - H(1/4) = 0.1308, 2 I / (2 log 2) = 0.1887."""
    first = np.repeat([0, 0, 0, 0, 1, 1, 1, 1], 500).astype(np.float32)
    second = np.repeat([0, 0, 0, 1, 0, 1, 1, 1], 500).astype(np.float32)

    assert agreement(first, second) == pytest.approx(0.1887, abs=1e-4)


def test_nothing_is_said_of_few_places():
    values = np.arange(400, dtype=np.float32)

    assert agreement(values, values) is None
    values = np.arange(800, dtype=np.float32)
    assert agreement(values, np.where(values < 400, np.nan, values)) is None
