"""Dimensions: which torch class serves two or three spatial dimensions."""

from collections.abc import Callable
from typing import Literal

from torch import nn

SpatialDims = Literal[2, 3]
Norm = Callable[[int], nn.Module]

CONVOLUTION: dict[int, type[nn.Conv2d] | type[nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORM: dict[int, type[nn.BatchNorm2d] | type[nn.BatchNorm3d]] = {
    2: nn.BatchNorm2d,
    3: nn.BatchNorm3d,
}
