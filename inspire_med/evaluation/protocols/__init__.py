"""Protocols: named sets of measures, each with the rules its numbers are made by."""

import math
import re

from inspire_med.errors import InputError, did_you_mean
from inspire_med.evaluation.protocols.brats2021 import BRATS2021
from inspire_med.evaluation.protocols.brats2023 import BRATS2023
from inspire_med.evaluation.protocols.brats2024 import BRATS2024, BRATS2025
from inspire_med.evaluation.protocols.brats2026 import BRATS2026
from inspire_med.evaluation.protocols.coco import COCO_DETECTION
from inspire_med.evaluation.protocols.isles import ISLES2022, ISLES2024, ISLES2026
from inspire_med.evaluation.protocols.kinds import (
    MapProtocol,
    MaskProtocol,
    PictureProtocol,
    Protocol,
    RegionPair,
    SetProtocol,
)
from inspire_med.evaluation.protocols.polyp_endocv2021 import POLYP_ENDOCV2021
from inspire_med.evaluation.protocols.polyp_pranet import POLYP_PRANET
from inspire_med.evaluation.protocols.polyp_video import POLYP_VIDEO
from inspire_med.evaluation.protocols.segmentation import (
    CONVENTIONS,
    SEGMENTATION,
    SEGMENTATION_BORDER_MAX,
    SEGMENTATION_BORDER_UNION,
    nsd_name,
    segmentation,
)

__all__ = [
    "PROTOCOLS",
    "MapProtocol",
    "MaskProtocol",
    "PictureProtocol",
    "Protocol",
    "RegionPair",
    "SetProtocol",
    "protocol",
    "scores_maps",
]

_ALL: tuple[Protocol, ...] = (
    *(SEGMENTATION, SEGMENTATION_BORDER_MAX, SEGMENTATION_BORDER_UNION),
    *(BRATS2021, *BRATS2023, *BRATS2024, *BRATS2025, *BRATS2026),
    *(ISLES2022, ISLES2024, ISLES2026),
    *(POLYP_PRANET, POLYP_VIDEO, POLYP_ENDOCV2021, COCO_DETECTION),
)
PROTOCOLS: dict[str, Protocol] = {each.name: each for each in _ALL}


def protocol(name: str) -> Protocol:
    """The protocol of this name.

    `segmentation@0.5,3`, and its conventions likewise, take NSD at 0.5 and 3 mm instead.

    Raises:
        InputError: If there is none.
    """
    base, at, tolerances = name.partition("@")
    if at and base in CONVENTIONS:
        return segmentation(base, _tolerances_mm(tolerances, name))
    if name not in PROTOCOLS:
        same = [known for known in PROTOCOLS if _without_year(known) == _without_year(name)]
        hint = did_you_mean(name, same or PROTOCOLS, f"known: {', '.join(PROTOCOLS)}.")
        raise InputError(f"option --protocol: unknown protocol {name!r}; {hint}")
    return PROTOCOLS[name]


def scores_maps(name: str) -> bool:
    """Whether the protocol of this name scores maps; what is unknown here does not."""
    return name in PROTOCOLS and PROTOCOLS[name].scores_maps


def _without_year(name: str) -> str:
    """The challenge: a name that is nearer by its letters may be another one's."""
    return re.sub(r"\d+", "", name)


def _tolerances_mm(words: str, name: str) -> tuple[float, ...]:
    try:
        found = tuple(float(word) + 0.0 for word in words.split(","))  # -0 is 0
    except ValueError:
        found = ()
    names = {nsd_name(each) for each in found}
    if not found or not all(0 <= each < math.inf for each in found) or len(names) < len(found):
        raise InputError(
            f"option --protocol: {name!r} has no tolerances of NSD in mm after its @; write them "
            "as in segmentation@0.5,3."
        )
    return found
