import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.evaluation.measures import distances
from inspire_med.evaluation.measures.distances import FlatBox, far_mm, lengths_mm, nearest_mm


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

    monkeypatch.setattr(distances, "_AT_ONCE", 750)

    assert (nearest_mm(points, others, (1.0, 1.0, 2.0)) == plain).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 1.0, 1.0), (0.1, 0.1, 100.0), (5.0, 0.4)])
def test_what_is_looked_at_is_complete_and_rises(spacing):
    offsets, lengths = distances._around(spacing)

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


SPACINGS = [(1.0, 1.0, 1.0), (0.1, 0.1, 0.1), (0.9, 0.9, 3.0), (1.0, 1.0), (0.3, 5.0)]


def scattered(dims, seed, share):
    rng = np.random.default_rng(seed)
    return np.argwhere(rng.random((11,) * dims) < share)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("dense", [0.0, 2.0], ids=["transform", "tree"])
@pytest.mark.parametrize("seed", range(3))
def test_tree_and_transform_equal_all_pairs(spacing, dense, seed, monkeypatch):
    monkeypatch.setattr(distances, "_DENSE", dense)
    spacing = np.array(spacing)
    points, others = (scattered(len(spacing), 2 * seed + i, 0.03) for i in (0, 1))

    found = far_mm(points, others, spacing)

    pairs = (points[:, None] - others[None]) * spacing
    expected = np.sqrt((pairs**2).sum(-1)).min(1)
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_tree_and_transform_agree_to_the_bit(spacing, monkeypatch):
    spacing = np.array(spacing)
    points, others = (scattered(len(spacing), seed, 0.1) for seed in (5, 6))
    found = []
    for dense in (0.0, 2.0):
        monkeypatch.setattr(distances, "_DENSE", dense)
        found.append(far_mm(points, others, spacing))

    if len(set(spacing)) == 1:
        assert (found[0] == found[1]).all()
    else:  # one length can be two sums
        np.testing.assert_allclose(*found, rtol=1e-15)


def test_large_squares_stay_whole_in_the_transform(monkeypatch):
    monkeypatch.setattr(distances, "_DENSE", 0.0)
    line = np.arange(1000)
    points = np.stack([line, line[::-1], line % 7], axis=1)

    found = far_mm(points, np.array([[999, 0, 3]]), np.ones(3))

    assert (found == np.sqrt(((points - [999, 0, 3]) ** 2).sum(1))).all()


def test_boxes_too_long_for_float32_are_exact_too(monkeypatch):
    monkeypatch.setattr(distances, "_DENSE", 0.0)
    points, others = np.array([[0, 0]]), np.array([[5000, 3]])

    assert far_mm(points, others, np.array([0.1, 0.1]))[0] == np.sqrt(5000**2 + 9) * 0.1


@pytest.mark.parametrize("dense", [0.0, 2.0], ids=["transform", "tree"])
def test_ten_steps_of_a_tenth_are_one_wherever_they_lie(dense, monkeypatch):
    monkeypatch.setattr(distances, "_DENSE", dense)
    for spacing in ((0.1, 0.1), (0.1, 0.7)):
        assert far_mm(np.array([[7, 3]]), np.array([[17, 3]]), np.array(spacing))[0] == 1.0


def test_mirrored_steps_of_equal_spacing_have_one_length():
    lengths = lengths_mm(np.array([[6, 8], [8, -6], [0, 10]]), np.array([0.1, 0.1]))

    assert lengths.tolist() == [1.0, 1.0, 1.0]


BOXES = [((3, 4), (1, 2)), ((2, 5, 3), (2, 1, 3)), ((1, 1, 1), (1, 1, 1))]


@pytest.mark.parametrize(("shape", "reach"), BOXES)
def test_every_step_within_reach_leads_to_the_right_place_or_to_padding(shape, reach):
    box = FlatBox(shape, reach)
    mask = np.random.default_rng(0).random(shape) < 0.5
    row = box.laid_out(mask)
    around = np.pad(mask, [(step, step) for step in reach])

    for point in np.argwhere(np.ones(shape)):
        for step in np.argwhere(np.ones([2 * r + 1 for r in reach])) - reach:
            place = box.places(point[None]) + box.along(step[None])
            assert row[place[0]] == around[tuple(point + step + reach)]


@pytest.mark.parametrize(("shape", "reach"), BOXES)
def test_points_and_places_belong_together(shape, reach):
    box = FlatBox(shape, reach)
    points = np.argwhere(np.ones(shape))

    assert (box.points(box.places(points) - box.lead) == points).all()
    assert box.laid_out(np.ones(shape, dtype=bool)).sum() == len(points)
