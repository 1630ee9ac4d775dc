import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.evaluation.statistics.summary import (
    SUMMARY_POLICY,
    Summary,
    patients_note,
    summarise,
    whole_set_summary,
)


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


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_cases_moves_nothing(values, random):
    moved = values.copy()
    random.shuffle(moved)

    assert summarise(moved) == summarise(values)


CURVES = np.array([[0.2, 0.9, 0.1], [0.4, 0.5, 0.9], [0.3, 0.7, 0.2]])


def highest(curves):
    return curves.max(axis=-1)


def test_a_value_of_the_whole_set_is_not_the_mean_of_the_cases_values():
    found = whole_set_summary(CURVES, highest)

    assert found.mean == pytest.approx(0.7)  # mean curve 0.3, 0.7, 0.4; mean of maxima 0.833
    assert (found.median, found.sd, found.n, found.n_undefined) == (None, None, 3, 0)


def test_its_interval_comes_from_drawing_cases_anew():
    low, high = whole_set_summary(CURVES, highest).ci95

    # no mean of three of these curves has a maximum outside of these
    assert 0.5 <= low < 0.7 < high <= 0.9


def test_one_case_has_no_interval():
    assert whole_set_summary(CURVES[:1], highest) == Summary(0.9, None, None, None, 1, 0)


def test_its_mean_is_that_of_the_mean_curve_to_the_last_digit():
    curves = np.random.default_rng(0).random((37, 11))

    assert whole_set_summary(curves, highest).mean == np.mean(list(curves), axis=0).max()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_undefined_curve_leaves_the_whole_set_without_a_value(value):
    curves = CURVES.copy()
    curves[1, 2] = value

    assert whole_set_summary(curves, highest) == Summary(None, None, None, None, 0, 3)


def test_the_policy_says_how_intervals_are_made():
    said = " ".join(SUMMARY_POLICY)

    assert all(word in said for word in ("BCa", "2000", "seed", "n_undefined", "percentile"))


@pytest.mark.parametrize("patients", [{}, {"a": "1"}, {"a": "1", "b": "2"}])
def test_a_patient_for_each_case_needs_no_note(patients):
    assert patients_note(patients) == ""


def test_cases_that_share_a_patient_are_said_to():
    note = patients_note({"a": "1", "b": "1", "c": "2"})

    assert note.startswith("3 cases of 2 patients (or videos): intervals and tests take cases as")
    assert note.endswith("the intervals are too narrow and p is too small.")


def test_one_patient_is_one():
    assert patients_note({"a": "1", "b": "1"}).startswith("2 cases of 1 patient (or video):")


@pytest.mark.parametrize(
    ("cases", "note"),
    [
        (0, ""),
        (1, "n = 1: too few"),
        (2, "n = 2: too few, the interval is too narrow"),
        (9, "n = 9: too few, the interval is too narrow"),
        (10, ""),
    ],
)
def test_fewer_than_ten_defined_values_are_noted(cases, note):
    values = [at / 16 for at in range(cases)]

    assert summarise([*values, math.nan]).note == note
