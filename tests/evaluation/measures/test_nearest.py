import numpy as np
import pytest

from inspire_med.evaluation.measures.nearest import nearest_mm


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.3, 2.0, 5.0)])
def test_equals_all_pairs(spacing):
    rng = np.random.default_rng(1)
    points, others = (np.argwhere(rng.random((6,) * len(spacing)) < 0.1) for _ in range(2))

    found = nearest_mm(points, others, spacing)

    steps = (points[:, None] - others[None]) * np.array(spacing)
    np.testing.assert_allclose(found, np.sqrt((steps**2).sum(-1)).min(1), rtol=1e-15)


def test_points_in_both_sets_are_at_distance_zero():
    points = np.array([[0, 0], [2, 3]])

    assert nearest_mm(points, points, (1.0, 1.0)).tolist() == [0.0, 0.0]


def test_a_tie_with_a_tolerance_is_exact_wherever_it_lies():
    # ten steps of 0.1 are 1 to the digit; 17 * 0.1 - 7 * 0.1 would not be
    far = nearest_mm(np.array([[7]]), np.array([[17]]), (0.1,))

    assert far[0] == 1.0


def test_no_others_are_infinitely_far():
    assert nearest_mm(np.array([[1, 1]]), np.empty((0, 2), dtype=int), (1, 1)).tolist() == [np.inf]


def test_no_points_have_no_distances():
    assert nearest_mm(np.empty((0, 2), dtype=int), np.array([[1, 1]]), (1, 1)).shape == (0,)
