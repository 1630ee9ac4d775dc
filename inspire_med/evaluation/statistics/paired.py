"""Paired comparison: two methods on the same cases, difference by difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.aligned import Series, aligned
from inspire_med.evaluation.statistics.bootstrap import RESAMPLES, mean_interval
from inspire_med.evaluation.statistics.significance import (
    EXACT_UP_TO,
    holm,
    least_after_holm,
    p_value,
    rank_biserial,
    signed_ranks,
)
from inspire_med.evaluation.statistics.summary import few_note

ALPHA = 0.05

PAIRED_POLICY: tuple[str, ...] = (
    "differences are first minus second, case by case; of a measure that is best at 0 the "
    "absolute values are compared; values, and sizes of differences, that lie within 1e-10 of the "
    "measure's largest value are equal: they differ by rounding alone",
    "a case that is undefined for either method is left out of mean difference, its interval, "
    "median difference and Cohen's dz (counted in n_left_out); in wins, test and rank-biserial "
    "it counts as worst of all for the method that lacks it, as equal where both do",
    f"ci95 of a difference: BCa bootstrap over cases, pairs kept together, {RESAMPLES} resamples, "
    "fixed seed",
    "p: Wilcoxon signed-rank test, two-sided, zeros after Pratt (ranked, then dropped); exact "
    f"up to {EXACT_UP_TO} differing cases, normal approximation beyond; 1 where no case differs",
    "p_holm: p after Holm over one measure's tests, all its regions and pairs of methods "
    "together; tests of different measures are not corrected for each other: the first measure "
    "is the one to decide by",
    "p_least: what p_holm would be were one method better in every case that differs, the other "
    "tests as they are; where it is not below 0.05 the cases are too few to show anything: one "
    "test needs six that differ, nine alike need nine",
    "rank_biserial: matched pairs, from -1 to 1; cohens_dz: mean difference over its standard "
    "deviation; both positive where the first method is better",
    "no difference shown does not mean that there is none",
)


@dataclass(frozen=True)
class Difference:
    """One measure of one region, the first method minus the second.

    Attributes:
        region: The region.
        measure: The measure's name.
        first: One method.
        second: The other.
        n: Cases where both are defined.
        only_first: Cases where only the first is defined: they count against the second in test,
            effect and wins, and are left out of the differences.
        only_second: Likewise against the first.
        neither: Cases where neither is defined; equal.
        mean: Mean of first minus second over n cases, in the measure's unit; of absolute values
            where the measure is best at 0. None if n is 0.
        ci95: 95 % interval of that mean, pairs drawn together; None below two cases.
        median: Median difference.
        cohens_dz: Mean difference over its standard deviation, positive where the first is better;
            None below two cases or where all differences are equal.
        p: Of the two-sided signed-rank test; None where neither is ever defined.
        p_holm: p after Holm over all regions and pairs of this measure.
        p_least: What p_holm would be were one method better in every case that differs, the other
            tests as they are; None where p is.
        rank_biserial: From -1 to 1, positive where the first is better; None where p is.
        wins: Cases where the first is better.
        ties: Cases where they are equal.
        losses: Cases where the second is better.
        seeds: With how many seeds each method was trained; None where that is not known.
        seeds_alike: In how many of them the mean, of that seed alone, has the same sign, or the
            rank-biserial where there is no mean; None where seeds or p are.
    """

    region: str
    measure: str
    first: str
    second: str
    n: int
    only_first: int
    only_second: int
    neither: int
    mean: float | None
    ci95: tuple[float, float] | None
    median: float | None
    cohens_dz: float | None
    p: float | None
    p_holm: float | None
    p_least: float | None
    rank_biserial: float | None
    wins: int
    ties: int
    losses: int
    seeds: int | None = None
    seeds_alike: int | None = None

    @property
    def n_left_out(self) -> int:
        """Cases where either method is undefined."""
        return self.only_first + self.only_second + self.neither

    @property
    def note(self) -> str:
        """A warning of few cases, as `few_note` has it."""
        return few_note(self.n, self.ci95)

    @property
    def n_differing(self) -> int:
        """Cases where one of the two is better."""
        return self.wins + self.losses

    @property
    def shown(self) -> bool:
        """Whether the test, after Holm, shows the methods to differ."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def can_show(self) -> bool:
        """Whether so many differing cases could have shown it."""
        return self.p_least is not None and self.p_least < ALPHA


def compare_methods(
    scores: pd.DataFrame,
    measures: Mapping[str, Measure],
    baseline: str | None = None,
) -> list[Difference]:
    """Test methods against each other on the same cases, region by region, measure by measure.

    Args:
        scores: A row a method, case, region and measure; undefined values NaN or infinite.
        measures: Those to compare, in order.
        baseline: The method to test each other one against, as second; None tests every pair.

    Returns:
        Regions in their order, in each the measures in theirs, in each the pairs.

    Raises:
        InputError: If there are fewer than two methods, the baseline is none of them, or they
            differ in regions, measures or cases.
    """
    methods = list(scores["method"].unique())
    if baseline is not None and baseline not in methods:
        raise InputError(
            f"option --baseline: no method is called {baseline!r}; known: {', '.join(methods)}."
        )
    pairs = (
        list(combinations(methods, 2))
        if baseline is None
        else [(method, baseline) for method in methods if method != baseline]
    )
    found = [_difference(series, pair) for series in aligned(scores, measures) for pair in pairs]
    for name in measures:
        family = [at for at, each in enumerate(found) if each.measure == name]
        corrected = _corrected([found[at] for at in family])
        for at, each in zip(family, corrected, strict=True):
            found[at] = each
    return found


def _corrected(family: Sequence[Difference]) -> list[Difference]:
    """The tests of one family after Holm; what could not be tested does not burden it."""
    tested = [at for at, each in enumerate(family) if each.p is not None]
    p_values = [each.p for each in family if each.p is not None]
    lowest = [min(1.0, 2.0 ** (1 - family[at].n_differing)) for at in tested]  # all signs alike
    adjusted = dict(zip(tested, holm(p_values), strict=True))
    least = dict(zip(tested, least_after_holm(p_values, lowest), strict=True))
    return [
        replace(each, p_holm=adjusted.get(at), p_least=least.get(at))
        for at, each in enumerate(family)
    ]


def _difference(series: Series, pair: tuple[str, str]) -> Difference:
    there, here = map(series.defined, pair)
    gains, differences = series.gains(*pair), series.differences(*pair)
    ranks = signed_ranks(gains)
    tested = bool((there | here).any())
    return Difference(
        region=series.region,
        measure=series.measure,
        first=pair[0],
        second=pair[1],
        n=len(differences),
        only_first=int((there & ~here).sum()),
        only_second=int((here & ~there).sum()),
        neither=int((~there & ~here).sum()),
        mean=series.mean_difference(*pair),
        ci95=mean_interval(differences) if len(differences) > 1 else None,
        median=float(np.median(differences)) if len(differences) else None,
        cohens_dz=_cohens_dz(gains[there & here]),
        p=p_value(ranks) if tested else None,
        p_holm=None,
        p_least=None,
        rank_biserial=rank_biserial(ranks) if tested else None,
        wins=int((gains > 0).sum()),
        ties=int((gains == 0).sum()),
        losses=int((gains < 0).sum()),
    )


def _cohens_dz(gains: NDArray[np.float64]) -> float | None:
    if len(gains) < 2 or gains.min() == gains.max():
        return None
    return float(np.mean(gains) / np.std(gains, ddof=1))
