import numpy as np
import pytest

from inspire_med.evaluation.measures.e_measure import e_measure
from inspire_med.evaluation.measures.threshold_curves import count_binary


def e_of(mask, binary):
    counts = count_binary(np.asarray(mask, dtype=bool), np.asarray(binary, dtype=bool))
    return e_measure(counts)[0]


def test_full_agreement_passes_one_by_the_missing_pixel():
    mask = np.zeros((96, 128), dtype=bool)
    mask[20:40, 30:70] = True

    assert e_of(mask, mask) == pytest.approx(12288 / 12287, abs=1e-12)  # 1.00008


def test_the_opposite_of_the_mask_scores_nothing():
    mask = np.array([[1, 1], [0, 0]])  # phi = -1 everywhere: means of one half on both sides

    assert e_of(mask, 1 - mask) == pytest.approx(0, abs=1e-12)


def test_a_value_worked_out_by_hand():
    # G: 1 of 4, deviations 3/4 and -1/4. B: 2 of 4, deviations +-1/2.
    # found: phi = 2 (3/8) / (9/16 + 4/16) = 12/13; false: 2 (-1/8) / (1/16 + 4/16) = -4/5;
    # two left out rightly: +4/5. (phi + 1)^2 / 4: (25/26)^2, 1/100, 81/100, 81/100; over 4 - 1.
    expected = ((25 / 26) ** 2 + 0.01 + 2 * 0.81) / 3

    assert e_of([[1, 0], [0, 0]], [[1, 1], [0, 0]]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("found", "expected"), [(0, 4 / 3), (1, 1.0), (4, 0.0)])
def test_an_empty_mask_counts_what_is_left_out(found, expected):
    binary = np.arange(4).reshape(2, 2) < found

    assert e_of(np.zeros((2, 2)), binary) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("found", "expected"), [(0, 0.0), (1, 1 / 3), (4, 4 / 3)])
def test_a_full_mask_counts_what_is_found(found, expected):
    binary = np.arange(4).reshape(2, 2) < found

    assert e_of(np.ones((2, 2)), binary) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("everything", [0, 1])
def test_a_constant_answer_is_worth_a_quarter(everything):
    mask = np.zeros((10, 10))
    mask[:3] = 1

    assert e_of(mask, np.full((10, 10), everything)) == pytest.approx(100 / 4 / 99, abs=1e-12)
