"""Mask branch: the features that every instance's kernel weighs to its mask."""

from mmdet.registry import MODELS
from torch import Tensor, nn

from inspire_med.detection.sparseinst.convolution import msra_convolution, tower


@MODELS.register_module()
class MaskBranch(nn.Module):
    """Four 3-convolutions with ReLU and a linear 1-convolution.

    Args:
        in_channels: Channels of the input, coordinates included.
        channels: Channels of the four.
        kernel_channels: Channels of the output, the length of a kernel.

    Shape:
        - Input: `(batch, in_channels, height, width)`.
        - Output: `(batch, kernel_channels, height, width)`.
    """

    def __init__(self, in_channels: int, channels: int = 256, kernel_channels: int = 128) -> None:
        super().__init__()
        self.tower = tower(in_channels, channels)
        self.project = msra_convolution(channels, kernel_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Make the mask features."""
        return self.project(self.tower(x))
