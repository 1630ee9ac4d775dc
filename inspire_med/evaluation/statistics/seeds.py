"""Seeds: whether each training by itself says what their mean says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.words import Measure
from inspire_med.evaluation.scores import Table
from inspire_med.evaluation.statistics.aligned import aligned
from inspire_med.evaluation.statistics.paired import Difference


def with_seeds(
    differences: Sequence[Difference],
    tables: Mapping[str, Sequence[Table]],
    measures: Mapping[str, Measure],
) -> list[Difference]:
    """The differences with the number of seeds, and of those whose own mean has the same sign.

    Args:
        differences: Of tables that are means over seeds.
        tables: `tables[method]`, one for each seed, in the same order for every method.
        measures: Those that were compared.
    """
    methods = list(tables)
    values: dict[tuple[str, str], list[NDArray[Any]]] = {}
    for of_seed in zip(*tables.values(), strict=True):
        for series in aligned(dict(zip(methods, of_seed, strict=True)), measures):
            values.setdefault((series.region, series.measure), []).append(series.values)
    found: list[Difference] = []
    for each in differences:
        by_seed = values[each.region, each.measure]
        first, second = methods.index(each.first), methods.index(each.second)
        means = [_mean(seed[first] - seed[second]) for seed in by_seed]
        found.append(replace(each, seeds=len(means), seeds_alike=_alike(each.mean, means)))
    return found


def _mean(differences: NDArray[np.float64]) -> float:
    """Over the cases where both are defined; NaN without any."""
    defined = differences[np.isfinite(differences)]
    return float(defined.mean()) if len(defined) else float("nan")


def _alike(mean: float | None, means: Sequence[float]) -> int | None:
    return None if mean is None else sum(bool(np.sign(each) == np.sign(mean)) for each in means)
