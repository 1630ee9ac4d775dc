"""UNet: one skeleton for the plain U-Net and for INSPIRE; the skips are an argument."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

from inspire_med.blocks.conv import ConvNormAct
from inspire_med.blocks.dims import Norm, SpatialDims, per_axis
from inspire_med.blocks.encoder import Encoder, EncoderOptions, unet_encoder
from inspire_med.blocks.loop import Pass, unroll_each, with_shared_parameters
from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.pyramid import TopDown, linear_lateral, sketch_pyramid
from inspire_med.blocks.resize import resize
from inspire_med.errors import InputError
from inspire_med.networks.skips import Feedback, Merge, Skip, compose_skip

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in Python 3.11 and later it is typing's


class DecoderLevel(nn.Module):
    """One step up: merge the coarse map into the skip, then two convolutions.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        merge: (coarse, fine) to one map of `merge.out_channels`.
        channels: Channels of the output.
        kernel_size: Odd sides of the convolutions' kernels, one an axis.
        norm: Makes the norm for a number of channels.
    """

    def __init__(
        self,
        spatial_dims: SpatialDims,
        merge: Merge,
        channels: int,
        *,
        kernel_size: Sequence[int],
        norm: Norm | None,
    ) -> None:
        super().__init__()
        self.merge = merge
        self.convs = nn.Sequential(
            *(
                ConvNormAct(spatial_dims, coming, channels, kernel_size=kernel_size, norm=norm)
                for coming in (merge.out_channels, channels)
            )
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge and refine."""
        return self.convs(self.merge(coarse, fine))


