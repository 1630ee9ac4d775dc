"""Distort: move a sample by one matrix, image and target alike."""

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

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
    columns: list[Tensor] = []
    for axis, side in enumerate(size):
        steps = (2 * torch.arange(side) + 1) / side - 1
        column = torch.from_numpy(theta[:, len(size) - 1 - axis].astype(np.float32))
        ones = [1] * (len(size) - 1 - axis)
        columns.append((steps[:, None] * column).view(side, *ones, len(size)))
    return reduce(torch.add, columns)  # in a third of the time of torch's `affine_grid`


def sampled_masks(masks: Tensor, grid: Tensor, outside: Outside) -> Tensor:
    """Sample masks of 0 and 1 at the nearest places, all of them at once.

    Args:
        masks: The masks.
        grid: Of `places`.
        outside: What there is beyond the map's ends.

    Shape:
        - Input, output: `(regions, *spatial)`.
    """
    moved: list[Tensor] = []
    for some in masks.to(torch.uint8).split(8):  # as many as a byte has bits
        bits = [1 << place for place in range(len(some))]
        packed = reduce(torch.add, (mask * bit for mask, bit in zip(some, bits, strict=True)))
        (found,) = sampled(packed[None].float(), grid, "nearest", outside).to(torch.uint8)
        moved += [(found & bit) != 0 for bit in bits]
    return torch.stack(moved).to(masks.dtype)


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
