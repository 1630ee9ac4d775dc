"""Dimensions: which torch class serves two or three spatial dimensions."""

from collections.abc import Callable, Sequence
from typing import Literal

from torch import nn

SpatialDims = Literal[2, 3]
Norm = Callable[[int], nn.Module]

CONVOLUTION: dict[int, Callable[..., nn.Conv2d | nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORM: dict[int, type[nn.BatchNorm2d] | type[nn.BatchNorm3d]] = {
    2: nn.BatchNorm2d,
    3: nn.BatchNorm3d,
}


def per_axis(value: int | Sequence[int], spatial_dims: SpatialDims) -> tuple[int, ...]:
    """A number for every axis, where one may stand for all of them."""
    return (value,) * spatial_dims if isinstance(value, int) else tuple(value)
