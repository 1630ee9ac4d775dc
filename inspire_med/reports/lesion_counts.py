"""Lesion counts: how many lesions of a region were found, missed and made up, by size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from inspire_med.evaluation.result import CaseScores, Lesion


class Listed(NamedTuple):
    """A lesion with the case and region it belongs to."""

    case: str
    region: str
    lesion: Lesion


class Third(NamedTuple):
    """A third of a region's lesions by size: the largest of them, and how many were found."""

    up_to: float
    n: int
    found: int


@dataclass(frozen=True)
class LesionCounts:
    """Those of one region that count under the protocol's size threshold.

    Attributes:
        matched: Lesions of the reference that were found.
        missed: Those that were not.
        spurious: Lesions of the prediction alone.
        uncounted: Lesions of any kind the protocol leaves out.
        mean_dice: Over the matched ones; None without any.
        thirds: The reference's lesions from small to large; equal sizes stay together, so a
            third can be empty and is then left out.
    """

    matched: int
    missed: int
    spurious: int
    uncounted: int
    mean_dice: float | None
    thirds: tuple[Third, ...]


def listed_lesions(cases: Sequence[CaseScores]) -> list[Listed]:
    """All lesions, case by case and region by region."""
    return [
        Listed(each.case, region, lesion)
        for each in cases
        for region, result in each.regions.items()
        for lesion in result.lesions
    ]


def count_lesions(lesions: Sequence[Lesion]) -> LesionCounts:
    """The counts of one region's lesions."""
    kept = [lesion for lesion in lesions if lesion.counted]
    matched = [lesion for lesion in kept if lesion.kind == "matched"]
    missed = [lesion for lesion in kept if lesion.kind == "missed"]
    return LesionCounts(
        matched=len(matched),
        missed=len(missed),
        spurious=len(kept) - len(matched) - len(missed),
        uncounted=len(lesions) - len(kept),
        mean_dice=float(np.mean([lesion.dice for lesion in matched])) if matched else None,
        thirds=_thirds(matched, missed),
    )


def _thirds(matched: Sequence[Lesion], missed: Sequence[Lesion]) -> tuple[Third, ...]:
    sizes = np.array([lesion.size for lesion in (*matched, *missed)])
    if len(sizes) == 0:
        return ()
    found = np.arange(len(sizes)) < len(matched)
    lower, upper = np.quantile(sizes, [1 / 3, 2 / 3], method="inverted_cdf")
    groups = (sizes <= lower, (sizes > lower) & (sizes <= upper), sizes > upper)
    return tuple(
        Third(float(sizes[group].max()), int(group.sum()), int((group & found).sum()))
        for group in groups
        if group.any()
    )
