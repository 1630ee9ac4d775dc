from math import pi

import numpy as np
import pytest
import torch
from monai.transforms import Affine
from monai.transforms.utils import create_rotate, create_shear

from inspire_med.cases.distort import places, sampled, sampled_masks


def linear(homogeneous):
    """The part of a matrix that is no shift."""
    return homogeneous[:-1, :-1]


@pytest.mark.parametrize("outside", ["zeros", "reflection"])
def test_does_to_a_picture_what_monais_affine_does(outside):
    picture = torch.randn(3, 33, 47)
    matrix = (
        linear(create_rotate(2, 0.7)) @ linear(create_shear(2, (0.1, -0.05))) @ np.diag([1.1, 0.8])
    )

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
    matrix = linear(create_rotate(3, (0.7, 0.2, -0.4))) @ np.diag([1.1, 0.8, 0.9])

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

    turned_values = sampled(
        values, places(size, linear(create_rotate(len(size), angles))), mode, "zeros"
    )

    expected = torch.rot90(values, -1, (-2, -1))  # p has what was at (-j, i)
    torch.testing.assert_close(turned_values, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(8, 5), (6, 9, 4)], ids=["2d", "3d"])
def test_the_identity_leaves_the_map(size, mode):
    values = torch.randn(3, *size)

    same = sampled(values, places(size, np.eye(len(size))), mode, "reflection")

    torch.testing.assert_close(same, values, atol=1e-5, rtol=0)


@pytest.mark.parametrize("outside", ["zeros", "reflection"])
@pytest.mark.parametrize("size", [(13, 9), (7, 6, 5)], ids=["2d", "3d"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_masks_are_sampled_as_each_alone(size, outside, dtype):
    masks = (torch.rand(11, *size) > 0.5).to(dtype)  # more than a byte has bits
    matrix = linear(create_rotate(len(size), [0.7, 0.2, -0.4][: 1 if len(size) == 2 else 3]))
    grid = places(size, matrix)

    moved = sampled_masks(masks, grid, outside)

    assert moved.dtype == dtype
    assert torch.equal(moved, sampled(masks.float(), grid, "nearest", outside).to(dtype))
