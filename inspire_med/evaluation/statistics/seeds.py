"""Seeds: whether each training by itself says what their mean says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.aligned import Series, aligned
from inspire_med.evaluation.statistics.paired import Difference
from inspire_med.evaluation.statistics.significance import rank_biserial, signed_ranks


def with_seeds(
    differences: Sequence[Difference], scores: pd.DataFrame, measures: Mapping[str, Measure]
) -> list[Difference]:
    """The differences with the number of seeds, and of those whose own mean has the same sign.

    Where a difference has no mean, its rank-biserial's sign is that of the seeds'.

    Args:
        differences: Of means over seeds.
        scores: A row a method, seed, case, region and measure, every method of the same seeds.
        measures: Those that were compared.
    """
    by_seed: dict[tuple[str, str], list[Series]] = {}
    for _, of_seed in scores.groupby("seed", sort=False):
        for series in aligned(of_seed, measures):
            by_seed.setdefault((series.region, series.measure), []).append(series)
    found: list[Difference] = []
    for each in differences:
        seeds = by_seed[each.region, each.measure]
        whole, lean = each.mean, Series.mean_difference
        if whole is None:  # no case has a value of both: who lacks more of them
            whole, lean = each.rank_biserial, _rank_lean
        leans = [lean(seed, each.first, each.second) for seed in seeds]
        found.append(replace(each, seeds=len(seeds), seeds_alike=_alike(whole, leans)))
    return found


def _rank_lean(series: Series, first: str, second: str) -> float | None:
    """By signed ranks, in which undefined values count as lost."""
    return rank_biserial(signed_ranks(series.gains(first, second)))


def _alike(whole: float | None, leans: Sequence[float | None]) -> int | None:
    if whole is None:
        return None
    return sum(lean is not None and bool(np.sign(lean) == np.sign(whole)) for lean in leans)
