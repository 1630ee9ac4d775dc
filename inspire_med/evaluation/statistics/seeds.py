"""Seeds: whether each training by itself says what their mean says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.aligned import Series, aligned
from inspire_med.evaluation.statistics.paired import Difference


def with_seeds(
    differences: Sequence[Difference], scores: pd.DataFrame, measures: Mapping[str, Measure]
) -> list[Difference]:
    """The differences with the number of seeds, and of those whose own mean has the same sign.

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
        means = [_mean(seed.of(each.first) - seed.of(each.second)) for seed in seeds]
        found.append(replace(each, seeds=len(means), seeds_alike=_alike(each.mean, means)))
    return found


def _mean(differences: NDArray[np.float64]) -> float:
    """Over the cases where both are defined; NaN without any."""
    defined = differences[np.isfinite(differences)]
    return float(defined.mean()) if len(defined) else float("nan")


def _alike(mean: float | None, means: Sequence[float]) -> int | None:
    return None if mean is None else sum(bool(np.sign(each) == np.sign(mean)) for each in means)
