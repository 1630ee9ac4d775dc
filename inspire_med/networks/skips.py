"""Skips: how an encoder's feature meets the decoder, composed of ISE, ISA and SSBA."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from inspire_med.blocks.align import FlowAlign, Resample
from inspire_med.blocks.dims import SpatialDims
from inspire_med.blocks.isa import ISA, Concatenate, CorrelationSimilarity
from inspire_med.blocks.ise import ISE
from inspire_med.blocks.ssba import SSBA
from inspire_med.errors import InputError

LateralFactory = Callable[[SpatialDims, int], nn.Module]
MergeFactory = Callable[[SpatialDims, int, int], nn.Module]


@dataclass(frozen=True)
class Skip:
    """What stands on every skip of a U-Net; the default is the plain U-Net's concatenation.

    Args:
        lateral: Makes the module C_j -> R_j from (spatial_dims, channels).
        merge: Makes the module (P_j, R_{j-1}) -> merged from (spatial_dims, coarse_channels,
            fine_channels); it says its `out_channels`.
        feedback: Makes the module (P_j, C_j) -> C̃_j from (spatial_dims, channels), or None.
    """

    lateral: LateralFactory
    merge: MergeFactory
    feedback: LateralFactory | None = None


def identity(spatial_dims: SpatialDims, channels: int) -> nn.Module:
    """Leave the lateral as it is."""
    return nn.Identity()


def concatenate(spatial_dims: SpatialDims, coarse: int, fine: int) -> nn.Module:
    """Merge by concatenation."""
    return Concatenate(Resample(spatial_dims, coarse, fine), fine)


def align_and_blend(spatial_dims: SpatialDims, coarse: int, fine: int) -> nn.Module:
    """Merge by ISA: the figure's weighted sum replaces the concatenation."""
    return ISA(
        FlowAlign(spatial_dims, coarse, fine), CorrelationSimilarity(spatial_dims, fine), fine
    )


def back_augment(spatial_dims: SpatialDims, channels: int) -> nn.Module:
    """Feed P_j back into C_j, which has as many channels on a U-Net."""
    return SSBA(spatial_dims, channels, channels)


MERGES: dict[str, MergeFactory] = {"concat": concatenate, "isa": align_and_blend}


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
        lateral=ISE if "ise" in parts else identity,
        merge=MERGES[merges[0]] if merges else concatenate,
        feedback=back_augment if "ssba" in parts else None,
    )
