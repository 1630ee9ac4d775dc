"""EfficientNet-Lite: an encoder of inverted residual blocks, for images alone."""

from collections import OrderedDict
from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from inspire_med.blocks.depthwise import DepthwiseConv
from inspire_med.blocks.encoder import Encoder, names_in

# Width and depth, as factors on the rows below (EfficientNet's compound scaling).
EFFICIENTNET_LITE = {
    "efficientnet-lite0": (1.0, 1.0),
    "efficientnet-lite1": (1.0, 1.1),
    "efficientnet-lite2": (1.1, 1.2),
}
_STEM = 32  # neither it nor the number of the first and the last row's blocks is scaled


class _Row(NamedTuple):
    """Blocks of a kind, one after another; the first of them has the stride."""

    repeats: int
    side: int
    stride: int
    expansion: int
    channels: int


_ROWS = (
    _Row(1, 3, 1, 1, 16),
    _Row(2, 3, 2, 6, 24),
    _Row(2, 5, 2, 6, 40),
    _Row(3, 3, 2, 6, 80),
    _Row(3, 5, 1, 6, 112),
    _Row(4, 5, 2, 6, 192),
    _Row(1, 3, 1, 6, 320),
)


def efficientnet_lite(name: str, in_channels: int) -> Encoder:
    """Make an EfficientNet-Lite without its classifier, cut before every block that halves.

    Args:
        name: "efficientnet-lite0", "efficientnet-lite1" or "efficientnet-lite2".
        in_channels: Channels of the image.

    Shape:
        - Input: `(batch, in_channels, height, width)`.
        - Output: five maps, of a half to a 32nd of the image's sides, rounded up.

    References:
        Tan and Le, EfficientNet, ICML 2019, table 1; Liu, EfficientNet-Lite, 2020: no squeeze and
        excitation, ReLU6, stem and head not scaled. The padding is TensorFlow's, as the weights
        are, and the names are those of the package efficientnet-lite-pytorch.
        Differs: without drop connect.
    """
    stem = nn.ModuleDict(
        {
            "_conv_stem": nn.Conv2d(in_channels, _STEM, 3, 2, bias=False),
            "_bn0": _norm(_STEM),
        }
    )
    blocks = list(_blocks(*EFFICIENTNET_LITE[name]))
    groups: list[list[nn.Module]] = [[SamePad(3, 2), *stem.values(), nn.ReLU6(inplace=True)]]
    channels = [0]
    for block in blocks:
        if block.stride == 2:
            groups.append([])
            channels.append(0)
        groups[-1].append(block)
        channels[-1] = block.channels
    stages = [nn.Sequential(*group) for group in groups]
    whole = nn.ModuleDict({**stem, "_blocks": nn.ModuleList(blocks)})
    return Encoder(stages, channels, names_in(whole, stages))


class SamePad(nn.Module):
    """Pad by zeros as TensorFlow does, so that a convolution gives ceil(size / stride).

    Where the zeros are odd in number, the end of an axis has one more than its beginning.

    Args:
        side: Side of the kernel.
        stride: Its step.

    Shape:
        - Input: `(batch, channels, height, width)`.
        - Output: larger by up to `side - 1` along each axis.
    """

    def __init__(self, side: int, stride: int) -> None:
        super().__init__()
        self.side, self.stride = side, stride

    def forward(self, x: Tensor) -> Tensor:
        """Pad."""
        height, width = (
            max((ceil(n / self.stride) - 1) * self.stride + self.side - n, 0) for n in x.shape[2:]
        )
        return F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))


class InvertedResidual(nn.Sequential):
    """Expand the channels, convolve each by itself, project; added to the input if it fits.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        expansion: Factor on the input's channels in between; 1 leaves the first step out.
        side: Side of the depthwise kernel.
        stride: Its step.

    Shape:
        - Input: `(batch, in_channels, height, width)`.
        - Output: `(batch, channels, ceil(height / stride), ceil(width / stride))`.

    References:
        Sandler et al., MobileNetV2, CVPR 2018.
    """

    def __init__(
        self, in_channels: int, channels: int, *, expansion: int, side: int, stride: int
    ) -> None:
        inner = in_channels * expansion
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            parts["_expand_conv"] = nn.Conv2d(in_channels, inner, 1, bias=False)
            parts["_bn0"] = _norm(inner)
            parts["expanded"] = nn.ReLU6(inplace=True)
        if stride > 1:
            parts["pad"] = SamePad(side, stride)
        zeros = side // 2 if stride == 1 else 0
        parts["_depthwise_conv"] = DepthwiseConv(inner, side, stride=stride, padding=zeros)
        parts["_bn1"] = _norm(inner)
        parts["filtered"] = nn.ReLU6(inplace=True)
        parts["_project_conv"] = nn.Conv2d(inner, channels, 1, bias=False)
        parts["_bn2"] = _norm(channels)
        super().__init__(parts)
        self.channels, self.stride = channels, stride
        self.adds_input = stride == 1 and in_channels == channels

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name for it
        """Expand, filter, project."""
        output = super().forward(input)
        return input + output if self.adds_input else output


def _blocks(width: float, depth: float) -> Iterator[InvertedResidual]:
    """All blocks, one after another."""
    channels = _STEM
    for row in _ROWS:
        ends = row in (_ROWS[0], _ROWS[-1])
        for index in range(row.repeats if ends else ceil(depth * row.repeats)):
            wanted = _scaled(row.channels, width)
            stride = row.stride if index == 0 else 1
            yield InvertedResidual(
                channels, wanted, expansion=row.expansion, side=row.side, stride=stride
            )
            channels = wanted


def _scaled(channels: int, width: float) -> int:
    """The nearest multiple of 8, but no less than nine tenths (TensorFlow's `round_filters`)."""
    wanted = channels * width
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * wanted else nearest


def _norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with the numbers that the weights were trained with."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
