"""Skips: how an encoder's feature meets the decoder, composed of ISE, ISA and SSBA."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from inspire_med.blocks.align import FlowAlign, Resample
from inspire_med.blocks.dims import SpatialDims
from inspire_med.blocks.isa import DESCRIPTOR_CHANNELS, ISA, Concatenate, ConcatenatedISA
from inspire_med.blocks.ise import ISE
from inspire_med.blocks.ssba import SSBA
from inspire_med.errors import InputError

LateralFactory = Callable[[int], nn.Module]
Merge = Concatenate | ConcatenatedISA | ISA
MergeFactory = Callable[[SpatialDims, int, int], Merge]


@dataclass(frozen=True)
class Skip:
    """What stands on every skip of a U-Net.

    Args:
        lateral: Makes the module C_j -> R_j for a number of channels.
        merge: Makes the module (P_j, R_{j-1}) -> merged from (spatial_dims, coarse_channels,
            fine_channels); it says its `out_channels`.
        feedback: Makes the module (P_j, C_j) -> C̃_j for a number of channels, or is None.
    """

    lateral: LateralFactory
    merge: MergeFactory
    feedback: LateralFactory | None = None


def leave(channels: int) -> nn.Module:
    """Leave the lateral as it is."""
    return nn.Identity()


def concatenate(spatial_dims: SpatialDims, coarse: int, fine: int) -> Concatenate:
    """Merge by concatenation, as the plain U-Net does."""
    return Concatenate(Resample(coarse, fine), fine)


def align_and_sum(spatial_dims: SpatialDims, coarse: int, fine: int) -> ISA:
    """Merge by ISA: the figure's weighted sum stands in the place of the concatenation."""
    return ISA(flow_align(spatial_dims, coarse, fine), fine)


def align_and_concatenate(spatial_dims: SpatialDims, coarse: int, fine: int) -> ConcatenatedISA:
    """Merge by ISA with the concatenation kept: its two weighted terms stand side by side."""
    return ConcatenatedISA(flow_align(spatial_dims, coarse, fine), fine)


def flow_align(spatial_dims: SpatialDims, coarse: int, fine: int) -> FlowAlign:
    """Align by flow, with the descriptor's channels beside the map's."""
    return FlowAlign(spatial_dims, coarse, fine + DESCRIPTOR_CHANNELS, DESCRIPTOR_CHANNELS)


def back_augment(channels: int) -> nn.Module:
    """Feed P_j back into C_j, which has as many channels on a U-Net."""
    return SSBA(channels, channels)


MERGES: dict[str, MergeFactory] = {
    "concat": concatenate,
    "isa": align_and_sum,
    "isa-beside": align_and_concatenate,
}


def compose_skip(name: str) -> Skip:
    """Read a skip's name: parts joined by "+", each standing at most once.

    "concat" is the plain U-Net and "inspire" is "ise+isa+ssba". Without a merge among the parts,
    the maps are concatenated.

    Raises:
        InputError: If a part is unknown or stands twice, or there are two merges.
    """
    parts = ["ise", "isa", "ssba"] if name == "inspire" else name.split("+")
    known = {"ise", "ssba", *MERGES}
    merges = [part for part in parts if part in MERGES]
    if not set(parts) <= known or len(set(parts)) < len(parts) or len(merges) > 1:
        raise InputError(
            f"skip={name!r} is not a skip; give 'inspire' or parts joined by '+', at most one of "
            f"{', '.join(sorted(MERGES))} and any of ise, ssba."
        )
    return Skip(
        lateral=ISE if "ise" in parts else leave,
        merge=MERGES[merges[0]] if merges else concatenate,
        feedback=back_augment if "ssba" in parts else None,
    )
