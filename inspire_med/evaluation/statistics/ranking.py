"""Ranking: the order of methods as challenges make it, and whether other cases would change it.

Sources: Maier-Hein et al., Why rankings of biomedical image analysis competitions should be
interpreted with care, Nature Communications 9, 2018; Wiesenfarth et al., Methods and open-source
toolkit for analyzing and visualizing challenge results, Scientific Reports 11, 2021.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.rounding import made_equal
from inspire_med.evaluation.statistics.aligned import aligned
from inspire_med.evaluation.statistics.bootstrap import AT_ONCE, RESAMPLES, SEED

RANKING_POLICY: tuple[str, ...] = (
    "ranking, rank then aggregate: in every case, region and measure the methods are ranked "
    "(1 is best, ties share the mean rank, undefined is worst); rank orders the means of these "
    "ranks, each case, region and measure weighing the same; equal means share the better rank",
    f"rank_probability, rank95: the same over {RESAMPLES} sets of cases drawn anew, fixed seed; "
    "methods and measures stay as they are",
    "median_rank, aggregate then rank: in every region and measure the methods are ranked by "
    "their median over cases (undefined is worst); median_rank orders the means of these ranks",
)


@dataclass(frozen=True)
class Standing:
    """Where one method stands; 1 is best, equal methods share the better rank.

    Attributes:
        method: Its name.
        rank: By mean rank: rank in every case, then aggregate.
        mean_rank: Mean over all cases, regions and measures.
        rank_probability: Share of the draws in which its rank is 1, 2, ...; as many as methods.
        rank95: Between which ranks it lies in the middle 95 % of the draws.
        median_rank: By medians over cases: aggregate, then rank.
    """

    method: str
    rank: int
    mean_rank: float
    rank_probability: tuple[float, ...]
    rank95: tuple[int, int]
    median_rank: int


def rank_methods(scores: pd.DataFrame, measures: Mapping[str, Measure]) -> list[Standing]:
    """Rank methods on the same cases, best first; equal ones in the order given.

    Args:
        scores: A row a method, case, region and measure; undefined values NaN or infinite.
        measures: Those that enter, each with the same weight.

    Raises:
        InputError: If there are fewer than two methods, or they differ in regions, measures or
            cases.
    """
    methods = list(scores["method"].unique())
    series = list(aligned(scores, measures))
    of_medians = sum(
        rankdata(-made_equal(np.median(each.merits, axis=1), each.size)) for each in series
    )
    by_case = pd.concat(
        pd.DataFrame(rankdata(-each.merits, axis=0).T, index=each.cases, columns=methods)
        for each in series
    )
    totals = by_case.groupby(level=0).sum().to_numpy()
    drawn = _drawn_ranks(totals)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0, method="inverted_cdf")
    ranks, median_ranks = _final(totals.sum(axis=0)), _final(np.asarray(of_medians))
    found = [
        Standing(
            method=method,
            rank=int(ranks[at]),
            mean_rank=float(totals[:, at].sum() / len(by_case)),
            rank_probability=tuple(
                float(np.mean(drawn[:, at] == place)) for place in range(1, len(methods) + 1)
            ),
            rank95=(int(low[at]), int(high[at])),
            median_rank=int(median_ranks[at]),
        )
        for at, method in enumerate(methods)
    ]
    return sorted(found, key=lambda standing: standing.rank)


def _drawn_ranks(totals: NDArray[np.float64]) -> NDArray[Any]:
    """Final ranks over sets of cases drawn anew.

    Args:
        totals: `(cases, methods)`, each case's sum of ranks. Sums of halves have no rounding, so
            equal methods stay equal.

    Returns:
        `(RESAMPLES, methods)`.
    """
    random = np.random.default_rng(SEED)
    count, methods = totals.shape
    at_once = max(1, AT_ONCE // (count * methods))
    parts: list[NDArray[Any]] = []
    for start in range(0, RESAMPLES, at_once):
        draws = random.integers(count, size=(min(at_once, RESAMPLES - start), count))
        parts.append(_final(totals[draws].sum(axis=1)))
    return np.concatenate(parts)


def _final(sums: NDArray[np.float64]) -> NDArray[Any]:
    """Ranks along the last axis, lowest sum first; equal ones share the better rank."""
    return rankdata(sums, method="min", axis=-1).astype(int)
