import numpy as np
import pytest

from inspire_med.evaluation.measures.threshold_curves import (
    count_at_levels,
    count_binary,
    e_measure,
    overlap_curves,
    stretched,
)

SQUARE = np.zeros((6, 8), dtype=bool)
SQUARE[2:5, 3:7] = True  # 12 of 48 pixels


def curves_of(mask, grey):
    return overlap_curves(count_at_levels(mask, np.asarray(grey, dtype=float)))


def test_every_grey_level_counts_at_its_own_threshold_and_not_above():
    levels = np.arange(256).reshape(16, 16)

    counts = count_at_levels(np.ones((16, 16), dtype=bool), stretched(levels / 255))

    assert counts.tp.tolist() == [256 - level for level in range(256)]


def test_a_stretched_map_is_cut_down_to_levels_not_rounded():
    # 10, 11, 13 of 255 become 0, 1/3, 1: levels 0, 85, 255 (85 exactly, or one below by rounding)
    grey = np.array([[10, 11, 13]]) / 255
    expected = int((grey[0, 1] - grey[0, 0]) / (grey[0, 2] - grey[0, 0]) * 255)

    counts = count_at_levels(np.array([[False, True, False]]), stretched(grey))

    assert counts.tp.tolist() == [1] * (expected + 1) + [0] * (255 - expected)
    assert counts.fp.tolist() == [2] + [1] * 255


def test_a_constant_map_is_not_stretched():
    assert (stretched(np.full((3, 3), 0.4)) == 0.4).all()
    assert (stretched(np.zeros((3, 3))) == 0).all()


def test_stretching_begins_at_0_and_ends_at_1():
    assert stretched(np.array([[0.25, 0.5, 0.75]])).tolist() == [[0, 0.5, 1]]


def test_a_perfect_map_is_perfect_but_for_the_threshold_0():
    curves = curves_of(SQUARE, SQUARE)

    assert (curves["dice"][1:] == 1).all()
    assert curves["dice"][0] == 24 / (12 + 48)
    assert curves["iou"][0] == curves["precision"][0] == 12 / 48
    assert curves["recall"].tolist() == [1] * 256
    assert curves["specificity"].tolist() == [0] + [1] * 255
    assert curves["f"][0] == pytest.approx(0.4, abs=1e-15)  # 2 x 1/4 / (5/4)


def test_where_nothing_is_hit_all_curves_are_zero_specificity_too():
    curves = curves_of(SQUARE, np.roll(SQUARE, 4, axis=1) & ~SQUARE)

    assert all((curve[1:] == 0).all() for curve in curves.values())


@pytest.mark.parametrize("grey", [np.zeros((4, 4)), np.eye(4), np.ones((4, 4))])
def test_an_empty_mask_scores_zero_at_every_threshold(grey):
    curves = curves_of(np.zeros((4, 4), dtype=bool), grey)

    assert all((curve == 0).all() for curve in curves.values())


def test_a_full_mask_has_no_specificity_where_something_is_hit():
    curves = curves_of(np.ones((4, 4), dtype=bool), np.full((4, 4), 100 / 255))

    assert np.isnan(curves["specificity"][:101]).all()
    assert (curves["specificity"][101:] == 0).all()
    assert curves["dice"].tolist() == [1] * 101 + [0] * 155


def test_counts_of_one_binary_map():
    counts = count_binary(SQUARE, np.roll(SQUARE, 1, axis=0))

    assert (counts.tp.tolist(), counts.fp.tolist()) == ([8], [4])
    assert (counts.foreground, counts.size) == (12, 48)


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
