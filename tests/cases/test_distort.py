from math import pi

import numpy as np
import pytest
import torch
from monai.transforms import Affine

from inspire_med.cases.distort import places, sampled, sheared, turned


@pytest.mark.parametrize("outside", ["zeros", "reflection"])
def test_does_to_a_picture_what_monais_affine_does(outside):
    picture = torch.randn(3, 33, 47)
    matrix = turned([0.7]) @ sheared([0.1, -0.05]) @ np.diag([1.1, 0.8])

    ours = sampled(picture, places((33, 47), matrix), "bilinear", outside)

    theirs = Affine(
        rotate_params=0.7,
        shear_params=(0.1, -0.05),
        scale_params=(1.1, 0.8),
        padding_mode=outside,
        image_only=True,
    )(picture)
    torch.testing.assert_close(ours, theirs.as_tensor(), atol=1e-4, rtol=0)


def test_does_to_a_volume_what_monais_affine_does():
    volume = torch.randn(2, 13, 17, 11)
    matrix = turned([0.7, 0.2, -0.4]) @ np.diag([1.1, 0.8, 0.9])

    ours = sampled(volume, places((13, 17, 11), matrix), "bilinear", "zeros")

    theirs = Affine(
        rotate_params=(0.7, 0.2, -0.4),
        scale_params=(1.1, 0.8, 0.9),
        padding_mode="zeros",
        image_only=True,
    )(volume)
    torch.testing.assert_close(ours, theirs.as_tensor(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(7, 7), (5, 7, 7)], ids=["2d", "3d"])
def test_a_quarter_turn_moves_every_voxel(size, mode):
    values = torch.randn(2, *size)
    angles = [pi / 2] if len(size) == 2 else [pi / 2, 0, 0]

    turned_values = sampled(values, places(size, turned(angles)), mode, "zeros")

    expected = torch.rot90(values, -1, (-2, -1))  # p has what was at (-j, i)
    torch.testing.assert_close(turned_values, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(8, 5), (6, 9, 4)], ids=["2d", "3d"])
def test_the_identity_leaves_the_map(size, mode):
    values = torch.randn(3, *size)

    same = sampled(values, places(size, np.eye(len(size))), mode, "reflection")

    torch.testing.assert_close(same, values, atol=1e-5, rtol=0)


def test_a_turn_keeps_lengths_and_a_shear_keeps_areas():
    np.testing.assert_allclose(
        turned([0.3, 1.2, -2]) @ turned([0.3, 1.2, -2]).T, np.eye(3), atol=1e-12
    )
    assert np.linalg.det(sheared([0.3, -0.2])) == pytest.approx(1)
