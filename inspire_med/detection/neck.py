"""Neck: INSPIRE's pyramid with the face of mmdet's FPN."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from inspire_med.blocks.pyramid import FeaturePyramid, inspire_pyramid, released_pyramid
from inspire_med.detection.levels import ConvolvedLevels, PooledLevels
from inspire_med.errors import InputError


class PyramidNeck(BaseModule):
    """A feature pyramid between a backbone's maps and a detector's heads.

    The arguments are those of mmdet's FPN, so that a config changes `type` alone.

    Args:
        in_channels: Channels of every backbone map, fine to coarse.
        out_channels: Channels of every output.
        num_outs: Number of outputs; those beyond the backbone's levels are made on top.
        width: Channels inside the pyramid; None for the pyramid's own default.
        start_level: First backbone map that is used.
        end_level: Last one that is used; -1 for the last there is.
        add_extra_convs: False for max-pooled extra levels; `"on_input"` (or True),
            `"on_lateral"`, `"on_output"` for 3-convolutions of stride 2 over C, P or the output.
        relu_before_extra_convs: Whether a ReLU precedes the second and later of these.
        init_cfg: mmengine's; the blocks initialise themselves, so there is none by default.

    Shape:
        - Input: `len(in_channels)` maps `(batch, in_channels[j], height_j, width_j)`.
        - Output: `num_outs` maps with `out_channels` channels, the first ones at their level's
          size, each extra one at half the size before it.

    Raises:
        InputError: If the levels asked for are not there.
    """

    def __init__(  # noqa: PLR0913 - the arguments of mmdet's FPN
        self,
        in_channels: Sequence[int],
        out_channels: int,
        num_outs: int,
        *,
        width: int | None = None,
        start_level: int = 0,
        end_level: int = -1,
        add_extra_convs: bool | Literal["on_input", "on_lateral", "on_output"] = False,
        relu_before_extra_convs: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        stop = len(in_channels) if end_level == -1 else end_level + 1
        used = list(in_channels[start_level:stop])
        count = num_outs - len(used)
        if not used or stop > len(in_channels) or count < 0:
            raise InputError(
                f"neck: {num_outs} outputs from levels {start_level} to {stop - 1} of "
                f"{len(in_channels)} backbone maps cannot be; change num_outs, start_level or "
                "end_level."
            )
        self.in_channels = list(in_channels)
        self.start_level = start_level
        self.stop_level = stop
        self.width = width or self.default_width(out_channels)
        self.pyramid = self.compose(used, out_channels)
        source = "on_input" if add_extra_convs is True else add_extra_convs
        if not source:
            self.extra = PooledLevels(count)
            return
        channels = {"on_input": used[-1], "on_lateral": self.width, "on_output": out_channels}
        if source not in channels:
            raise InputError(
                f"neck.add_extra_convs={source!r} is unknown; give one of {', '.join(channels)}."
            )
        self.extra = ConvolvedLevels(
            count, channels[source], out_channels, source=source, relu=relu_before_extra_convs
        )

    @abstractmethod
    def default_width(self, out_channels: int) -> int:
        """Say how wide the pyramid is where nobody does."""

    @abstractmethod
    def compose(self, in_channels: Sequence[int], out_channels: int) -> FeaturePyramid:
        """Make the pyramid over the used levels."""

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Make every output from the backbone's maps."""
        if len(inputs) != len(self.in_channels):
            raise InputError(
                f"neck.in_channels names {len(self.in_channels)} maps and the backbone gives "
                f"{len(inputs)}; make the two agree (backbone.out_indices)."
            )
        features = inputs[self.start_level : self.stop_level]
        return self.finish(features, self.pyramid.top_down(features))

    def finish(self, features: Sequence[Tensor], pyramid: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Make the outputs and the extra levels from C and P, fine to coarse.

        They are contiguous: the blocks' maps have channels last, which mmcv's RoIAlign reads as
        if they had channels first, without a word (open-mmlab/mmcv, issue 2203).
        """
        pairs = zip(self.pyramid.outputs, pyramid, strict=True)
        outputs = [output(p) for output, p in pairs]
        extra = self.extra(features[-1], pyramid[-1], outputs[-1])
        return tuple(level.contiguous() for level in (*outputs, *extra))


@MODELS.register_module()
class InspireFPN(PyramidNeck):
    """The figure's pyramid, ISE on every lateral and ISA at every merge, as an mmdet neck.

    Its width is `out_channels` by default. Arguments, shapes and errors: `PyramidNeck`.

    References:
        INSPIRE, figure (a).
    """

    def default_width(self, out_channels: int) -> int:
        """As wide as its outputs, like FPN."""
        return out_channels

    def compose(self, in_channels: Sequence[int], out_channels: int) -> FeaturePyramid:
        """Make the pyramid over the used levels."""
        return inspire_pyramid(2, in_channels, self.width, out_channels=out_channels)


@MODELS.register_module()
class ReleasedInspireFPN(PyramidNeck):
    """The public neck, number for number; its width is 180 by default.

    Arguments, shapes and errors: `PyramidNeck`.

    References:
        INSPIRE, released code (`FPN_plusplus`).
    """

    def default_width(self, out_channels: int) -> int:
        """Have the release's width."""
        return 180

    def compose(self, in_channels: Sequence[int], out_channels: int) -> FeaturePyramid:
        """Make the pyramid over the used levels."""
        return released_pyramid(in_channels, self.width, out_channels=out_channels)
