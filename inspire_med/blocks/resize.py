"""Resizing: linear up-sampling to a size, and means over a grid, both in the map's own precision.

A volume is treated as a stack of slices and then as a row of them. In channels-last memory both
are views, the result is the same, and torch's 2-D kernels take half the time of its 3-D ones.
CPU autocast would run them in float32 and hand float32 on to everything behind.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx.experimental.symbolic_shapes import statically_known_true


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Resize (batch, channels, *spatial) linearly to `size`; nothing is done when it fits."""
    if _fits(x.shape[2:], size):
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
        if torch.compiler.is_exporting():
            return _means_of_any_size(x, cells)
        if x.ndim == 4:
            return F.adaptive_avg_pool2d(x, (cells, cells))
        slices = F.adaptive_avg_pool2d(_as_slices(x), (cells, cells))
        row = F.adaptive_avg_pool2d(_as_row(slices, x.shape[2]), (cells, cells * cells))
        return _as_volume(row, cells)


def _fits(own: Sequence[int], size: Sequence[int]) -> bool:
    """Whether two sizes are one; in a program for any size, whether they always are."""
    if torch.compiler.is_exporting():
        return all(statically_known_true(a == b) for a, b in zip(own, size, strict=True))
    return tuple(own) == tuple(size)


def _means_of_any_size(x: Tensor, cells: int) -> Tensor:
    """The same as products of matrices: torch's kernels cannot be exported for any size."""
    cell = torch.arange(cells, device=x.device)
    for axis, side in enumerate(x.shape[2:], start=2):
        place = torch.arange(side, device=x.device)
        first, last = cell * side // cells, ((cell + 1) * side + cells - 1) // cells
        inside = (place >= first[:, None]) & (place < last[:, None])
        shares = inside.to(x.dtype) / (last - first)[:, None].to(x.dtype)
        x = (x.movedim(axis, -1) @ shares.mT).movedim(-1, axis)
    return x


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
