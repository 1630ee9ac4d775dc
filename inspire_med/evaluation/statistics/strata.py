"""Strata: the same summary for groups of cases, by site and by size of the reference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.scores import Summaries
from inspire_med.evaluation.statistics.summary import summarise

SITE, SIZE = "site", "reference size"
UNKNOWN = "unknown"
EMPTY, SMALL, MEDIUM, LARGE = "empty", "small", "medium", "large"

STRATA_POLICY: tuple[str, ...] = (
    "strata by reference size: the non-empty references of a region in thirds, up to the first "
    "bound, up to the second, above; empty references on their own; the bounds are those of "
    "these cases",
    "a stratum of few cases has a wide interval and, below about ten, one too narrow: read its n",
)

Bounds = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Strata:
    """Summaries of groups of cases.

    Attributes:
        summaries: `summaries[name][stratum][region][measure]`, names `site` and `reference size`;
            a stratum that holds no case of a region lacks it.
        bounds: Per region, up to which size a reference is small and up to which medium, in ml
            (px for images); none for a region without a foreground.
    """

    summaries: Mapping[str, Mapping[str, Summaries]]
    bounds: Bounds


def stratify(cases: Sequence[CaseScores], sites: Mapping[str, str]) -> Strata:
    """Summarise by site, and by size of the reference.

    Args:
        cases: The scores; their `sizes` are used. Where none has sizes there are no such strata.
        sites: Case to site (hospital, scanner, grade); a case without one is of site `unknown`.
            Where all cases are of one site there are no such strata.
    """
    bounds = size_bounds(cases)
    by_site = _grouped(cases, lambda each, _: sites.get(each.case, UNKNOWN))
    by_size = _grouped(cases, lambda each, region: _size_name(_size(each, region), bounds, region))
    order = [name for name in (EMPTY, SMALL, MEDIUM, LARGE) if name in by_size]
    summaries: dict[str, dict[str, Summaries]] = {}
    if len(by_site) > 1:
        summaries[SITE] = {name: by_site[name] for name in sorted(by_site)}
    if order:
        summaries[SIZE] = {name: by_size[name] for name in order}
    return Strata(summaries, bounds)


def as_json(strata: Strata) -> dict[str, Any]:
    """What scores.json holds of strata: the bounds, the summaries, how they were made."""
    return {
        "bounds": {region: list(bounds) for region, bounds in strata.bounds.items()},
        "summary": {
            name: {
                stratum: {
                    region: {measure: asdict(each) for measure, each in measures.items()}
                    for region, measures in summaries.items()
                }
                for stratum, summaries in strata_of.items()
            }
            for name, strata_of in strata.summaries.items()
        },
        "policy": "\n".join(STRATA_POLICY),
    }


def size_bounds(cases: Sequence[CaseScores]) -> Bounds:
    """Tertiles of the sizes of each region's non-empty references, in the sizes' unit."""
    sizes: dict[str, list[float]] = {}
    for each in cases:
        for region in each.regions:
            if _size(each, region) > 0:
                sizes.setdefault(region, []).append(_size(each, region))
    return {
        region: (float(np.quantile(found, 1 / 3)), float(np.quantile(found, 2 / 3)))
        for region, found in sizes.items()
    }


def bounds_in_words(bounds: Bounds, unit: str) -> str:
    """The bounds as a sentence, in the unit of the sizes (ml or px)."""
    return "; ".join(
        f"{region}: small up to {_amount(small)} {unit}, medium up to {_amount(medium)} {unit}"
        for region, (small, medium) in bounds.items()
    )


def _size(each: CaseScores, region: str) -> float:
    return each.regions[region].sizes[0]


def _size_name(size: float, bounds: Bounds, region: str) -> str | None:
    """The stratum of a reference; None where its size is not known."""
    if np.isnan(size):
        return None
    if size == 0:
        return EMPTY
    small, medium = bounds[region]
    return SMALL if size <= small else MEDIUM if size <= medium else LARGE


def _grouped(
    cases: Sequence[CaseScores], stratum_of: Callable[[CaseScores, str], str | None]
) -> dict[str, Summaries]:
    values: dict[str, dict[str, dict[str, list[float]]]] = {}
    for each in cases:
        for region, measure, value in each.scores:
            stratum = stratum_of(each, region)
            if stratum is not None:
                regions = values.setdefault(stratum, {})
                regions.setdefault(region, {}).setdefault(measure, []).append(value)
    return {
        stratum: {
            region: {measure: summarise(scores) for measure, scores in measures.items()}
            for region, measures in regions.items()
        }
        for stratum, regions in values.items()
    }


def _amount(size: float) -> str:
    """Three digits that count, without an exponent."""
    return f"{float(f'{size:.3g}'):,.10g}"
