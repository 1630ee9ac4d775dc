"""Encoder: the bottom-up path, stage by stage, so that a feedback can enter between stages."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from torch import Tensor, nn

from inspire_med.blocks.conv import ConvNormAct
from inspire_med.blocks.dims import Norm, SpatialDims
from inspire_med.blocks.loop import bottom_up

WIDTHS = (32, 64, 128, 256)


class Encoder(nn.Module):
    """A bottom-up path: stage j makes C_j from C_{j-1}, the first from the image.

    Args:
        stages: The stages, fine to coarse.
        channels: Channels of each stage's output.
        weight_names: State-dict names of this encoder to those of the weights it can load, where
            they differ.

    Shape:
        - Input: `(batch, in_channels, *spatial)`.
        - Output: one map per stage, fine to coarse.
    """

    def __init__(
        self,
        stages: Sequence[nn.Module],
        channels: Sequence[int],
        weight_names: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)
        self.weight_names = dict(weight_names or {})

    def forward(self, image: Tensor) -> list[Tensor]:
        """Make every level's features."""
        return bottom_up(self.stages, image)


class EncoderOptions(TypedDict, total=False):
    """What a U-Net's own encoder may be told, as `unet_encoder` takes it."""

    widths: Sequence[int]
    stem_stride: int


def unet_encoder(
    spatial_dims: SpatialDims,
    in_channels: int,
    widths: Sequence[int] = WIDTHS,
    *,
    stem_stride: int = 1,
    norm: Norm | None = None,
) -> Encoder:
    """Make the U-Net's own encoder: two 3-convolutions a level, the first of them of stride 2.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of the image.
        widths: Channels per level, fine to coarse.
        stem_stride: Stride from the image to the finest level: 2 quarters what an image costs.
        norm: Makes the norm for a number of channels; batch norm by default.

    Raises:
        ValueError: If there are less than two widths or `stem_stride` is not positive.
    """
    if len(widths) < 2 or stem_stride < 1:
        raise ValueError(
            f"widths={tuple(widths)}, stem_stride={stem_stride}: give at least two widths and a "
            "stride of at least 1."
        )
    stages: list[nn.Module] = []
    channels = in_channels
    for level, width in enumerate(widths):
        stride = stem_stride if level == 0 else 2
        stages.append(
            nn.Sequential(
                ConvNormAct(spatial_dims, channels, width, stride=stride, norm=norm),
                ConvNormAct(spatial_dims, width, width, norm=norm),
            )
        )
        channels = width
    return Encoder(stages, widths)


def names_in(network: nn.Module, stages: Sequence[nn.Module]) -> dict[str, str]:
    """Map the state-dict names of an encoder's stages to those of the network they are cut from."""
    theirs = {id(value): name for name, value in network.state_dict(keep_vars=True).items()}
    ours = nn.ModuleList(stages).state_dict(prefix="stages.", keep_vars=True)
    return {name: theirs[id(value)] for name, value in ours.items()}
