"""Warp: sample a map at displaced positions."""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Sample `x` linearly at every position displaced by `flow`; beyond the border, the border.

    y(p) = x(p + flow(p)). Positions and sums are float32 at least. The
    result is in channels-last memory.

    Args:
        x: `(batch, channels, *spatial)`.
        flow: `(batch, dims, *spatial)`, in voxels of `x`, axes in the order of `x`.
    """
    # torch's grid_sample takes one volume on one CPU core, channel by channel.
    sample = gather_linearly if x.ndim == 5 and x.device.type == "cpu" else grid_sample
    wide = torch.promote_types(x.dtype, torch.float32)
    return sample(x.to(wide), flow.to(wide)).to(x.dtype)


def grid_sample(x: Tensor, flow: Tensor) -> Tensor:
    """Sample by torch's kernel."""
    axes = [(2 * p + 1) / side - 1 for p, side in zip(_positions(flow), x.shape[2:], strict=True)]
    grid = torch.stack(axes[::-1], dim=-1)  # (batch, *spatial, dims), the last axis first
    moved = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    layout = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
    return moved.contiguous(memory_format=layout)


def gather_linearly(x: Tensor, flow: Tensor) -> Tensor:
    """Sample as a weighted sum of the cell's corners, all channels of a corner at once."""
    batch, channels, *size = x.shape
    positions = [
        p.clamp(0, side - 1) for p, side in zip(_positions(flow), x.shape[2:], strict=True)
    ]
    lower = [p.detach().floor() for p in positions]
    whole = [p.nan_to_num().long() for p in lower]  # NaN goes on in the weights, not the index
    corners: list[Tensor] = []
    weights: list[Tensor] = []
    for corner in product((0, 1), repeat=len(size)):
        index = torch.arange(batch, device=x.device).view(-1, *[1] * len(size))
        weight = torch.ones((), device=x.device, dtype=x.dtype)
        axes = zip(corner, lower, whole, positions, size, strict=True)
        for step, low, number, position, side in axes:
            index = index * side + (number + step).clamp(max=side - 1)
            weight = weight * (position - low if step else 1 - (position - low))
        corners.append(index)
        weights.append(weight)
    table = x.movedim(1, -1).reshape(-1, channels)
    moved = F.embedding_bag(
        torch.stack(corners, dim=-1).flatten(0, -2),  # (batch * voxels, corners)
        table,
        per_sample_weights=torch.stack(weights, dim=-1).flatten(0, -2),
        mode="sum",
    )
    return moved.view(batch, *size, channels).movedim(-1, 1)


def _positions(flow: Tensor) -> list[Tensor]:
    """Where every voxel looks, along each axis: (batch, *spatial) each."""
    positions: list[Tensor] = []
    for axis, side in enumerate(flow.shape[2:]):
        shape = [1] * (flow.ndim - 2)
        shape[axis] = side
        place = torch.arange(side, device=flow.device, dtype=flow.dtype).view(shape)
        positions.append(place + flow[:, axis])
    return positions
