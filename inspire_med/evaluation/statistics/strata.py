"""Strata: the same summary for groups of cases, by site and by size of the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.rounding import ARITHMETIC
from inspire_med.evaluation.scores import (
    Summaries,
    score_table,
    summaries_json,
    summarise_scores,
)

SITE, SIZE = "site", "reference size"
UNKNOWN = "unknown"
EMPTY, SMALL, MEDIUM, LARGE = "empty", "small", "medium", "large"

STRATA_POLICY: tuple[str, ...] = (
    "strata by reference size: the non-empty references of a region in thirds, up to the first "
    "bound, up to the second, above; empty references on their own; the bounds are those of "
    "these cases",
    "a stratum of few cases has a wide interval and, below ten, one too narrow: read its n",
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
    sizes = _reference_sizes(cases)
    bounds = _bounds(sizes)
    sizes[SIZE] = [
        _size_name(size, bounds, region)
        for region, size in zip(sizes["region"], sizes["size"], strict=True)
    ]
    scores = score_table(cases).merge(sizes, on=["case", "region"], how="left")
    scores[SITE] = [sites.get(case, UNKNOWN) for case in scores["case"]]
    by_site, by_size = _summarised(scores, SITE), _summarised(scores, SIZE)
    order = [name for name in (EMPTY, SMALL, MEDIUM, LARGE) if name in by_size]
    summaries: dict[str, dict[str, Summaries]] = {}
    if len(by_site) > 1:
        summaries[SITE] = by_site
    if order:
        summaries[SIZE] = {name: by_size[name] for name in order}
    return Strata(summaries, bounds)


def as_json(strata: Strata) -> dict[str, Any]:
    """What scores.json holds of strata: the bounds, the summaries, how they were made."""
    return {
        "bounds": {region: list(bounds) for region, bounds in strata.bounds.items()},
        "summary": {
            name: {stratum: summaries_json(each) for stratum, each in groups.items()}
            for name, groups in strata.summaries.items()
        },
        "policy": "\n".join(STRATA_POLICY),
    }


def bounds_in_words(bounds: Bounds, unit: str) -> str:
    """The bounds as a sentence, in the unit of the sizes (ml or px)."""
    return "; ".join(
        f"{region}: small up to {_amount(small)} {unit}, medium up to {_amount(medium)} {unit}"
        for region, (small, medium) in bounds.items()
    )


def _reference_sizes(cases: Sequence[CaseScores]) -> pd.DataFrame:
    """A row a case and region: `case`, `region`, `size`; NaN where it is not known."""
    rows = [
        (each.case, region, result.sizes[0])
        for each in cases
        for region, result in each.regions.items()
    ]
    return pd.DataFrame(rows, columns=["case", "region", "size"])


def _bounds(sizes: pd.DataFrame) -> Bounds:
    """Tertiles of the sizes of each region's non-empty references, in the sizes' unit."""
    present = sizes[sizes["size"] > 0].groupby("region", sort=False)["size"]
    return {
        str(region): (float(np.quantile(found, 1 / 3)), float(np.quantile(found, 2 / 3)))
        for region, found in present
    }


def _size_name(size: float, bounds: Bounds, region: str) -> str | None:
    """The stratum of a reference; None where its size is not known."""
    if np.isnan(size):
        return None
    if size == 0:
        return EMPTY
    small, medium = (bound * (1 + ARITHMETIC) for bound in bounds[region])
    return SMALL if size <= small else MEDIUM if size <= medium else LARGE


def _summarised(scores: pd.DataFrame, column: str) -> dict[str, Summaries]:
    """The summaries of each group by a column, sorted by its name."""
    return {str(name): summarise_scores(rows) for name, rows in scores.groupby(column)}


def _amount(size: float) -> str:
    """Three digits that count, without an exponent."""
    return f"{float(f'{size:.3g}'):,.10g}"
