"""Bootstrap: how far a value would move had other cases been drawn."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap

from inspire_med.evaluation.rounding import ARITHMETIC, largest

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
    return _interval(values, np.mean, largest(values))


def set_interval(
    curves: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> tuple[float, float]:
    """As `mean_interval`, of a statistic of the mean curve over cases.

    Args:
        curves: `(cases, thresholds)`, at least two cases, all finite.
        statistic: From mean curves, `(..., thresholds)`, to a finite value each, `(...)`.
    """
    if (curves == curves[0]).all():
        value = float(statistic(curves[0]))
        return value, value
    count = len(curves)

    def of_drawn(places: NDArray[Any], axis: int) -> NDArray[np.float64]:
        return statistic(_times_drawn(places, count) @ curves / places.shape[axis])

    return _interval(np.arange(count), of_drawn, largest(curves))


def _times_drawn(places: NDArray[Any], count: int) -> NDArray[np.float64]:
    """How often each of `count` cases is drawn, `(..., count)`, from places `(..., drawn)`."""
    rows = places.reshape(-1, places.shape[-1])
    each = rows + count * np.arange(len(rows))[:, np.newaxis]
    times = np.bincount(each.ravel(), minlength=len(rows) * count)
    return times.astype(np.float64).reshape(*places.shape[:-1], count)


def _interval(
    sample: NDArray[Any], statistic: Callable[..., Any], size: float
) -> tuple[float, float]:
    whole = statistic(sample, axis=0)

    def of_drawn(drawn: NDArray[Any], axis: int) -> NDArray[np.float64]:
        """The statistic; BCa counts how many draws fall below it, so equal ones must be equal."""
        found = statistic(drawn, axis=axis)
        return np.where(np.abs(found - whole) <= ARITHMETIC * size, whole, found)

    draw = partial(
        bootstrap,
        (sample,),
        of_drawn,
        batch=max(1, AT_ONCE // len(sample)),  # memory stays bounded for any number of cases
        vectorized=True,
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
