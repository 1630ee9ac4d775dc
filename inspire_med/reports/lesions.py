"""Lesions: how many of a region were found, missed and made up, by size, and which to list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from inspire_med.evaluation.result import CaseScores, Lesion
from inspire_med.reports.formatting import amount
from inspire_med.wording import counted


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


def choose(lesions: Sequence[Listed], most: int) -> tuple[list[Listed], list[Listed]]:
    """Lesions to show, in their order, and those to leave out.

    The smallest spurious ones are left out first, then the smallest of the others.
    """
    ranked = sorted(
        range(len(lesions)),
        key=lambda at: (lesions[at].lesion.kind == "spurious", -lesions[at].lesion.size),
    )
    return [lesions[at] for at in sorted(ranked[:most])], [lesions[at] for at in ranked[most:]]


def what_is_listed(shown: Sequence[Listed], left_out: Sequence[Listed], unit: str) -> str:
    """A sentence that says which lesions a table holds."""
    if not left_out:
        return f"{counted(len(shown), 'lesion')}, one by one."
    spurious = [each.lesion.size for each in left_out if each.lesion.kind == "spurious"]
    others = [each.lesion.size for each in left_out if each.lesion.kind != "spurious"]
    parts = [
        f"the {len(sizes):,} smallest {kind} ones (up to {amount(max(sizes), unit)})"
        for kind, sizes in (("spurious", spurious), ("of the reference's", others))
        if sizes
    ]
    return (
        f"{len(shown):,} of {counted(len(shown) + len(left_out), 'lesion')}, one by one; "
        f"not listed: {' and '.join(parts)}. The counts above hold them all."
    )
