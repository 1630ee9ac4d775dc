"""Skips: how an encoder's feature meets the decoder, composed of ISE, ISA and SSBA."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from inspire_med.blocks.align import DeformAlign, FlowAlign, Resample
from inspire_med.blocks.dims import BATCH_NORM
from inspire_med.blocks.isa import (
    DESCRIPTOR_CHANNELS,
    ISA,
    Concatenate,
    ConcatenatedISA,
    NormedISA,
)
from inspire_med.blocks.ise import ISE, ResidualISE
from inspire_med.blocks.ssba import SSBA
from inspire_med.errors import InputError

LateralFactory = Callable[[int], nn.Module]
Merge = Concatenate | ConcatenatedISA | ISA | NormedISA
MergeFactory = Callable[[Sequence[int], int, int], Merge]


@dataclass(frozen=True)
class Feedback:
    """What a further pass begins with.

    Args:
        augment: Makes the module (P_j, C_j) -> C̃_j from (channels of P_j, channels of C_j).
        sketch_channels: Channels of a pyramid of sums that stands in for the decoder's P until
            the last pass; None where the decoder's own P is fed back.
    """

    augment: Callable[[int, int], nn.Module]
    sketch_channels: int | None = None


def leave(channels: int) -> nn.Module:
    """Leave the lateral as it is."""
    return nn.Identity()


def concatenate(kernel: Sequence[int], coarse: int, fine: int) -> Concatenate:
    """Merge by concatenation, as the plain U-Net does."""
    return Concatenate(Resample(coarse, fine), fine)


def align_and_sum(kernel: Sequence[int], coarse: int, fine: int) -> ISA:
    """Merge by ISA: the figure's weighted sum stands in the place of the concatenation."""
    return ISA(_by_flow(kernel, coarse, fine), fine)


def align_and_concatenate(kernel: Sequence[int], coarse: int, fine: int) -> ConcatenatedISA:
    """Merge by ISA with the concatenation kept: its two weighted terms stand side by side."""
    return ConcatenatedISA(_by_flow(kernel, coarse, fine), fine)


def resample_and_sum(kernel: Sequence[int], coarse: int, fine: int) -> ISA:
    """Merge by ISA without an alignment: the coarse map is up-sampled where it is."""
    return ISA(Resample(coarse, fine + DESCRIPTOR_CHANNELS), fine)


def deform_and_sum(kernel: Sequence[int], coarse: int, fine: int) -> ISA:
    """Merge by ISA whose alignment is the deformable convolution, for images.

    Raises:
        InputError: If the kernel is not one of images.
    """
    if len(kernel) != 2:
        raise InputError(
            "skip: 'isa-deform' aligns images alone; give 'isa', whose flow aligns volumes too."
        )
    channels = coarse, fine + DESCRIPTOR_CHANNELS, DESCRIPTOR_CHANNELS
    return ISA(DeformAlign(*channels, kernel_size=kernel), fine)


def align_and_sum_channels(kernel: Sequence[int], coarse: int, fine: int) -> ISA:
    """Merge by ISA with a λ of each channel's own."""
    return ISA(_by_flow(kernel, coarse, fine), fine, weights=fine)


def align_and_sum_normed(kernel: Sequence[int], coarse: int, fine: int) -> NormedISA:
    """Merge by ISA of maps that a batch norm has brought to one scale."""
    return NormedISA(_by_flow(kernel, coarse, fine), fine, norm=BATCH_NORM[len(kernel)])


def _by_flow(kernel: Sequence[int], coarse: int, fine: int) -> FlowAlign:
    """Align by flow, with the descriptor's channels beside the map's."""
    channels = coarse, fine + DESCRIPTOR_CHANNELS, DESCRIPTOR_CHANNELS
    return FlowAlign(2 if len(kernel) == 2 else 3, *channels, kernel_size=kernel)


