"""Resample: the edges between blocks, from one's level and channels to the other's."""

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, Sequential
from torch import Tensor, nn


class Resample(BaseModule):
    """Narrow, change the level, widen.

    Up is nearest-neighbour interpolation. Down is a 3-convolution of stride 2 and, for more than
    one level, a max-pool of the remaining stride.

    Args:
        in_channels: Channels of the parent.
        mid_channels: Channels while the level changes.
        out_channels: Channels of the target.
        levels_down: How many levels coarser the target is; negative where it is finer.
        norm_cfg: The norms, in mmcv's words.

    Shape:
        - Input: `(batch, in_channels, height, width)`, and the target's size.
        - Output: `(batch, out_channels, *size)`. No activation: that follows the sum of two edges.

    References:
        Du et al., SpineNet, CVPR 2020, section 3.2 and figure 5.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        *,
        levels_down: int,
        norm_cfg: dict,
    ) -> None:
        super().__init__()
        self.narrow = ConvModule(in_channels, mid_channels, 1, norm_cfg=norm_cfg)
        self.down = Sequential()
        if levels_down > 0:
            self.down.append(
                ConvModule(mid_channels, mid_channels, 3, stride=2, padding=1, norm_cfg=norm_cfg)
            )
        if levels_down > 1:
            side = 3 if levels_down == 2 else 5
            self.down.append(nn.MaxPool2d(side, 2 ** (levels_down - 1), side // 2))
        self.widen = ConvModule(mid_channels, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Take the parent's map to the target's size and channels."""
        x = self.down(self.narrow(x))
        if tuple(x.shape[2:]) != size:
            x = F.interpolate(x, size=size, mode="nearest")
        return self.widen(x)


class Merge(BaseModule):
    """The sum of two parents, each by an edge of its own.

    Args:
        first: Edge from one parent.
        second: Edge from the other.
    """

    def __init__(self, first: Resample, second: Resample) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, first: Tensor, second: Tensor, size: tuple[int, int]) -> Tensor:
        """Bring both to the target's size and channels, and add."""
        return self.first(first, size) + self.second(second, size)
