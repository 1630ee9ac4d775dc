"""Alignment: a coarse map is brought to the size, and to the place, of a fine one.

Every class here has one face: (coarse, guide) -> the coarse map with `out_channels` channels at
the guide's size, whatever the ratio of the sizes along each axis. The guide is a description of the
fine map with a few channels. A kernel that is 1 along an axis neither looks along it nor moves
anything along it.
"""

from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inspire_med.blocks.deform import deform_conv2d
from inspire_med.blocks.dims import CONVOLUTION, SpatialDims, per_axis
from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.resize import resize
from inspire_med.blocks.warp import warp


class Resample(nn.Module):
    """No alignment: channels mapped at the coarse size, then linear up-sampling.

    Args:
        coarse_channels: Channels of the coarse map.
        out_channels: Channels of the output.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, guide `(batch, any, *spatial)`.
        - Output: `(batch, out_channels, *spatial)`.
    """

    def __init__(self, coarse_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = Pointwise(coarse_channels, out_channels)

    def forward(self, coarse: Tensor, guide: Tensor) -> Tensor:
        """Bring the coarse map to the guide's size."""
        return resize(self.reduce(coarse), guide.shape[2:])


class FlowAlign(nn.Module):
    """Move the coarse map by a flow predicted from both maps, then up-sample it linearly.

    The flow is found and applied on the coarse grid, where it costs an eighth (3-D) of what it
    would on the fine one and still moves by fractions of a voxel. It is predicted from the last
    `guide_channels` channels of the mapped coarse map beside the guide, by two convolutions, and
    starts at zero, which moves nothing.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        coarse_channels: Channels of the coarse map.
        out_channels: Channels of the output.
        guide_channels: Channels of the guide, at most `out_channels`.
        kernel_size: Odd side of the two kernels, or one an axis.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, guide
          `(batch, guide_channels, *spatial)`.
        - Output: `(batch, out_channels, *spatial)`.

    References:
        INSPIRE, figure (c): P^c_j, the "calibrated" P_j.
    """

    def __init__(
        self,
        spatial_dims: SpatialDims,
        coarse_channels: int,
        out_channels: int,
        guide_channels: int,
        *,
        kernel_size: int | Sequence[int] = 3,
    ) -> None:
        super().__init__()
        self.reduce = Pointwise(coarse_channels, out_channels)
        self.guide_channels = guide_channels
        sides = per_axis(kernel_size, spatial_dims)
        zeros = tuple(side // 2 for side in sides)
        self.axes = _seen_along(sides)
        convolution, pair = CONVOLUTION[spatial_dims], 2 * guide_channels
        self.compare = convolution(pair, pair, sides, padding=zeros)
        self.flow = convolution(pair, len(self.axes), sides, padding=zeros, bias=False)
        nn.init.zeros_(self.flow.weight)

    def displacement(self, coarse: Tensor, guide: Tensor) -> Tensor:
        """Give the flow that `warp` takes, `(batch, dims, *small)`, in voxels of the coarse map.

        Args:
            coarse: The coarse map, mapped to `out_channels`.
            guide: As for `forward`.
        """
        pair = [coarse[:, -self.guide_channels :], resize(guide, coarse.shape[2:])]
        flow = self.flow(F.relu(self.compare(torch.cat(pair, dim=1))))
        return _still_elsewhere(flow, self.axes)

    def forward(self, coarse: Tensor, guide: Tensor) -> Tensor:
        """Bring the coarse map to the guide's size, aligned."""
        coarse = self.reduce(coarse)
        return resize(warp(coarse, self.displacement(coarse, guide)), guide.shape[2:])


class DeformAlign(nn.Module):
    """Up-sample the coarse map, then align it by a deformable convolution (2-D alone).

    The offsets are predicted from the up-sampled map beside the guide and start at zero, where
    the layer is a plain convolution, itself starting as the identity.

    Args:
        coarse_channels: Channels of the coarse map.
        out_channels: Channels of the output.
        guide_channels: Channels of the guide.
        kernel_size: Odd side of the kernel, or (height, width).

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, guide
          `(batch, guide_channels, height, width)`.
        - Output: `(batch, out_channels, height, width)`.

    References:
        Dai et al., Deformable Convolutional Networks, ICCV 2017; Huang et al., FaPN, ICCV 2021,
        where real offsets come from both maps.
    """

    def __init__(
        self,
        coarse_channels: int,
        out_channels: int,
        guide_channels: int,
        *,
        kernel_size: int | Sequence[int] = 3,
    ) -> None:
        super().__init__()
        self.reduce = Pointwise(coarse_channels, out_channels)
        sides = per_axis(kernel_size, 2)
        zeros = tuple(side // 2 for side in sides)
        self.axes = _seen_along(sides)
        self.points = prod(sides)
        self.offset = CONVOLUTION[2](
            *(out_channels + guide_channels, self.points * len(self.axes), sides),
            padding=zeros,
            bias=False,
        )
        self.weight = nn.Parameter(torch.empty(out_channels, out_channels, *sides))
        nn.init.zeros_(self.offset.weight)
        nn.init.dirac_(self.weight)

    def forward(self, coarse: Tensor, guide: Tensor) -> Tensor:
        """Bring the coarse map to the guide's size, aligned."""
        up = resize(self.reduce(coarse), guide.shape[2:])
        return deform_conv2d(up, self.displacements(up, guide).flatten(1, 2), self.weight)

    def displacements(self, up: Tensor, guide: Tensor) -> Tensor:
        """Give each kernel point's offset, `(batch, points, 2, height, width)`, in pixels.

        Args:
            up: The coarse map, mapped and up-sampled.
            guide: As for `forward`.
        """
        offset = self.offset(torch.cat([up, guide], dim=1)).unflatten(1, (self.points, -1))
        moved = _still_elsewhere(offset.flatten(0, 1), self.axes)
        return moved.unflatten(0, (-1, self.points))


def _seen_along(sides: Sequence[int]) -> tuple[int, ...]:
    """The axes along which a kernel has neighbours."""
    return tuple(axis for axis, side in enumerate(sides) if side > 1)


def _still_elsewhere(moved: Tensor, axes: Sequence[int]) -> Tensor:
    """Complete displacements along some axes, `(batch, len(axes), *spatial)`, by zeros."""
    dims = moved.ndim - 2
    if len(axes) == dims:
        return moved
    still = torch.zeros_like(moved[:, :1])
    along = dict(zip(axes, moved.split(1, dim=1), strict=True))
    return torch.cat([along.get(axis, still) for axis in range(dims)], dim=1)
