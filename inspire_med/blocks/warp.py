"""Warp: sample a map at displaced positions."""

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Sample `x` linearly at every position displaced by `flow`; beyond the border, the border.

    y(p) = x(p + flow(p)). Positions and sums are float32 whatever the precision of `x`.

    Args:
        x: `(batch, channels, *spatial)`.
        flow: `(batch, dims, *spatial)`, in voxels of `x`, axes in the order of `x`.
    """
    size = x.shape[2:]
    flow = flow.float()
    axes: list[Tensor] = []
    for axis, side in enumerate(size):
        shape = [1] * len(size)
        shape[axis] = side
        place = torch.arange(side, device=x.device).view(shape) + flow[:, axis]
        axes.append((2 * place + 1) / side - 1)
    grid = torch.stack(axes[::-1], dim=-1)  # (batch, *spatial, dims), the last axis first
    with torch.autocast(x.device.type, enabled=False):
        moved = F.grid_sample(x.float(), grid, padding_mode="border", align_corners=False)
    return moved.to(x.dtype)
