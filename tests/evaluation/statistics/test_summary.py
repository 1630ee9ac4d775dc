import math

import numpy as np
import pytest

from inspire_med.evaluation.statistics.summary import bootstrap_interval, summarise


def test_summary_known_by_hand():
    found = summarise([1.0, 2.0, 6.0])

    assert (found.mean, found.median) == (3.0, 2.0)
    assert found.sd == pytest.approx(math.sqrt(7))  # (4 + 1 + 9) / 2
    assert (found.n, found.n_undefined) == (3, 0)


def test_undefined_values_are_counted_and_left_out():
    found = summarise([1.0, math.inf, math.nan, 3.0])

    assert found.mean == 2.0
    assert (found.n, found.n_undefined) == (2, 2)


def test_one_value_has_no_spread():
    found = summarise([0.5])

    assert (found.mean, found.median, found.sd, found.ci95) == (0.5, 0.5, None, None)


def test_nothing_defined_has_no_mean():
    found = summarise([math.nan])

    assert (found.mean, found.median, found.sd, found.ci95) == (None,) * 4
    assert (found.n, found.n_undefined) == (0, 1)


def test_the_interval_is_the_same_every_time():
    values = np.random.default_rng(0).random(30)

    assert bootstrap_interval(values) == bootstrap_interval(values.copy())


def test_the_interval_is_near_the_normal_one_for_many_cases():
    values = np.random.default_rng(0).normal(10, 2, size=400)
    half = 1.96 * values.std(ddof=1) / math.sqrt(400)

    low, high = bootstrap_interval(values)

    # 2000 draws fix a 2.5 % quantile of the mean to about 0.06 of its half width
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_equal_values_have_an_interval_of_no_width():
    assert bootstrap_interval(np.full(5, 0.25)) == (0.25, 0.25)
