"""Distort: move a sample by one matrix, image and target alike."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

Outside = Literal["zeros", "reflection"]


def places(size: Sequence[int], matrix: NDArray[np.float64]) -> Tensor:
    """Where each voxel of a distorted map comes from: what was at `matrix @ p` comes to p.

    Args:
        size: Of the map.
        matrix: dims x dims, in voxels from the middle, in the order of the axes.

    Shape:
        - Output: `(*size, dims)`, as torch's sampling counts: the last axis first, -1 to 1.
    """
    sides = np.array(size)
    theta = (matrix * sides / sides[:, None])[::-1, ::-1]  # of coordinates from -1 to 1
    affine = torch.from_numpy(np.c_[theta, np.zeros(len(size))].astype(np.float32))
    return affine_grid(affine[None], [1, 1, *size], align_corners=False)[0]


def sampled(values: Tensor, grid: Tensor, mode: str, outside: Outside) -> Tensor:
    """Sample a map at other places.

    torch's own sampling, without the transforms around MONAI's (`scripts/bench/feeding.py`).

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
