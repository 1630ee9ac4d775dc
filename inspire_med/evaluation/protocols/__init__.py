"""Protocols: named sets of measures, each with the rules its numbers are made by."""

import difflib

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols.kinds import (
    MapProtocol,
    MaskProtocol,
    Protocol,
    RegionPair,
    SetProtocol,
)
from inspire_med.evaluation.protocols.segmentation import SEGMENTATION

__all__ = [
    "PROTOCOLS",
    "MapProtocol",
    "MaskProtocol",
    "Protocol",
    "RegionPair",
    "SetProtocol",
    "protocol",
]

PROTOCOLS: dict[str, Protocol] = {each.name: each for each in (SEGMENTATION,)}


def protocol(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        InputError: If there is none.
    """
    if name not in PROTOCOLS:
        guess = difflib.get_close_matches(name, PROTOCOLS, n=1)
        hint = f"did you mean {guess[0]}?" if guess else f"known: {', '.join(PROTOCOLS)}."
        raise InputError(f"option --protocol: unknown protocol {name!r}; {hint}")
    return PROTOCOLS[name]