LATERALS: dict[str, LateralFactory] = {
    "ise": ISE,
    "ise-pool1": partial(ISE, pool_size=1),
    "ise-pool8": partial(ISE, pool_size=8),
    "ise-residual": ResidualISE,
}
MERGES: dict[str, MergeFactory] = {
    "concat": concatenate,
    "isa": align_and_sum,
    "isa-beside": align_and_concatenate,
    "isa-resample": resample_and_sum,
    "isa-deform": deform_and_sum,
    "isa-channel": align_and_sum_channels,
    "isa-norm": align_and_sum_normed,
}
FEEDBACKS: dict[str, Feedback] = {
    "ssba": Feedback(SSBA),
    "ssba-light": Feedback(SSBA, sketch_channels=32),
}
INSPIRE = "ise+isa+ssba"
_KINDS: dict[str, Mapping[str, Any]] = {
    "lateral": LATERALS,
    "merge": MERGES,
    "feedback": FEEDBACKS,
}


@dataclass(frozen=True)
class Skip:
    """What stands on the skips of a U-Net, each part from a level of the hierarchy on.

    Levels count from 1, the finest. Below its own, a lateral is left as it is and a merge is the
    plain U-Net's; no level below the feedback's is run again.

    Args:
        lateral: Makes the module C_j -> R_j for a number of channels.
        merge: Makes the module (P_j, R_{j-1}) -> merged from the sides of level j's kernel along
            each axis and the channels of P_j and of R_{j-1}; it says its `out_channels`.
        feedback: What further passes begin with; None for one pass.
        lateral_from: The finest level with that lateral.
        merge_from: The finest level that is merged into so.
        feedback_from: The finest level that is fed back.
    """

    lateral: LateralFactory
    merge: MergeFactory
    feedback: Feedback | None = None
    lateral_from: int = 1
    merge_from: int = 1
    feedback_from: int = 1

    def lateral_at(self, level: int) -> LateralFactory:
        """Tell what makes the lateral of a level."""
        return self.lateral if level >= self.lateral_from else leave

    def merge_at(self, level: int) -> MergeFactory:
        """Tell what makes the merge into a level."""
        return self.merge if level >= self.merge_from else concatenate

    def refuse_missing_levels(self, levels: int) -> None:
        """Check the parts' levels against a network's.

        Raises:
            InputError: If one is not there, or is the coarsest, into which nothing is merged.
        """
        last = {
            "lateral": (self.lateral_from, levels),
            "merge": (self.merge_from, levels - 1),
            "feedback": (self.feedback_from, levels),
        }
        for part, (level, most) in last.items():
            if not 1 <= level <= most:
                raise InputError(
                    f"skip: its {part} is to stand from level {level} on, but on a network of "
                    f"{levels} levels that can be 1 to {most}; give one of these after '@'."
                )


def compose_skip(name: str) -> Skip:
    """Read a skip's name: parts joined by "+", at most one of a kind.

    "concat" is the plain U-Net and "inspire" is "ise+isa+ssba". Without a merge among the parts,
    the maps are concatenated. A part may say the level that it stands from: "ssba@4" feeds back
    from level 4 on, "ssba" from 1, the finest.

    Raises:
        InputError: If a part or its level is unknown, or there are two of a kind.
    """
    found: dict[str, tuple[Any, int]] = {}
    for part in (INSPIRE if name == "inspire" else name).split("+"):
        word, at, level = part.partition("@")
        kind = next((kind for kind, table in _KINDS.items() if word in table), None)
        if kind is None or kind in found or (at and not re.fullmatch(r"[1-9]\d*", level)):
            choice = "; ".join(", ".join(table) for table in _KINDS.values())
            raise InputError(
                f"skip={name!r} is not a skip; give 'inspire' or parts joined by '+', at most one "
                f"of each of these, with '@LEVEL' or without: {choice}."
            )
        found[kind] = _KINDS[kind][word], int(level or 1)
    lateral, lateral_from = found.get("lateral", (leave, 1))
    merge, merge_from = found.get("merge", (concatenate, 1))
    feedback, feedback_from = found.get("feedback", (None, 1))
    return Skip(lateral, merge, feedback, lateral_from, merge_from, feedback_from)
