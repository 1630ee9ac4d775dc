import math

import numpy as np
import pytest

from inspire_med.evaluation.rounding import at_most, in_finest, largest, made_equal


@pytest.mark.parametrize("spacing", [0.1, 0.2, 0.4, 0.7, 1.2])
def test_a_step_on_a_float32_grid_reaches_its_own_length(spacing):
    steps = np.arange(1, 200)
    lengths = steps * float(np.float32(spacing))

    for step in (3, 5, 10, 30, 150):
        within = at_most(lengths, spacing * step)  # 0.1 * 3 is 0.30000000000000004
        assert within.tolist() == (steps <= step).tolist()


def test_no_length_but_zero_is_at_most_zero():
    assert at_most(np.array([0.0, 1e-300, 1.0]), 0.0).tolist() == [True, False, False]


def test_a_length_that_a_header_can_tell_from_the_bound_is_beyond_it():
    assert not at_most(np.array([1.00001]), 1.0)[0]


def test_values_that_differ_by_rounding_become_one():
    found = made_equal(np.array([[1 - 2 / 3, 0.5], [2 / 3 - 1 / 3, 1 / 3]]), 1.0)

    assert found[0, 0] == found[1, 0] == found[1, 1] == pytest.approx(1 / 3, abs=1e-15)
    assert found[0, 1] == 0.5


def test_values_at_either_side_of_a_rounded_decimal_become_one():
    half = 1220703125e-13  # 1/8192 = 0.0001220703125
    around = np.array([np.nextafter(half, 0), half, np.nextafter(half, 1)])

    assert len(set(np.round(around, 12))) == 2  # what rounding would do
    assert len(set(made_equal(around, 1.0))) == 1


def test_values_that_a_voxel_parts_stay_apart():
    values = np.array([1.0, 1 - 1e-9, 0.5, 0.0, 1e-9])  # specificity, one voxel of 10^9

    assert made_equal(values, 1.0).tolist() == values.tolist()


def test_undefined_values_stay_what_they_are():
    values = np.array([math.inf, -math.inf, 1.0, math.inf])

    assert made_equal(values, 1.0).tolist() == values.tolist()
    assert largest(values) == 1.0
    assert largest(np.array([math.inf])) == 0.0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sizes_in_the_finest_are_the_same_in_every_unit(kind):
    for unit in (0.1, 0.2, 0.4, 0.7):
        spacing = tuple(kind(unit * size) for size in (3, 5, 7.5))

        assert in_finest(spacing) == (1.0, 5 / 3, 2.5)


def test_a_size_that_is_no_simple_fraction_stays():
    assert in_finest((0.4297, 3.3)) == (1.0, 3.3 / 0.4297)
