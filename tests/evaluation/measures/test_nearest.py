import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspire_med.evaluation.measures import nearest
from inspire_med.evaluation.measures.nearest import nearest_mm


def all_pairs(points, others, spacing):
    steps = (points[:, None] - others[None]) * np.array(spacing)
    return np.sqrt((steps**2).sum(-1)).min(1)


def random_points(shape, share, seed):
    return np.argwhere(np.random.default_rng(seed).random(shape) < share)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.3, 2.0, 5.0), (0.1, 0.1, 100.0), (3.0, 0.02)])
@pytest.mark.parametrize("share", [0.004, 0.1])
def test_equals_all_pairs(spacing, share):
    shape = (24,) * len(spacing)
    points, others = (random_points(shape, share, seed) for seed in (1, 2))

    found = nearest_mm(points, others, spacing)

    np.testing.assert_allclose(found, all_pairs(points, others, spacing), rtol=1e-15)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_equals_all_pairs_for_any_few_points(data):
    dims = data.draw(st.sampled_from((2, 3)))
    places = st.lists(st.tuples(*(st.integers(0, 40),) * dims), min_size=1, max_size=8, unique=True)
    points, others = (np.array(data.draw(places)) for _ in range(2))
    spacing = data.draw(st.tuples(*(st.sampled_from((0.1, 0.9, 1.0, 2.5, 7.0)),) * dims))

    found = nearest_mm(points, others, spacing)

    np.testing.assert_allclose(found, all_pairs(points, others, spacing), rtol=1e-15)


def test_looking_around_in_small_helpings_changes_nothing(monkeypatch):
    points, others = (random_points((20, 20, 20), 0.05, seed) for seed in (3, 4))
    plain = nearest_mm(points, others, (1.0, 1.0, 2.0))

    monkeypatch.setattr(nearest, "_AT_ONCE", 750)

    assert (nearest_mm(points, others, (1.0, 1.0, 2.0)) == plain).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 1.0, 1.0), (0.1, 0.1, 100.0), (5.0, 0.4)])
def test_what_is_looked_at_is_complete_and_rises(spacing):
    offsets, lengths = nearest._around(spacing)

    assert lengths[0] == 0
    assert (np.diff(lengths) >= 0).all()
    reach = offsets.max(axis=0) + 1
    sides = [np.arange(-r, r + 1) for r in reach]
    every = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, len(spacing))
    nearer = np.sqrt(((every * np.array(spacing)) ** 2).sum(1)) < lengths[-1] * (1 - 1e-12)
    assert set(map(tuple, every[nearer].tolist())) <= set(map(tuple, offsets.tolist()))


def test_points_in_both_sets_are_at_distance_zero():
    points = np.array([[0, 0], [2, 3]])

    assert nearest_mm(points, points, (1.0, 1.0)).tolist() == [0.0, 0.0]


def test_the_points_may_come_in_any_order():
    points, others = (random_points((9, 9), 0.2, seed) for seed in (5, 6))

    found = nearest_mm(points[::-1], others[::-1], (1.0, 2.0))

    assert (found[::-1] == nearest_mm(points, others, (1.0, 2.0))).all()


def test_a_tie_with_a_tolerance_is_exact_wherever_it_lies():
    # ten steps of 0.1 are 1 to the digit; 17 * 0.1 - 7 * 0.1 would not be
    far = nearest_mm(np.array([[7]]), np.array([[17]]), (0.1,))

    assert far[0] == 1.0


def test_no_others_are_infinitely_far():
    assert nearest_mm(np.array([[1, 1]]), np.empty((0, 2), dtype=int), (1, 1)).tolist() == [np.inf]


def test_no_points_have_no_distances():
    assert nearest_mm(np.empty((0, 2), dtype=int), np.array([[1, 1]]), (1, 1)).shape == (0,)
