"""Bootstrap: how far a value would move had other cases been drawn."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap

RESAMPLES = 2000
SEED = 20240229
AT_ONCE = 2**20  # drawn numbers held in memory


def mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the mean: BCa over `RESAMPLES` seeded draws of n cases out of n.

    The draws depend on n alone, so that equal scores give equal intervals on any machine. Where
    all values are equal it is that value; where BCa has no value it is the percentile interval.

    Args:
        values: `(cases,)`, at least two, all finite.

    Source: Efron, Better bootstrap confidence intervals, J. Am. Stat. Assoc. 82, 1987, 171-185.
    """
    if values.min() == values.max():
        return float(values[0]), float(values[0])
    return _interval(values, np.mean, vectorized=True)


def set_interval(
    count: int, statistic: Callable[[Sequence[int]], float]
) -> tuple[float, float] | None:
    """As `mean_interval`, of a statistic that is not a mean over cases.

    Args:
        count: How many cases there are, at least two.
        statistic: Of the cases at these places; a place may occur more than once.

    Returns:
        The interval; None where the statistic is undefined for some of the draws.
    """

    def of_drawn(places: NDArray[Any]) -> float:
        return statistic([int(place) for place in places])

    interval = _interval(np.arange(count), of_drawn, vectorized=False)
    return interval if np.isfinite(interval).all() else None


def _interval(
    sample: NDArray[Any], statistic: Callable[..., Any], *, vectorized: bool
) -> tuple[float, float]:
    draw = partial(
        bootstrap,
        (sample,),
        statistic,
        batch=max(1, AT_ONCE // len(sample)),  # memory stays bounded for any number of cases
        vectorized=vectorized,
        rng=np.random.default_rng(SEED),
    )
    # BCa divides by zero where the statistic does not move: its warning comes as NaN below
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        drawn = draw(n_resamples=RESAMPLES, method="BCa")
        interval = drawn.confidence_interval
        if not np.isfinite(interval).all():
            again = draw(n_resamples=0, method="percentile", bootstrap_result=drawn)
            interval = again.confidence_interval
    return float(interval.low), float(interval.high)
