"""Protocols: named sets of measures, each with the rules its numbers are made by."""

import difflib

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols.brats2021 import BRATS2021
from inspire_med.evaluation.protocols.brats2023 import BRATS2023
from inspire_med.evaluation.protocols.brats2024 import BRATS2024
from inspire_med.evaluation.protocols.coco import COCO_DETECTION
from inspire_med.evaluation.protocols.isles2022 import ISLES2022
from inspire_med.evaluation.protocols.kinds import (
    MapProtocol,
    MaskProtocol,
    Protocol,
    RegionPair,
    SetProtocol,
)
from inspire_med.evaluation.protocols.polyp_pranet import POLYP_PRANET
from inspire_med.evaluation.protocols.segmentation import (
    SEGMENTATION,
    SEGMENTATION_BORDER_MAX,
    SEGMENTATION_BORDER_UNION,
)

__all__ = [
    "PROTOCOLS",
    "MapProtocol",
    "MaskProtocol",
    "Protocol",
    "RegionPair",
    "SetProtocol",
    "protocol",
]

_ALL: tuple[Protocol, ...] = (
    *(SEGMENTATION, SEGMENTATION_BORDER_MAX, SEGMENTATION_BORDER_UNION),
    *(BRATS2021, *BRATS2023, *BRATS2024),
    *(ISLES2022, POLYP_PRANET, COCO_DETECTION),
)
PROTOCOLS: dict[str, Protocol] = {each.name: each for each in _ALL}


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
