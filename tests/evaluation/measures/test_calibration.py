import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inspire_med.errors import InputError
from inspire_med.evaluation.measures import calibration
from inspire_med.evaluation.measures.calibration import (
    brier,
    calibration_scores,
    expected_calibration_error,
)


def test_calibration_error_by_hand():
    # two bins: p 0.2, 0.4 with one of two true: |0.5 - 0.3|; p 0.9, 0.7 with both true: |1 - 0.8|
    truth = np.array([[True, False], [True, True]])
    predicted = np.array([[0.2, 0.4], [0.9, 0.7]])

    assert expected_calibration_error(truth, predicted, bins=2) == pytest.approx(0.2)


def test_a_probability_between_two_bins_belongs_to_the_lower():
    # in (0, 0.5]: p 0.5 true, p 0.1 false, |0.5 - 0.3|; were 0.5 above, 0.5 and 0.1 would remain
    truth, predicted = np.array([[True, False]]), np.array([[0.5, 0.1]])

    assert expected_calibration_error(truth, predicted, bins=2) == pytest.approx(0.2)


def test_brier_by_hand():
    truth, predicted = np.array([[True, False]]), np.array([[0.7, 0.4]])

    assert brier(truth, predicted) == pytest.approx((0.09 + 0.16) / 2)


@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 5)])
def test_certain_and_right_is_perfect(shape):
    truth = np.random.default_rng(0).random(shape) < 0.4

    assert calibration_scores(truth, truth.astype(np.float32)) == {"ece": 0.0, "brier": 0.0}


@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 5)])
def test_certain_and_wrong_is_worst(shape):
    truth = np.random.default_rng(0).random(shape) < 0.4

    assert calibration_scores(truth, 1 - truth.astype(np.float32)) == {"ece": 1.0, "brier": 1.0}


def test_honest_doubt_is_calibrated_and_yet_not_sharp():
    truth = np.array([[True, False, False, False]])

    found = calibration_scores(truth, np.full((1, 4), 0.25))

    assert found["ece"] == 0.0
    assert found["brier"] == pytest.approx(0.25 * 0.75)


def test_equals_a_loop_over_bins_and_voxels():
    rng = np.random.default_rng(1)
    predicted = rng.random((9, 8, 7)).astype(np.float32)
    truth = rng.random(predicted.shape) < predicted**2

    expected = 0.0
    for place in range(15):
        inside = [
            (float(y), float(p))
            for y, p in zip(truth.ravel(), predicted.ravel(), strict=True)
            if place / 15 < p <= (place + 1) / 15
        ]
        expected += abs(sum(y for y, _ in inside) - sum(p for _, p in inside)) / truth.size
    assert expected_calibration_error(truth, predicted) == pytest.approx(expected, abs=1e-9)


def test_binning_in_small_helpings_changes_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    predicted, truth = rng.random((6, 7, 5)), rng.random((6, 7, 5)) < 0.3
    whole = expected_calibration_error(truth, predicted)

    monkeypatch.setattr(calibration, "_AT_ONCE", 13)

    assert expected_calibration_error(truth, predicted) == pytest.approx(whole, abs=1e-14)


@given(
    arrays.arrays(bool, (4, 5)),
    arrays.arrays(np.float32, (4, 5), elements=st.floats(0, 1, width=32)),
)
def test_bounds_and_jensen(truth, predicted):
    found = calibration_scores(truth, predicted)

    assert 0 <= found["ece"] <= 1
    assert 0 <= found["brier"] <= 1
    assert found["ece"] ** 2 <= found["brier"] + 1e-6  # squared bias is part of squared error


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5, np.inf])
@pytest.mark.parametrize("measure", [brier, expected_calibration_error, calibration_scores])
def test_refuses_what_is_no_probability(measure, value):
    predicted = np.array([[0.5, value]])

    with pytest.raises(InputError, match="values from .* give them between 0 and 1, without NaN"):
        measure(np.array([[True, False]]), predicted)


def test_refuses_another_shape():
    with pytest.raises(InputError, match=r"probabilities: shape \(2, 3\), reference \(3, 2\)"):
        brier(np.zeros((3, 2), dtype=bool), np.zeros((2, 3)))
