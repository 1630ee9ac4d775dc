import numpy as np
import pytest

from inspire_med.evaluation.measures.s_measure import s_measure


def block(shape=(20, 30), rows=slice(5, 12), columns=slice(8, 20)):
    mask = np.zeros(shape, dtype=bool)
    mask[rows, columns] = True
    return mask


def test_a_perfect_map_scores_one():
    assert s_measure(block(), block().astype(float)) == pytest.approx(1, abs=1e-12)


def test_an_inverted_map_scores_nothing():
    # the object part is 0, the region part negative: never below 0
    assert s_measure(block(), 1.0 - block()) == 0


def test_an_empty_mask_wants_darkness():
    empty = np.zeros((4, 5), dtype=bool)

    assert s_measure(empty, np.zeros((4, 5))) == 1
    assert s_measure(empty, np.full((4, 5), 0.25)) == 0.75


def test_a_full_mask_wants_light():
    assert s_measure(np.ones((4, 5), dtype=bool), np.full((4, 5), 0.25)) == 0.25


def test_a_single_pixel_has_no_deviation():
    mask = block(rows=slice(9, 10), columns=slice(14, 15))

    # 1e-7: the formula's eps stands beside the tiny spread of one pixel
    assert s_measure(mask, mask.astype(float)) == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("value", [0.1, 0.3, 77 / 255, 0.9])
def test_equal_values_deviate_by_nothing_whatever_their_computed_mean(value):
    # Single pixel at row 3 and column 3 of 20 x 30, map constant. Object part: O(v) / 600 +
    # O(1 - v) 599/600. Region part: the quadrant with the pixel has joint spread 0, so 0; the
    # three others are constant in both, so 1: 1 - 9/600.
    mask = block(rows=slice(2, 3), columns=slice(2, 3))
    object_part = sum(
        share * 2 * mean / (mean**2 + 1)
        for share, mean in ((1 / 600, value), (599 / 600, 1 - value))
    )

    found = s_measure(mask, np.full(mask.shape, value))

    assert found == pytest.approx(0.5 * object_part + 0.5 * (1 - 9 / 600), abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "columns"), [(slice(19, 20), slice(29, 30)), (slice(19, 20), slice(3, 9))]
)
def test_quadrants_beyond_the_border_count_nothing(rows, columns):
    mask = block(rows=rows, columns=columns)

    # 1e-7: the formula's eps stands beside the small spread of a few pixels
    assert s_measure(mask, mask.astype(float)) == pytest.approx(1, abs=1e-7)


def test_a_centroid_on_a_half_is_rounded_up():
    # columns 1 and 2 (from 1): the mean 1.5 becomes 2, so that both lie left of the cut. The map
    # is right on the left half, wrong on the right one.
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    grey = np.array([[1, 1, 0, 1], [0, 0, 0, 1]], dtype=float)
    # row centroid 1. Left top: mask and map constant 1, Q = 1; right top: mask 0, map varies: 0;
    # left bottom: both constant 0, 1; right bottom 0. By area: 1/4 + 1/4.
    region_part = 0.5
    spread = np.std([1, 0, 1, 1, 1, 0], ddof=1)  # the background, inverted
    mean = 4 / 6
    object_part = 0.25 * 1 + 0.75 * 2 * mean / (mean**2 + 1 + spread)

    assert s_measure(mask, grey) == pytest.approx(0.5 * (object_part + region_part), abs=1e-12)


def test_rows_and_columns_are_treated_alike():
    rng = np.random.default_rng(3)
    mask, grey = rng.random((17, 23)) < 0.3, rng.random((17, 23))

    assert s_measure(mask.T, grey.T) == pytest.approx(s_measure(mask, grey), abs=1e-12)
