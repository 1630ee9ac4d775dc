import itertools

import numpy as np
import pytest

from inspire_med.imaging.grid import Grid, corner_distance_mm, grids_overlap, same_grid


def grid(shape, affine):
    return Grid(shape, np.asarray(affine, float))


def moved(millimetres, size=2.0):
    affine = np.diag([size, size, size, 1.0])
    affine[0, 3] = millimetres
    return affine


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_same_grid_forgives_a_tenth_of_a_millimetre(size):
    first = grid((4, 5, 6), moved(0, size))

    assert same_grid(first, grid((4, 5, 6), moved(0.09, size)))
    assert not same_grid(first, grid((4, 5, 6), moved(0.11, size)))
    assert not same_grid(first, grid((4, 5, 7), moved(0, size)))


def test_voxels_smaller_than_that_are_told_apart():
    first = grid((4, 5, 6), moved(0, 0.01))

    assert same_grid(first, grid((4, 5, 6), moved(0.004, 0.01)))
    assert not same_grid(first, grid((4, 5, 6), moved(0.006, 0.01)))


def test_same_grid_sees_a_turn_in_its_far_corners():
    turn = 0.01
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]

    assert same_grid(grid((5, 5, 5), np.eye(4)), grid((5, 5, 5), affine))
    assert not same_grid(grid((50, 50, 5), np.eye(4)), grid((50, 50, 5), affine))


def test_boxes_overlap_to_their_voxels_outer_faces():
    first = grid((4, 4, 4), moved(0))  # from -1 mm to 7 mm

    assert grids_overlap(first, grid((4, 4, 4), moved(7.9)))
    assert not grids_overlap(first, grid((4, 4, 4), moved(8.1)))


def test_a_small_box_inside_a_large_one_overlaps_it():
    first, second = grid((99, 99, 99), np.eye(4)), grid((1, 1, 1), moved(50))

    assert grids_overlap(first, second)
    assert grids_overlap(second, first)


def test_overlap_of_tilted_boxes_is_that_of_their_points():
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        grids = []
        for _ in range(2):
            affine = np.eye(4)
            affine[:3, :3] = np.linalg.qr(random.normal(size=(3, 3)))[0] * random.uniform(1, 3, 3)
            affine[:3, 3] = random.uniform(-9, 9, 3)
            grids.append(grid((4, 3, 5), affine))
        first, second = grids
        steps = [np.linspace(-0.5, size - 0.5, 25) for size in first.shape]
        points = np.array([*itertools.product(*steps)])
        world = points @ first.affine[:3, :3].T + first.affine[:3, 3]
        inside = np.linalg.solve(second.affine[:3, :3], (world - second.affine[:3, 3]).T).T
        shared = ((inside >= -0.5) & (inside <= np.array(second.shape) - 0.5)).all(axis=1).any()
        if shared:
            assert grids_overlap(first, second)
        seen.add((bool(shared), grids_overlap(first, second)))

    assert (True, True) in seen
    assert (False, False) in seen


def test_distance_is_that_of_the_farthest_corner():
    moved, stretched = np.eye(4), np.diag([1.0, 1.1, 1.0, 1.0])
    moved[:3, 3] = [3, 0, 4]
    first, *others = (grid((5, 6, 7), affine) for affine in (np.eye(4), moved, stretched))

    assert [corner_distance_mm(first, other) for other in others] == pytest.approx([5, 0.5])


def test_a_plane_has_one_voxel_along_the_third_axis():
    thicker = np.diag([1.0, 1.0, 9.0, 1.0])

    assert corner_distance_mm(grid((5, 6), np.eye(4)), grid((5, 6), thicker)) == 0
