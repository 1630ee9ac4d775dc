import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.evaluation.statistics import bootstrap
from inspire_med.evaluation.statistics.bootstrap import mean_interval, set_interval

NORMAL = NormalDist()


def quantile_by_hand(values, share):
    """Between the two neighbours, in proportion."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def mean_of(values):
    return sum(values) / len(values)


def bca_by_loops(values, statistic=mean_of):
    """Efron 1987, step by step, from the same draws."""
    n = len(values)
    whole = statistic(values)
    draws = np.random.default_rng(bootstrap.SEED).integers(0, n, (bootstrap.RESAMPLES, n))
    drawn = [statistic([values[place] for place in row]) for row in draws]
    below = sum((each < whole) + 0.5 * (each == whole) for each in drawn) / len(drawn)
    bias = NORMAL.inv_cdf(below)
    left_out = [statistic(values[:at] + values[at + 1 :]) for at in range(n)]
    centre = sum(left_out) / n
    cubes = sum((centre - each) ** 3 for each in left_out)
    squares = sum((centre - each) ** 2 for each in left_out)
    acceleration = cubes / (6 * squares**1.5)
    ends = []
    for share in (0.025, 0.975):
        z = bias + NORMAL.inv_cdf(share)
        ends.append(quantile_by_hand(drawn, NORMAL.cdf(bias + z / (1 - acceleration * z))))
    return tuple(ends)


def percentile_by_loops(values):
    n = len(values)
    draws = np.random.default_rng(bootstrap.SEED).integers(0, n, (bootstrap.RESAMPLES, n))
    drawn = [sum(values[place] for place in row) / n for row in draws]
    return quantile_by_hand(drawn, 0.025), quantile_by_hand(drawn, 0.975)


@pytest.mark.parametrize("count", [2, 3, 9, 24])
def test_the_interval_is_efrons(count):
    # multiples of 1/64 have exact sums: draws of all cases in another order equal the mean
    values = np.round(64 * np.random.default_rng(count).exponential(size=count)) / 64

    assert mean_interval(values) == pytest.approx(bca_by_loops(values.tolist()), abs=1e-9)


def test_skewed_values_have_an_interval_that_leans_to_their_tail():
    values = np.random.default_rng(1).exponential(size=25)

    corrected, plain = mean_interval(values), percentile_by_loops(values.tolist())

    assert corrected[0] > plain[0]
    assert corrected[1] > plain[1]


def test_the_interval_is_the_same_every_time():
    values = np.random.default_rng(0).random(30)

    assert mean_interval(values) == mean_interval(values.copy())


def test_the_interval_is_near_the_normal_one_for_many_cases():
    values = np.random.default_rng(0).normal(10, 2, size=400)
    half = 1.96 * values.std(ddof=1) / math.sqrt(400)

    low, high = mean_interval(values)

    # 2000 draws fix a 2.5 % quantile of the mean to about 0.06 of its half width
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_it_holds_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        low, high = mean_interval(random.exponential(size=40))
        held += low <= 1 <= high

    # 95 % of 300 is 285; a bootstrap of 40 skewed values falls a little short of it
    assert 267 <= held <= 297


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval(np.full(5, 0.1)) == (0.1, 0.1)


def test_values_too_close_for_bca_fall_back_to_percentiles():
    values = np.array([0.0, 1e-160, 2e-160, 5e-160])  # the square of a difference is 0

    assert mean_interval(values) == pytest.approx(percentile_by_loops(values.tolist()), rel=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12))
def test_the_interval_lies_within_the_values(values):
    low, high = mean_interval(np.array(values))

    slack = 1e-9 * (1 + max(map(abs, values)))  # of summing
    assert min(values) - slack <= low <= high <= max(values) + slack


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=12))
def test_turning_the_values_round_turns_the_interval_round(values):
    low, high = mean_interval(np.array(values, dtype=float))

    assert mean_interval(-np.array(values, dtype=float)) == pytest.approx((-high, -low), abs=1e-9)


def test_many_cases_are_drawn_a_few_at_a_time(monkeypatch):
    values = np.random.default_rng(0).random(50)
    at_once = mean_interval(values)
    monkeypatch.setattr(bootstrap, "AT_ONCE", 1000)

    assert mean_interval(values) == pytest.approx(at_once, abs=1e-12)


def highest(curves):
    return curves.max(axis=-1)


def highest_by_loops(curves):
    return max(mean_of([curve[level] for curve in curves]) for level in range(len(curves[0])))


@pytest.mark.parametrize(("count", "levels"), [(2, 3), (5, 4), (17, 9)])
def test_the_interval_of_a_mean_curves_statistic_is_efrons(count, levels):
    # multiples of 1/64: exact sums, so that draws of all cases equal the whole
    bumps = np.random.default_rng(count).random((count, levels)) + np.hanning(levels + 2)[1:-1]
    curves = np.round(64 * bumps) / 64

    expected = bca_by_loops(curves.tolist(), highest_by_loops)

    assert set_interval(curves, highest) == pytest.approx(expected, abs=1e-9)


def test_of_one_threshold_it_is_the_interval_of_the_mean():
    values = np.random.default_rng(3).random(15)

    found = set_interval(values[:, np.newaxis], highest)

    assert found == pytest.approx(mean_interval(values), abs=1e-12)


def test_equal_curves_have_an_interval_of_no_width():
    assert set_interval(np.tile([0.1, 0.7, 0.3], (6, 1)), highest) == (0.7, 0.7)


def test_a_statistic_that_does_not_move_has_no_width():
    curves = np.hstack([np.random.default_rng(0).random((6, 3)), np.full((6, 1), 2.0)])

    assert set_interval(curves, highest) == (2.0, 2.0)


def test_many_curves_are_drawn_a_few_at_a_time(monkeypatch):
    curves = np.random.default_rng(0).random((40, 5))
    at_once = set_interval(curves, highest)
    monkeypatch.setattr(bootstrap, "AT_ONCE", 1000)

    assert set_interval(curves, highest) == pytest.approx(at_once, abs=1e-12)


def test_the_interval_does_not_hang_on_rounding():
    thirds = np.array([1 / 3] * 7 + [-1 / 3] * 4)  # in threes their sums are exact

    low, high = mean_interval(thirds)

    assert (3 * low, 3 * high) == pytest.approx(mean_interval(np.sign(thirds)))
