"""Pyramid: the top-down path over any hierarchy, and the feature pyramids made of it."""

from collections.abc import Iterable, Sequence
from typing import Literal

from torch import Tensor, nn

from inspire_med.blocks.align import FlowAlign
from inspire_med.blocks.dims import CONVOLUTION, SpatialDims
from inspire_med.blocks.isa import DESCRIPTOR_CHANNELS, ISA
from inspire_med.blocks.ise import ISE
from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.released import SeparateNorm, SharedNorm, released_isa
from inspire_med.blocks.resize import resize


class TopDown(nn.Module):
    """The top-down path: a lateral for every level, a merge for every level but the top.

    P_top = lateral(C_top); P_{j-1} = merge(P_j, lateral(C_{j-1})).

    Args:
        laterals: One module per level, fine to coarse: C_j to R_j.
        merges: One module per level but the coarsest, fine to coarse: (P_j, R_{j-1}) to P_{j-1}.

    Shape:
        - Input: features C, fine to coarse, of all levels or of the coarsest ones; where maps P
          of the coarsest levels are there already, the features of the levels below them.
        - Output: the maps P of all these levels, fine to coarse, each at its level's size.

    Raises:
        ValueError: If there is not one lateral more than there are merges.
    """

    def __init__(self, laterals: Iterable[nn.Module], merges: Iterable[nn.Module]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(laterals)
        self.merges = nn.ModuleList(merges)
        if len(self.laterals) != len(self.merges) + 1:
            raise ValueError(
                f"laterals={len(self.laterals)}, merges={len(self.merges)}: one lateral per level "
                "and one merge per level but the coarsest are needed; add or remove one."
            )

    def forward(self, features: Sequence[Tensor], coarser: Sequence[Tensor] = ()) -> list[Tensor]:
        """Go from the coarsest level, or on from `coarser`, to the finest of the features."""
        end = len(self.laterals) - len(coarser)
        begin = max(0, end - len(features))
        enhanced = [
            lateral(c) for lateral, c in zip(self.laterals[begin:end], features, strict=True)
        ]
        pyramid = list(coarser[::-1]) or [enhanced.pop()]
        merges = self.merges[begin : begin + len(enhanced)]
        for merge, fine in zip(reversed(merges), reversed(enhanced), strict=True):
            pyramid.append(merge(pyramid[-1], fine))
        return pyramid[::-1]


class FeaturePyramid(nn.Module):
    """A top-down path with an output layer per level: the neck between a backbone and its heads.

    Args:
        top_down: Features to maps of one width.
        outputs: One module per level, fine to coarse.

    Shape:
        - Input: features C, fine to coarse, with the channels the laterals take.
        - Output: one map per level, fine to coarse, each at its level's size.

    Raises:
        ValueError: If there is not one output per level.
    """

    def __init__(self, top_down: TopDown, outputs: Iterable[nn.Module]) -> None:
        super().__init__()
        self.top_down = top_down
        self.outputs = nn.ModuleList(outputs)
        if len(self.outputs) != len(top_down.laterals):
            raise ValueError(
                f"outputs={len(self.outputs)}, levels={len(top_down.laterals)}: one output per "
                "level is needed; nn.Identity() leaves a level as it is."
            )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Make every level's output."""
        pyramid = self.top_down(features)
        return [output(p) for output, p in zip(self.outputs, pyramid, strict=True)]


def inspire_pyramid(
    spatial_dims: SpatialDims,
    in_channels: Sequence[int],
    width: int,
    *,
    out_channels: int | None = None,
) -> FeaturePyramid:
    """Compose the figure's pyramid: ISE on every lateral, ISA at every merge.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of each level, fine to coarse.
        width: Channels of the pyramid.
        out_channels: Channels of a 3-convolution on every level; None for none.
    """
    laterals = [
        nn.Sequential(linear_lateral(c, width, "relu"), nn.ReLU(), ISE(width)) for c in in_channels
    ]
    merges = [
        ISA(FlowAlign(spatial_dims, width, width + DESCRIPTOR_CHANNELS, DESCRIPTOR_CHANNELS), width)
        for _ in in_channels[1:]
    ]
    outputs = [_output(spatial_dims, width, out_channels) for _ in in_channels]
    return FeaturePyramid(TopDown(laterals, merges), outputs)


def released_pyramid(
    in_channels: Sequence[int],
    width: int = 180,
    *,
    out_channels: int = 256,
    norm: type[SharedNorm] | type[SeparateNorm] = SharedNorm,
) -> FeaturePyramid:
    """Compose the public neck (2-D): plain laterals, the release's ISA with ISE inside it.

    Args:
        in_channels: Channels of each level, fine to coarse.
        width: Channels of the pyramid.
        out_channels: Channels of the 3-convolution on every level.
        norm: How ISE normalises its pooled path; `SeparateNorm` for batches of one.
    """
    laterals = [linear_lateral(channels, width) for channels in in_channels]
    merges = [released_isa(width, norm=norm) for _ in in_channels[1:]]
    outputs = [_output(2, width, out_channels) for _ in in_channels]
    return FeaturePyramid(TopDown(laterals, merges), outputs)


class Sum(nn.Module):
    """The plain pyramid's merge: P_j up-sampled, and R_{j-1} added.

    Shape:
        - Input: coarse `(batch, channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: `(batch, channels, *spatial)`.

    References:
        Lin et al., Feature Pyramid Networks, CVPR 2017.
    """

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge a coarse map into a fine one."""
        return fine + resize(coarse, fine.shape[2:])


def sketch_pyramid(in_channels: Sequence[int], width: int) -> TopDown:
    """Compose the cheapest pyramid: a linear lateral a level, and sums.

    Args:
        in_channels: Channels of each level, fine to coarse.
        width: Channels of the pyramid.
    """
    return TopDown(
        [linear_lateral(c, width) for c in in_channels], [Sum() for _ in in_channels[1:]]
    )


def linear_lateral(
    in_channels: int, width: int, followed_by: Literal["linear", "relu"] = "linear"
) -> Pointwise:
    """Make a level's lateral layer.

    Args:
        in_channels: Channels of C_j.
        width: Channels of R_j.
        followed_by: What reads it; a ReLU halves what it lets through.
    """
    lateral = Pointwise(in_channels, width)
    _start(lateral.weight, lateral.bias, nn.init.calculate_gain(followed_by))
    return lateral


def _output(spatial_dims: SpatialDims, width: int, out_channels: int | None) -> nn.Module:
    """Make a level's output layer."""
    if out_channels is None:
        return nn.Identity()
    output = CONVOLUTION[spatial_dims](width, out_channels, 3, padding=1)
    _start(output.weight, output.bias)
    return output


def _start(weight: Tensor, bias: Tensor | None, gain: float = 1.0) -> None:
    """Begin as FPN's layers do (Glorot, no bias).

    torch's own start makes the maps several times smaller than the heads are made for.
    """
    nn.init.xavier_uniform_(weight, gain)
    if bias is not None:
        nn.init.zeros_(bias)
