"""Levels: the outputs a neck has beyond its backbone's levels.

Both classes have one face: (C_top, P_top, last output) to the list of extra maps.
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn


class PooledLevels(nn.Module):
    """Every second pixel of the level before.

    Args:
        count: How many levels.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, feature: Tensor, lateral: Tensor, output: Tensor) -> list[Tensor]:
        """Make the extra levels from the last output alone."""
        levels = [output]
        for _ in range(self.count):
            levels.append(F.max_pool2d(levels[-1], 1, stride=2))
        return levels[1:]


class ConvolvedLevels(nn.Module):
    """3-convolutions of stride 2, the first over C_top, P_top or the last output.

    Args:
        count: How many levels.
        in_channels: Channels of what the first reads.
        out_channels: Channels of every extra level.
        source: What the first reads.
        relu: Whether a ReLU precedes the later ones.

    References:
        Lin et al., Focal Loss for Dense Object Detection, ICCV 2017 (P6 and P7).
    """

    def __init__(
        self,
        count: int,
        in_channels: int,
        out_channels: int,
        *,
        source: Literal["on_input", "on_lateral", "on_output"],
        relu: bool,
    ) -> None:
        super().__init__()
        widths = [in_channels, *[out_channels] * count]
        self.convs = nn.ModuleList(_convolution(before, out_channels) for before in widths[:count])
        self.source = source
        self.relu = relu

    def forward(self, feature: Tensor, lateral: Tensor, output: Tensor) -> list[Tensor]:
        """Make the extra levels."""
        sources = {"on_input": feature, "on_lateral": lateral, "on_output": output}
        levels = [sources[self.source]]
        for index, conv in enumerate(self.convs):
            before = F.relu(levels[-1]) if self.relu and index else levels[-1]
            levels.append(conv(before))
        return levels[1:]


def _convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Make one level's layer, started as mmdet's FPN starts its own."""
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)
    nn.init.xavier_uniform_(conv.weight)
    nn.init.constant_(conv.bias, 0)  # pyright: ignore[reportArgumentType]
    return conv
