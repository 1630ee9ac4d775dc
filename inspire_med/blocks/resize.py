"""Resizing: linear up-sampling to a size, and means over a grid, both in the map's own precision.

A volume is treated as a stack of slices and then as a row of them. In channels-last memory both
are views, the result is the same, and torch's 2-D kernels take half the time of its 3-D ones.
CPU autocast would run them in float32 and hand float32 on to everything behind.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Resize (batch, channels, *spatial) linearly to `size`; nothing is done when it fits."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    with torch.autocast(x.device.type, enabled=False):
        if x.ndim == 4:
            return _interpolate(x, size[0], size[1])
        slices = _interpolate(_as_slices(x), size[1], size[2])
        row = _interpolate(_as_row(slices, x.shape[2]), size[0], size[1] * size[2])
        return _as_volume(row, size[1])


def grid_means(x: Tensor, cells: int) -> Tensor:
    """Average (batch, channels, *spatial) over `cells` cells an axis, overlapping in small maps."""
    with torch.autocast(x.device.type, enabled=False):
        if x.ndim == 4:
            return F.adaptive_avg_pool2d(x, (cells, cells))
        slices = F.adaptive_avg_pool2d(_as_slices(x), (cells, cells))
        row = F.adaptive_avg_pool2d(_as_row(slices, x.shape[2]), (cells, cells * cells))
        return _as_volume(row, cells)


def _interpolate(x: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(x, size=(height, width), mode="bilinear", align_corners=False)


def _as_slices(x: Tensor) -> Tensor:
    """(b, c, depth, height, width) -> (b * depth, c, height, width)."""
    return x.permute(0, 2, 3, 4, 1).flatten(0, 1).permute(0, 3, 1, 2)


def _as_row(slices: Tensor, depth: int) -> Tensor:
    """(b * depth, c, height, width) -> (b, c, depth, height * width)."""
    return slices.permute(0, 2, 3, 1).flatten(1, 2).unflatten(0, (-1, depth)).permute(0, 3, 1, 2)


def _as_volume(row: Tensor, height: int) -> Tensor:
    """(b, c, depth, height * width) -> (b, c, depth, height, width)."""
    return row.permute(0, 2, 3, 1).unflatten(2, (height, -1)).permute(0, 4, 1, 2, 3)
