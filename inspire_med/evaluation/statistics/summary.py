"""Statistics: what a list of scores says, and how sure it is."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

RESAMPLES = 2000
_SEED = 20240229
_AT_ONCE = 2**20  # drawn numbers held in memory


@dataclass(frozen=True)
class Summary:
    """One measure of one region over all cases; None where too few values are defined.

    Attributes:
        mean: Arithmetic mean of the defined values.
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


def summarise(scores: Iterable[float]) -> Summary:
    """Summarise the scores of all cases; undefined ones are counted and left out."""
    values = np.asarray(list(scores), dtype=np.float64)
    defined = values[np.isfinite(values)]
    missing = len(values) - len(defined)
    if len(defined) == 0:
        return Summary(None, None, None, None, 0, missing)
    several = len(defined) > 1
    return Summary(
        mean=math.fsum(defined) / len(defined),
        median=float(np.median(defined)),
        sd=float(np.std(defined, ddof=1)) if several else None,
        ci95=bootstrap_interval(defined) if several else None,
        n=len(defined),
        n_undefined=missing,
    )


def bootstrap_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile interval of the mean over `RESAMPLES` seeded draws of n cases out of n.

    The draws depend on n alone, so that equal scores give equal intervals on any machine.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    memory = max(1, _AT_ONCE // len(values))  # stays bounded whatever the number of cases
    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=memory,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(interval.low), float(interval.high)
