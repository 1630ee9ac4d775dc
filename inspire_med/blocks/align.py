"""Alignment: a coarse map is moved onto a fine one by a predicted flow."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inspire_med.blocks.dims import CONVOLUTION, SpatialDims
from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.resize import resize


class Resample(nn.Module):
    """No alignment: channels mapped at the coarse size, then linear up-sampling.

    Args:
        coarse_channels: Channels of the coarse map.
        fine_channels: Channels of the fine map and of the output.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, fine_channels, *spatial)`.
        - Output: `(batch, fine_channels, *spatial)`.
    """

    def __init__(self, coarse_channels: int, fine_channels: int) -> None:
        super().__init__()
        self.reduce = Pointwise(coarse_channels, fine_channels)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Bring the coarse map to the fine map's channels and size."""
        return resize(self.reduce(coarse), fine.shape[2:])


class FlowAlign(nn.Module):
    """Move the coarse map by a flow predicted from both maps, then up-sample it linearly.

    The flow is found and applied on the coarse grid, where a step costs an eighth (3-D) of what
    it would on the fine one and still moves by fractions of a voxel. It starts at zero, which
    moves nothing.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        coarse_channels: Channels of the coarse map.
        fine_channels: Channels of the fine map and of the output.
        descriptor_channels: Channels of each map that the flow is predicted from.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, fine_channels, *spatial)`.
        - Output: `(batch, fine_channels, *spatial)`.

    References:
        INSPIRE, figure (c): P^c_j, the "calibrated" P_j.
    """

    def __init__(
        self,
        spatial_dims: SpatialDims,
        coarse_channels: int,
        fine_channels: int,
        *,
        descriptor_channels: int = 8,
    ) -> None:
        super().__init__()
        self.reduce = Pointwise(coarse_channels, fine_channels)
        self.describe_coarse = Pointwise(fine_channels, descriptor_channels)
        self.describe_fine = Pointwise(fine_channels, descriptor_channels)
        self.flow = CONVOLUTION[spatial_dims](2 * descriptor_channels, spatial_dims, 3, padding=1)
        nn.init.zeros_(self.flow.weight)
        nn.init.zeros_(self.flow.bias)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Bring the coarse map to the fine map's channels and size, aligned."""
        coarse = self.reduce(coarse)
        fine_description = resize(self.describe_fine(fine), coarse.shape[2:])
        flow = self.flow(torch.cat([self.describe_coarse(coarse), fine_description], dim=1))
        return resize(warp(coarse, flow), fine.shape[2:])


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Sample `x` linearly at every position displaced by `flow`; beyond the border, the border.

    y(p) = x(p + flow(p)).

    Args:
        x: `(batch, channels, *spatial)`.
        flow: `(batch, spatial_dims, *spatial)` in voxels of `x`, axes in the order of `x`.
    """
    size = x.shape[2:]
    flow = flow.float()
    axes = []
    for axis, side in enumerate(size):
        shape = [1] * len(size)
        shape[axis] = side
        place = torch.arange(side, device=x.device).view(shape) + flow[:, axis]
        axes.append((2 * place + 1) / side - 1)
    grid = torch.stack(axes[::-1], dim=-1)  # (batch, *spatial, dims), last axis first
    with torch.autocast(x.device.type, enabled=False):
        moved = F.grid_sample(x.float(), grid, padding_mode="border", align_corners=False)
    return moved.to(x.dtype)
