import numpy as np
import pytest

from inspire_med.evaluation.measures import far
from inspire_med.evaluation.measures.far import far_mm, lengths_mm

SPACINGS = [(1.0, 1.0, 1.0), (0.1, 0.1, 0.1), (0.9, 0.9, 3.0), (1.0, 1.0), (0.3, 5.0)]


def scattered(dims, seed, share):
    rng = np.random.default_rng(seed)
    return np.argwhere(rng.random((11,) * dims) < share)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("dense", [0.0, 2.0], ids=["transform", "tree"])
@pytest.mark.parametrize("seed", range(3))
def test_equals_all_pairs(spacing, dense, seed, monkeypatch):
    monkeypatch.setattr(far, "_DENSE", dense)
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
        monkeypatch.setattr(far, "_DENSE", dense)
        found.append(far_mm(points, others, spacing))

    if len(set(spacing)) == 1:
        assert (found[0] == found[1]).all()
    else:  # one length can be two sums
        np.testing.assert_allclose(*found, rtol=1e-15)


def test_large_squares_stay_whole_in_the_transform(monkeypatch):
    monkeypatch.setattr(far, "_DENSE", 0.0)
    line = np.arange(1000)
    points = np.stack([line, line[::-1], line % 7], axis=1)

    found = far_mm(points, np.array([[999, 0, 3]]), np.ones(3))

    assert (found == np.sqrt(((points - [999, 0, 3]) ** 2).sum(1))).all()


def test_boxes_too_long_for_float32_are_exact_too(monkeypatch):
    monkeypatch.setattr(far, "_DENSE", 0.0)
    points, others = np.array([[0, 0]]), np.array([[5000, 3]])

    assert far_mm(points, others, np.array([0.1, 0.1]))[0] == np.sqrt(5000**2 + 9) * 0.1


@pytest.mark.parametrize("dense", [0.0, 2.0], ids=["transform", "tree"])
def test_ten_steps_of_a_tenth_are_one_wherever_they_lie(dense, monkeypatch):
    monkeypatch.setattr(far, "_DENSE", dense)
    for spacing in ((0.1, 0.1), (0.1, 0.7)):
        assert far_mm(np.array([[7, 3]]), np.array([[17, 3]]), np.array(spacing))[0] == 1.0


def test_mirrored_steps_of_equal_spacing_have_one_length():
    lengths = lengths_mm(np.array([[6, 8], [8, -6], [0, 10]]), np.array([0.1, 0.1]))

    assert lengths.tolist() == [1.0, 1.0, 1.0]
