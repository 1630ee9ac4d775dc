"""References: what predictions are held against, and which labels make its regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.evaluation.batch import found_labels
from inspire_med.evaluation.case import FOREGROUND
from inspire_med.evaluation.protocols.kinds import Regions
from inspire_med.evaluation.reading.masks import is_nifti
from inspire_med.evaluation.reading.pairs import find_masks


@dataclass(frozen=True)
class References:
    """The true masks of a batch.

    Attributes:
        masks: Reference file by case id.
        regions: Label values of each region.
        background: Label values that may occur and stand in no region.
        elsewhere: Case ids that exist but are not asked for (other folds).
        notes: What the reader of the scores should know, a sentence each.
        provenance: Where this comes from, label to text.
    """

    masks: Mapping[str, Path]
    regions: Regions
    background: tuple[int, ...] = (0,)
    elsewhere: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)


def references_of_folder(
    folder: Path, region_words: Sequence[str] | None, *, workers: int
) -> References:
    """Take a folder of masks as references.

    Images have one region, `foreground`. Of label maps each value found in any of them is a region
    named after it, unless regions are named; a value then left over counts as background.

    Raises:
        InputError: If there are no masks, or the regions cannot be known or do not fit.
    """
    masks = find_masks(folder)
    provenance = {"References": str(folder)}
    if not any(is_nifti(path) for path in masks.values()):
        if region_words is not None:
            raise InputError("option --regions: images have one region, white; leave it out.")
        return References(masks, FOREGROUND, provenance=provenance)
    values = found_labels(list(masks.values()), workers=workers, on_done=lambda: None)
    if region_words is None:
        if not values:
            raise InputError(
                f"{folder}: every mask is empty, so no region is known; name them with --regions."
            )
        named = {f"label {value}": (value,) for value in values}
        return References(masks, named, provenance=provenance)
    regions = parse_regions(region_words)
    loose = tuple(sorted(set(values).difference(*regions.values())))
    note = f"Label {', '.join(map(str, loose))} is in no region and counts as background."
    return References(
        masks, regions, (0, *loose), notes=(note,) if loose else (), provenance=provenance
    )


def parse_regions(words: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Read regions: `["WT=1,2,4", "ET=4"]` -> `{"WT": (1, 2, 4), "ET": (4,)}`.

    Raises:
        InputError: If a word is not of this form, or a name comes twice.
    """
    regions: dict[str, tuple[int, ...]] = {}
    for word in words:
        name, _, values = word.partition("=")
        numbers = values.split(",")
        if not name or not all(number.isdecimal() and int(number) > 0 for number in numbers):
            raise InputError(
                f"option --regions: {word!r} is not NAME=VALUES; write it as in WT=1,2,4."
            )
        if name in regions:
            raise InputError(f"option --regions: {name} comes twice; give all its values at once.")
        regions[name] = tuple(int(number) for number in numbers)
    return regions
