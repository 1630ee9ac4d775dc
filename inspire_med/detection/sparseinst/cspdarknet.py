"""CSPDarknet-53: a darknet whose stages send half of their channels past the blocks."""

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn


class ConvNormLeaky(nn.Module):
    """A convolution without bias, a batch norm and a leaky ReLU.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Odd side of the kernel.
        stride: Step of the kernel.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.activation = nn.LeakyReLU(0.01, inplace=True)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise, activate."""
        return self.activation(self.bn(self.conv(x)))


class DarkBlock(nn.Module):
    """x + conv3(conv1(x)).

    Args:
        channels: Channels in and out.
        inner: Channels between the two convolutions.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.conv1 = ConvNormLeaky(channels, inner, 1)
        self.conv2 = ConvNormLeaky(inner, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the block learns."""
        return x + self.conv2(self.conv1(x))


class CrossStage(nn.Module):
    """Halve the size; send one half of the channels past the blocks, the other through them.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        depth: Number of blocks.
        half: Channels of either half.
        inner: Channels between a block's convolutions.

    References:
        Wang et al., CSPNet: A New Backbone that can Enhance Learning Capability of CNN,
        CVPRW 2020.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, depth: int, half: int, inner: int
    ) -> None:
        super().__init__()
        self.conv_down = ConvNormLeaky(in_channels, out_channels, 3, stride=2)
        self.conv_exp = ConvNormLeaky(out_channels, 2 * half, 1)
        self.blocks = nn.Sequential(*(DarkBlock(half, inner) for _ in range(depth)))
        self.conv_transition_b = ConvNormLeaky(half, half, 1)
        self.conv_transition = ConvNormLeaky(2 * half, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Make the stage's map."""
        past, through = self.conv_exp(self.conv_down(x)).chunk(2, dim=1)
        through = self.conv_transition_b(self.blocks(through))
        return self.conv_transition(torch.cat([past, through], dim=1))


@MODELS.register_module()
class CSPDarknet53(BaseModule):
    """The classification network of that name in timm, whose weights it loads, without its head.

    Args:
        init_cfg: mmengine's; pretrained weights by it.

    Shape:
        - Input: `(batch, 3, height, width)`.
        - Output: maps of 256, 512 and 1024 channels at strides 8, 16 and 32.

    References:
        Bochkovskiy et al., YOLOv4: Optimal Speed and Accuracy of Object Detection, 2020.
        Differs: leaky ReLU for Mish.
    """

    def __init__(self, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.stem = nn.Sequential()
        self.stem.add_module("conv1", ConvNormLeaky(3, 32, 3))
        # The first stage has wide halves and narrow blocks, the others the other way round.
        self.stages = nn.Sequential(
            CrossStage(32, 64, depth=1, half=64, inner=32),
            CrossStage(64, 128, depth=2, half=64, inner=64),
            CrossStage(128, 256, depth=8, half=128, inner=128),
            CrossStage(256, 512, depth=8, half=256, inner=256),
            CrossStage(512, 1024, depth=4, half=512, inner=512),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Give the maps of the last three stages."""
        x = self.stem(image)
        maps: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps[2:])
