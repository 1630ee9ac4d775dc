"""Dimensions: which torch class and mode serve two or three spatial dimensions."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

SpatialDims = Literal[2, 3]
Norm = Callable[[int], nn.Module]

CONVOLUTION: dict[int, type[nn.Conv2d] | type[nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORM: dict[int, type[nn.BatchNorm2d] | type[nn.BatchNorm3d]] = {
    2: nn.BatchNorm2d,
    3: nn.BatchNorm3d,
}
INSTANCE_NORM: dict[int, type[nn.InstanceNorm2d] | type[nn.InstanceNorm3d]] = {
    2: nn.InstanceNorm2d,
    3: nn.InstanceNorm3d,
}
LINEAR_MODE = {2: "bilinear", 3: "trilinear"}


def pointwise(
    spatial_dims: SpatialDims, in_channels: int, out_channels: int, *, bias: bool = True
) -> nn.Module:
    """Make a linear map of the channels at every position (a convolution of kernel 1)."""
    return CONVOLUTION[spatial_dims](in_channels, out_channels, 1, bias=bias)


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Resize (batch, channels, *spatial) linearly to `size`; nothing is done when it fits."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=list(size), mode=LINEAR_MODE[x.ndim - 2], align_corners=False)
