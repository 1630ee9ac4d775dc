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
        kernel_sizes: Sides of each level's kernels along each axis, for a decoder to follow; None
            for 3 everywhere.

    Shape:
        - Input: `(batch, in_channels, *spatial)`.
        - Output: one map per stage, fine to coarse.
    """

    def __init__(
        self,
        stages: Sequence[nn.Module],
        channels: Sequence[int],
        weight_names: Mapping[str, str] | None = None,
        kernel_sizes: Sequence[Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)
        self.weight_names = dict(weight_names or {})
        self.kernel_sizes: Sequence[int | Sequence[int]] = kernel_sizes or [3] * len(self.channels)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Make every level's features."""
        return bottom_up(self.stages, image)


class EncoderOptions(TypedDict, total=False):
    """What a U-Net's own encoder may be told, as `unet_encoder` takes it."""

    widths: Sequence[int]
    strides: Sequence[Sequence[int]]
    kernel_sizes: Sequence[Sequence[int]]
    stem_stride: int


def unet_encoder(
    spatial_dims: SpatialDims,
    in_channels: int,
    widths: Sequence[int] = WIDTHS,
    *,
    strides: Sequence[Sequence[int]] | None = None,
    kernel_sizes: Sequence[Sequence[int]] | None = None,
    stem_stride: int = 1,
    norm: Norm | None = None,
) -> Encoder:
    """Make the U-Net's own encoder: two convolutions a level, the first of them strided.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of the image.
        widths: Channels per level, fine to coarse.
        strides: Strides from each level to the next along each axis, such as (1, 2, 2) for thick
            slices; None for 2 everywhere.
        kernel_sizes: Sides of each level's kernels along each axis, such as (1, 3, 3); None for 3
            everywhere.
        stem_stride: Stride from the image to the finest level: 2 quarters what an image costs.
        norm: Makes the norm for a number of channels; batch norm by default.

    Raises:
        ValueError: If there are less than two widths, `stem_stride` is not positive, or `strides`
            or `kernel_sizes` are not those of this many levels and axes.
    """
    levels = len(widths)
    if levels < 2 or stem_stride < 1:
        raise ValueError(
            f"widths={tuple(widths)}, stem_stride={stem_stride}: give at least two widths and a "
            "stride of at least 1."
        )
    steps = strides or ((2,) * spatial_dims,) * (levels - 1)
    kernels = kernel_sizes or ((3,) * spatial_dims,) * levels
    if not _fit(steps, levels - 1, spatial_dims):
        raise ValueError(
            f"strides={strides}: {levels} levels have {levels - 1} steps between them; give each "
            f"of these {spatial_dims} numbers of at least 1, one an axis."
        )
    if not _fit(kernels, levels, spatial_dims) or not all(map(_has_centre, kernels)):
        raise ValueError(
            f"kernel_sizes={kernel_sizes}: there are {levels} levels; give each of them "
            f"{spatial_dims} odd numbers, one an axis, and not all of them 1."
        )
    stages: list[nn.Module] = []
    channels = in_channels
    for width, side, step in zip(
        widths, kernels, ((stem_stride,) * spatial_dims, *steps), strict=True
    ):
        stages.append(
            nn.Sequential(
                ConvNormAct(
                    spatial_dims, channels, width, kernel_size=side, stride=step, norm=norm
                ),
                ConvNormAct(spatial_dims, width, width, kernel_size=side, norm=norm),
            )
        )
        channels = width
    return Encoder(stages, widths, kernel_sizes=kernels)


def _fit(each: Sequence[Sequence[int]], count: int, spatial_dims: int) -> bool:
    """Tell whether there are so many, each of a positive number an axis."""
    return len(each) == count and all(len(one) == spatial_dims and min(one) >= 1 for one in each)


def _has_centre(kernel: Sequence[int]) -> bool:
    """Tell whether a kernel has a middle, and a neighbour beside it."""
    return all(side % 2 for side in kernel) and max(kernel) > 1


def names_in(network: nn.Module, stages: Sequence[nn.Module]) -> dict[str, str]:
    """Map the state-dict names of an encoder's stages to those of the network they are cut from."""
    theirs = {id(value): name for name, value in network.state_dict(keep_vars=True).items()}
    ours = nn.ModuleList(stages).state_dict(prefix="stages.", keep_vars=True)
    return {name: theirs[id(value)] for name, value in ours.items()}
