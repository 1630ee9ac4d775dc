"""Summary: what the scores of all cases say, and how sure it is."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.statistics.bootstrap import RESAMPLES, mean_interval, set_interval

FEW = 10  # cases below which a bootstrap interval is too narrow: it covers the mean too seldom

SUMMARY_POLICY: tuple[str, ...] = (
    "undefined values (empty in scores.csv) are left out of mean, median, sd and interval, and "
    "counted in n_undefined: read n_undefined beside a mean, above all beside a mean distance",
    f"ci95: 95 % interval of the mean over cases by BCa bootstrap, {RESAMPLES} resamples, fixed "
    "seed; all values equal: that value; percentile interval where BCa has no value; none below "
    f"two values; below {FEW} cases any bootstrap interval is too narrow, which is said beside it",
    "a value of the whole set that is no mean over cases (such as the maximum of a mean curve): "
    "the statistic of all cases stands as mean, its ci95 comes from drawing cases anew; it has "
    "no median and no sd",
)


@dataclass(frozen=True)
class Summary:
    """One measure of one region over all cases; None where too few values are defined.

    Attributes:
        mean: Arithmetic mean of the defined values; the statistic itself where it is one of the
            whole set.
        median: Their median.
        sd: Their standard deviation with n - 1; None below two values.
        ci95: 95 % interval of the mean by bootstrap over cases; None below two values.
        n: How many values are defined.
        n_undefined: How many are not (NaN or infinite) and so are left out above.
    """

    mean: float | None
    median: float | None
    sd: float | None
    ci95: tuple[float, float] | None
    n: int
    n_undefined: int

    @property
    def note(self) -> str:
        """A warning of few cases, as `few_note` has it."""
        return few_note(self.n, self.ci95)


def few_note(n: int, interval: tuple[float, float] | None) -> str:
    """What must be said beside a mean of few cases; empty from `FEW` on, and without any.

    Args:
        n: Cases in the mean.
        interval: Of the mean, where it has one.
    """
    if not 0 < n < FEW:
        return ""
    return f"n = {n}: too few" + ("" if interval is None else ", the interval is too narrow")


def summarise(scores: Iterable[float]) -> Summary:
    """Summarise the scores of all cases; undefined ones are counted and left out."""
    values = np.asarray(list(scores), dtype=np.float64)
    defined = np.sort(values[np.isfinite(values)])  # the order of cases moves no interval
    missing = len(values) - len(defined)
    if len(defined) == 0:
        return Summary(None, None, None, None, 0, missing)
    several = len(defined) > 1
    return Summary(
        mean=math.fsum(defined) / len(defined),
        median=float(np.median(defined)),
        sd=float(np.std(defined, ddof=1)) if several else None,
        ci95=mean_interval(defined) if several else None,
        n=len(defined),
        n_undefined=missing,
    )


def whole_set_summary(
    curves: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Summary:
    """Summarise a statistic of the mean curve over cases; undefined where a curve is.

    Args:
        curves: `(cases, thresholds)`, at least one case.
        statistic: From mean curves, `(..., thresholds)`, to a value each, `(...)`.
    """
    if not np.isfinite(curves).all():
        return Summary(None, None, None, None, 0, len(curves))
    value = float(statistic(curves.mean(axis=0)))
    interval = set_interval(curves, statistic) if len(curves) > 1 else None
    return Summary(value, None, None, interval, len(curves), 0)


def patients_note(patients: Mapping[str, str]) -> str:
    """A sentence where there are fewer patients than cases; empty where each case has its own.

    Args:
        patients: The patient (or video) of each case, by case id.
    """
    number = len(set(patients.values()))
    if number == len(patients):
        return ""
    thing = "patient (or video)" if number == 1 else "patients (or videos)"
    return (
        f"{len(patients):,} cases of {number:,} {thing}: intervals and tests take cases as "
        "independent, so the intervals are too narrow and p is too small."
    )
