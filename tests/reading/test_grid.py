import numpy as np
import pytest

from inspire_med.reading.grid import corner_distance_mm


def test_distance_is_that_of_the_farthest_corner():
    moved, stretched = np.eye(4), np.diag([1.0, 1.1, 1.0, 1.0])
    moved[:3, 3] = [3, 0, 4]

    assert corner_distance_mm(np.eye(4), moved, (5, 6, 7)) == pytest.approx(5)
    assert corner_distance_mm(np.eye(4), stretched, (5, 6, 7)) == pytest.approx(0.5)


def test_a_plane_has_one_voxel_along_the_third_axis():
    thicker = np.diag([1.0, 1.0, 9.0, 1.0])

    assert corner_distance_mm(np.eye(4), thicker, (5, 6)) == 0
