"""Outliers: cases that stand apart from the rest of their set."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.checking.scan import Scan
from inspire_med.cases.checking.verdict import Verdict

_FEWEST = 5  # cases, of fewer none stands apart
_USUAL = 0.6  # of the cases have what is usual
_FACTOR = 1.25  # between voxel sizes that nobody would look at twice
_SPREADS = 4.0  # robust standard deviations
_TO_SD = 1.4826  # from the median distance to the standard deviation of a normal distribution
_LESS = 0.15  # of the set's agreement: another patient's channel loses a quarter of it and more
_SMALLEST_MM, _LARGEST_MM = 0.01, 50.0  # voxel sizes that a patient's scan may have


def outliers(verdicts: Sequence[Verdict]) -> Iterator[Finding]:
    """What stands apart in voxel size, orientation, stored type or agreement of channels.

    Args:
        verdicts: Of the usable cases of one set.
    """
    for channel, scans in _by_channel(verdicts).items():
        yield from _impossible_sizes(scans)
        yield from _other_units(scans)
        if len(scans) >= _FEWEST:
            yield from _other_sizes(scans)
            yield from _other_orientations(scans)
            yield from _other_types(scans)
            yield from _poor_agreement(channel, scans)


def usual_orientations(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """By channel, the orientation that is usual in a set; channels without one are left out.

    Args:
        verdicts: Of the usable cases of one set.
    """
    found = {
        channel: usual([scan.orientation for _, scan in scans])
        for channel, scans in _by_channel(verdicts).items()
    }
    return {channel: codes for channel, codes in found.items() if codes is not None}


def usual(words: Sequence[str]) -> str | None:
    """What most of a set have, None where there is nothing that most have, or too few to say."""
    if len(words) < _FEWEST:
        return None
    word, count = Counter(words).most_common(1)[0]
    return word if count >= _USUAL * len(words) else None


def _by_channel(verdicts: Sequence[Verdict]) -> dict[str, list[tuple[str, Scan]]]:
    """The scans of each channel, each with the id of its case."""
    found: dict[str, list[tuple[str, Scan]]] = {}
    for verdict in verdicts:
        for channel, scan in verdict.scans:
            found.setdefault(channel, []).append((verdict.case.id if verdict.case else "", scan))
    return found


def _impossible_sizes(scans: Sequence[tuple[str, Scan]]) -> Iterator[Finding]:
    for case, scan in scans:
        sizes = scan.grid.spacing_mm
        if min(sizes) < _SMALLEST_MM or max(sizes) > _LARGEST_MM:
            cause = f"voxels of {_listed(sizes)} mm, as no patient's scan has"
            remedy = "write the true size, or the unit that its header gives it in"
            yield Finding(case, str(scan.path), "warning", cause, remedy)


def _other_units(scans: Sequence[tuple[str, Scan]]) -> Iterator[Finding]:
    for case, scan in scans:
        if scan.unit in ("meter", "micron"):
            cause = f"its header gives lengths in {scan.unit}s, read as millimetres"
            remedy = "write them in mm if others read it too"
            yield Finding(case, str(scan.path), "note", cause, remedy, repairable=True)


def _other_sizes(scans: Sequence[tuple[str, Scan]]) -> Iterator[Finding]:
    """Voxel sizes sorted: the same scanner's slices may lie in any of three orientations."""
    sizes = np.sort(np.log([scan.grid.spacing_mm for _, scan in scans]), axis=1)
    middle = np.median(sizes, axis=0)
    apart = np.abs(sizes - middle)
    limit = np.maximum(np.log(_FACTOR), _SPREADS * _TO_SD * np.median(apart, axis=0))
    for (case, scan), far in zip(scans, (apart > limit).any(axis=1), strict=True):
        if far:
            cause = (
                f"voxels of {_listed(scan.grid.spacing_mm)} mm where the set's median, smallest "
                f"axis first, is {_listed(np.exp(middle))} mm"
            )
            remedy = "check its header; if it is true, nothing need be done"
            yield Finding(case, str(scan.path), "warning", cause, remedy)


def _other_orientations(scans: Sequence[tuple[str, Scan]]) -> Iterator[Finding]:
    for case, scan, common in _unlike_most(scans, attrgetter("orientation")):
        cause = f"its axes run {scan.orientation} where most of the set run {common}"
        remedy = "nothing need be done if its header is true: look at left and right"
        yield Finding(case, str(scan.path), "warning", cause, remedy, repairable=True)


def _other_types(scans: Sequence[tuple[str, Scan]]) -> Iterator[Finding]:
    for case, scan, common in _unlike_most(scans, attrgetter("stored_as")):
        cause = f"stored as {scan.stored_as} where most of the set are {common}"
        remedy = "check that it was not cut off or scaled"
        yield Finding(case, str(scan.path), "note", cause, remedy)


def _unlike_most(
    scans: Sequence[tuple[str, Scan]], kind: Callable[[Scan], str]
) -> Iterator[tuple[str, Scan, str]]:
    """The scans that are of another kind than most of the set, and which that is."""
    common = usual([kind(scan) for _, scan in scans])
    for case, scan in scans:
        if common is not None and kind(scan) != common:
            yield case, scan, common


def _poor_agreement(channel: str, scans: Sequence[tuple[str, Scan]]) -> Iterator[Finding]:
    known = [(case, scan, scan.agreement) for case, scan in scans if scan.agreement is not None]
    if len(known) < _FEWEST:
        return
    values = np.array([value for _, _, value in known])
    middle = float(np.median(values))
    spread = _TO_SD * float(np.median(np.abs(values - middle)))
    limit = middle - max(_LESS * middle, _SPREADS * spread)
    for case, scan, value in known:
        if value < limit:
            cause = (
                f"{channel} shares {value:.2f} of its information with the case's first image "
                f"where the set's median is {middle:.2f}"
            )
            remedy = "look at both: another patient, or not registered?"
            yield Finding(case, str(scan.path), "warning", cause, remedy)


def _listed(sizes: Sequence[float] | NDArray[np.float64]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)
