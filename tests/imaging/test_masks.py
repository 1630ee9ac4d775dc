import numpy as np

from inspire_med.imaging.masks import bounding_box, joint_box


def test_box_holds_all_foreground_and_no_more():
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[1, 2, 6] = mask[3, 2, 4] = True

    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(4, 7))


def test_nothing_has_no_box():
    assert bounding_box(np.zeros((3, 3))) is None
    assert joint_box(np.zeros((3, 3)), np.zeros((3, 3))) is None


def test_joint_box_holds_both():
    first, second = np.zeros((2, 8, 8), dtype=int)
    first[1, 5], second[4, 2] = 3, 1

    assert joint_box(first, second) == (slice(1, 5), slice(2, 6))
    assert joint_box(first, np.zeros((8, 8))) == (slice(1, 2), slice(5, 6))