class UNet(nn.Module):
    """A U-Net whose skips are plain, or INSPIRE, or any of its parts.

    C = encoder(x); P = top_down(C), ISE on every lateral and ISA at every merge; with SSBA, P goes
    back into the encoder and both paths run again, from the finest level that is fed back on.
    "concat" is the plain U-Net of the same skeleton, widths and norm.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of the image.
        out_channels: Channels of the logits, one per region.
        decoder_widths: Channels of P_j per level; None for those of C_j. Where they differ, a
            linear map precedes the skip.
        skip: "concat", "inspire", parts joined by "+" (see `compose_skip`), or a `Skip`.
        steps: Passes through both paths; matters only when the skip feeds back.
        norm: Makes the norm for a number of channels; batch norm by default.
        encoder: A bottom-up path to use in place of `unet_encoder`'s; where its finest level is
            smaller than the image, the logits are resized.
        own: What `unet_encoder` takes, where no `encoder` is given: `widths` (channels of C_j per
            level, fine to coarse), `strides` and `kernel_sizes` (along each axis; the decoder's
            kernels are those of its levels), `stem_stride`.

    Shape:
        - Input: `(batch, in_channels, *spatial)`, any size.
        - Output: logits `(batch, out_channels, *spatial)`.

    Raises:
        ValueError: If `spatial_dims`, `steps` or `own` make no network, or if there are both
            options of the own encoder and an `encoder`.
        InputError: If `skip` is not a skip or names a level that the network does not have, or if
            there are more or fewer `decoder_widths` than levels.
    """

    def __init__(
        self,
        spatial_dims: SpatialDims,
        in_channels: int,
        out_channels: int,
        *,
        decoder_widths: Sequence[int] | None = None,
        skip: str | Skip = "inspire",
        steps: int = 2,
        norm: Norm | None = None,
        encoder: Encoder | None = None,
        **own: "Unpack[EncoderOptions]",
    ) -> None:
        super().__init__()
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims={spatial_dims} is not a dimension; give 2 or 3.")
        if steps < 1:
            raise ValueError(f"steps={steps} makes no pass; give at least one step.")
        if encoder is not None and own:
            raise ValueError(f"{', '.join(own)}: the encoder that is given has its own; leave out.")
        self.spatial_dims: SpatialDims = spatial_dims
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.encoder = encoder or unet_encoder(spatial_dims, in_channels, norm=norm, **own)
        self.channels = self.encoder.channels
        self.decoder_widths = tuple(decoder_widths or self.channels)
        _refuse_other_levels(self.decoder_widths, self.channels)
        parts = compose_skip(skip) if isinstance(skip, str) else skip
        parts.refuse_missing_levels(len(self.channels))
        self.top_down = self._top_down(parts, norm)
        self.feedback = nn.ModuleList()
        self.passes = nn.ModuleList()
        self.sketch: TopDown | None = None
        self._passes_wait = False
        if parts.feedback is not None and steps > 1:
            self._feed_back(parts.feedback, parts.feedback_from, steps - 1)
        self.head = Pointwise(self.decoder_widths[0], out_channels)

    def _top_down(self, skip: Skip, norm: Norm | None) -> TopDown:
        """Make the decoder: laterals and merges with their convolutions."""
        dims = self.spatial_dims
        kernels = [per_axis(each, dims) for each in self.encoder.kernel_sizes]
        merges: list[nn.Module] = []
        for level, (fine, coarse) in enumerate(pairwise(self.decoder_widths), start=1):
            merge = skip.merge_at(level)(kernels[level], coarse, fine)
            merges.append(
                DecoderLevel(dims, merge, fine, kernel_size=kernels[level - 1], norm=norm)
            )
        laterals = [
            skip.lateral_at(level)(width) for level, width in enumerate(self.decoder_widths, 1)
        ]
        return TopDown(map(_projected, laterals, self.channels, self.decoder_widths), merges)

    def _feed_back(self, feedback: Feedback, level: int, further: int) -> None:
        """Make what feeds back from `level` on, and the further passes."""
        channels, pyramid_channels = self.channels[level - 1 :], self.decoder_widths[level - 1 :]
        if (width := feedback.sketch_channels) is not None:
            self.sketch = sketch_pyramid(channels, width)
            pyramid_channels = (width,) * len(channels)
        for coming, own in zip(pyramid_channels, channels, strict=True):
            self.feedback.append(feedback.augment(coming, own))
        self.passes.extend(map(with_shared_parameters, self._repeated(further)))

    def _repeated(self, further: int) -> list[Pass]:
        """Find what each further pass repeats: all above the first level that is fed back.

        Until the last pass, whose pyramid is the answer, a sketch stands in for the decoder.
        """
        begin = len(self.channels) - len(self.feedback)
        decoder = TopDown(self.top_down.laterals[begin:], self.top_down.merges[begin:])
        paths = [self.sketch or decoder] * (further - 1) + [decoder]
        return [Pass(self.encoder.stages[begin + 1 :], path) for path in paths]

    @property
    def passes_wait(self) -> bool:
        """Whether the first pass runs alone, though there are others."""
        return self._passes_wait

    def hold_passes(self) -> None:
        """Run the first pass alone, until the others begin."""
        self._passes_wait = self.steps > 1

    def begin_passes(self) -> None:
        """Run the further passes from now on, with the running statistics of the first.

        SSBA starts as C̃ = C, so the network of one pass becomes one of several without a jump.
        """
        self.begin_passes_alike()
        self._passes_wait = False

    def begin_passes_alike(self) -> None:
        """Give every further pass the running statistics of the first."""
        repeated = self._repeated(len(self.passes)) if self.passes else []
        for again, first in zip(self.passes, repeated, strict=True):
            again.load_state_dict(first.state_dict())

    @property
    def steps(self) -> int:
        """Passes through both paths."""
        return 1 + len(self.passes)

    def pyramids(self, image: Tensor) -> Iterator[list[Tensor]]:
        """Give the decoder's maps P_j pass after pass, fine to coarse, of the levels that run."""
        features = self.encoder(image)
        if self._passes_wait:
            yield self.top_down(features)
            return
        passes = [again for again in self.passes if isinstance(again, Pass)]
        each = unroll_each(
            features,
            self.top_down,
            feedback=list(self.feedback),
            passes=passes,
            sketch=self.sketch,
        )
        for index, (_, pyramid) in enumerate(each):
            if self.sketch is None or index == len(passes):
                yield pyramid

    def pyramid(self, image: Tensor) -> list[Tensor]:
        """Give the maps P_j of the last pass that runs, fine to coarse."""
        return deque(self.pyramids(image), maxlen=1).pop()

    def forward(self, image: Tensor) -> Tensor:
        """Give the logits at the image's size."""
        return resize(self.head(self.pyramid(image)[0]), image.shape[2:])


def _projected(lateral: nn.Module, channels: int, width: int) -> nn.Module:
    """Bring C_j to the width of P_j before its lateral, where that is another."""
    if channels == width:
        return lateral
    return nn.Sequential(linear_lateral(channels, width), lateral)


def _refuse_other_levels(widths: Sequence[int], channels: Sequence[int]) -> None:
    if len(widths) != len(channels):
        raise InputError(
            f"decoder_widths: {', '.join(map(str, widths))} are {len(widths)} numbers, "
            f"but the encoder has {len(channels)} levels, of {', '.join(map(str, channels))} "
            "channels; give as many."
        )
