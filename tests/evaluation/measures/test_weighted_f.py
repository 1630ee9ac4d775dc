import numpy as np
import pytest

from inspire_med.evaluation.measures.weighted_f import weighted_f


def block(shape=(30, 40), rows=slice(10, 20), columns=slice(12, 28)):
    mask = np.zeros(shape, dtype=bool)
    mask[rows, columns] = True
    return mask


def test_a_perfect_map_scores_one():
    assert weighted_f(block(), block().astype(float)) == pytest.approx(1, abs=1e-12)


def test_an_empty_answer_scores_nothing_inside_the_picture():
    # every error is 1; deep inside the blurred error is 1 too
    assert weighted_f(block(), np.zeros((30, 40))) == pytest.approx(0, abs=1e-12)


def test_errors_at_the_picture_border_shrink_because_nothing_lies_outside():
    # 7 x 7 full mask, empty map: the centre has the whole window of errors, a corner a part of it
    assert weighted_f(np.ones((7, 7), dtype=bool), np.zeros((7, 7))) > 0.1


def test_an_empty_mask_gives_zero():
    assert weighted_f(np.zeros((5, 5), dtype=bool), np.zeros((5, 5))) == 0
    assert weighted_f(np.zeros((5, 5), dtype=bool), np.ones((5, 5))) == 0


def test_a_full_mask_has_no_false_alarms():
    assert weighted_f(np.ones((9, 9), dtype=bool), np.ones((9, 9))) == pytest.approx(1, abs=1e-12)


def test_a_far_false_alarm_weighs_more_than_a_near_one():
    near, far = block().astype(float), block().astype(float)
    near[15, 29] = 1
    far[15, 39] = 1

    assert weighted_f(block(), far) < weighted_f(block(), near) < 1


def test_a_false_alarm_at_five_pixels_weighs_one_and_a_half():
    grey = block().astype(float)
    grey[15, 32] = 1  # column 27 is the last of the foreground
    precision = 160 / (160 + 1.5)

    expected = 2 * precision / (1 + precision)
    assert weighted_f(block(), grey) == pytest.approx(expected, abs=1e-12)


def test_one_missed_pixel_is_shared_with_its_neighbourhood():
    # inside a large foreground the error 1 of one pixel shrinks to the middle of the Gaussian
    grey = block().astype(float)
    grey[15, 20] = 0
    bell = np.exp(-(np.arange(-3, 4) ** 2) / 50)
    recall = 1 - (1 / bell.sum()) ** 2 / 160

    expected = 2 * recall / (1 + recall)
    assert weighted_f(block(), grey) == pytest.approx(expected, abs=1e-12)
