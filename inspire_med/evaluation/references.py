"""References: what predictions are held against, and which labels make its regions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.evaluation.batch import found_labels
from inspire_med.evaluation.case import FOREGROUND, known_values
from inspire_med.evaluation.pairs import (
    find_frames,
    find_masks,
    find_probabilities,
    holds_probabilities,
)
from inspire_med.evaluation.protocols import MaskProtocol, Protocol
from inspire_med.imaging.masks import IGNORE, Regions, odd_ignored, part_ignored, values_of
from inspire_med.imaging.volume import is_volume


@dataclass(frozen=True)
class References:
    """The reference masks of a batch.

    Attributes:
        masks: Reference file by case id.
        regions: Label values of each region.
        background: Label values that may occur and stand in no region.
        ignore: Label value of voxels that are not scored.
        elsewhere: Case ids that exist but are not asked for (other folds).
        notes: What the reader of the scores should know, a sentence each.
        provenance: Where this comes from, label to text.
        sites: Subgroup of each case, where a manifest knows it.
        videos: Video of each case, where cases are frames.
    """

    masks: Mapping[str, Path]
    regions: Regions
    background: tuple[int, ...] = (0,)
    ignore: int | None = None
    elsewhere: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict[str, str])
    sites: Mapping[str, str] = field(default_factory=dict[str, str])
    videos: Mapping[str, str] = field(default_factory=dict[str, str])


def references_of_folder(
    folder: Path, region_words: Sequence[str] | None, rules: Protocol, *, workers: int
) -> References:
    """Take a folder of masks as references.

    The regions are those that are named; else the protocol's own; else, of images, `foreground`,
    and of label maps each value found in any of them. A value that named regions leave over counts
    as background; one that the protocol's own leave over is an error when it is met. What is named
    `ignore` is no region, and not scored.

    Raises:
        InputError: If there are no masks, or one has the name of another's probabilities, or the
            regions cannot be known or do not fit.
    """
    provenance = {"References": str(folder)}
    if rules.of_videos:
        frames = find_frames(folder)
        _refuse_probabilities(path for path in frames.values() if holds_probabilities(path))
        return References(frames, {}, provenance=provenance, videos=_by_folder(frames, folder))
    masks = find_masks(folder)
    _refuse_probabilities(find_probabilities(folder).values())
    own = rules.regions if isinstance(rules, MaskProtocol) else None
    if region_words is None and own is not None:
        return References(masks, own, provenance=provenance)
    if region_words is None and not any(is_volume(path) for path in masks.values()):
        return References(masks, FOREGROUND, provenance=provenance)
    named = None if region_words is None else parse_regions(region_words, own)
    expected = None if named is None else known_values(named)
    named, ignore = (None, None) if named is None else part_ignored(named)
    paths = list(masks.values())
    values = found_labels(paths, expected, workers=workers, on_done=lambda: None)
    if named is None:
        if not values:
            raise InputError(
                f"{folder}: every mask is empty, so no region is known; name them with --regions."
            )
        each = {f"label {value}": (value,) for value in values}
        return References(masks, each, provenance=provenance)
    loose = tuple(sorted({*values} - {ignore} - values_of(named)))
    notes = [
        f"Region {name} is in no reference: every reference of it is empty."
        for name, wanted in named.items()
        if not set(wanted) & set(values)
    ]
    if loose:
        listed = ", ".join(map(str, loose))
        notes.append(f"Label {listed} is in no region and counts as background.")
    if ignore is not None:
        notes.append(f"Where a reference holds {ignore}, nobody has judged and nothing is scored.")
    return References(masks, named, (0, *loose), ignore, notes=tuple(notes), provenance=provenance)


def _refuse_probabilities(paths: Iterable[Path]) -> None:
    for path in paths:
        raise InputError(
            f"{path}: has the name of a case's probabilities, and references are masks; rename it, "
            "or move it away."
        )


def _by_folder(frames: Mapping[str, Path], folder: Path) -> dict[str, str]:
    loose = [path.name for path in frames.values() if path.parent == folder]
    if loose:
        raise InputError(
            f"{folder}: holds {loose[0]}, which is in no folder of a video; give each video a "
            "folder of its own, or a manifest whose patients are the videos."
        )
    return {frame: path.parent.name for frame, path in frames.items()}


def parse_regions(words: Sequence[str], known: Regions | None = None) -> dict[str, tuple[int, ...]]:
    """Read regions: `["WT=1,2,4", "ET=4"]` -> `{"WT": (1, 2, 4), "ET": (4,)}`.

    Args:
        words: As on the command line.
        known: Regions that a protocol scores; any where there are none.

    Raises:
        InputError: If a word is not of this form, a name comes twice, or none knows it.
    """
    regions: dict[str, tuple[int, ...]] = {}
    for word in words:
        name, _, values = word.partition("=")
        numbers = values.split(",")
        if not name or not all(number.isdecimal() and int(number) > 0 for number in numbers):
            raise InputError(
                f"option --regions: {word!r} is not NAME=VALUES; write it as in WT=1,2,4."
            )
        if known is not None and name not in (*known, IGNORE):
            raise InputError(
                f"option --regions: the protocol has no region {name}; it scores "
                f"{', '.join(known)}."
            )
        if name in regions:
            raise InputError(f"option --regions: {name} comes twice; give all its values at once.")
        regions[name] = tuple(int(number) for number in numbers)
    if fault := odd_ignored(regions):
        raise InputError(f"option --regions: {fault}; {_way_out(regions, known)}.")
    return regions


def _way_out(regions: Regions, known: Regions | None) -> str:
    """What to write where the region called `ignore` is odd."""
    if [*regions] != [IGNORE]:
        return "give it one value, which no other has"
    shown = {"WT": (1, 2, 4), "ET": (4,)} if known is None else known
    written = [f"{name}={','.join(map(str, values or (1,)))}" for name, values in shown.items()]
    return (
        f"name those that are scored too, as in {' '.join(written)} {IGNORE}={regions[IGNORE][0]}"
    )
