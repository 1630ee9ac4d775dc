"""Rounding: numbers that differ in no more than the last digits a computer keeps.

A header keeps voxel sizes in float32: 0.4 mm come back as 0.4000000059604645, and five of them are
more than 2 mm. Scores are float64: 1 - 2/3 is not 1/3. Both are the same to a reader, so no bound
and no rank may hang on them.
"""

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Of a length or a volume: ten times what float32 and the columns of an oblique affine leave.
HEADER = 1e-6
_OF_TWO = 2e-7  # of a ratio of two sizes in float32; wider would take other numbers for fractions
# Of the largest score: sums of a million terms stay far below it, and one voxel in 10^9 above.
ARITHMETIC = 1e-10


def at_most(sizes: NDArray[np.floating] | NDArray[np.integer], bound: float) -> NDArray[np.bool_]:
    """Which lengths or volumes are no larger than a bound, but for a header's rounding."""
    return np.asarray(sizes <= bound * (1 + HEADER))


@lru_cache(maxsize=64)
def in_finest(spacing_mm: tuple[float, ...]) -> tuple[float, ...]:
    """Voxel sizes in the finest of them: 0.1 and 0.25 mm of a header are 1 and 2.5.

    Areas that are measured so have the same digits whatever the unit, and with them the same sums.
    """
    finest = float(min(spacing_mm))
    return tuple(_simple(float(size) / finest) for size in spacing_mm)


def _simple(ratio: float) -> float:
    """The simple fraction that a ratio of two sizes stands for; itself where it is near none."""
    fraction = float(Fraction(ratio).limit_denominator(100))
    return fraction if abs(fraction - ratio) <= _OF_TWO * ratio else ratio


def largest(values: NDArray[np.float64]) -> float:
    """The largest size of a finite value; 0 without any. What rounding is measured by."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def made_equal(values: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """The values, with those that are equal but for rounding exactly equal.

    Each takes the lowest of those around it. A rounded decimal would part two equal ones that lie
    at either side of a half.

    Args:
        values: Of any shape; may be infinite, not NaN.
        size: The largest that entered their sums and differences, as `largest` has it.
    """
    order = np.argsort(values, axis=None, kind="stable")
    rising = values.ravel()[order]
    with np.errstate(invalid="ignore"):  # infinity less itself is NaN, and no step
        steps = np.diff(rising) > ARITHMETIC * size
    starts = np.r_[True, steps][: len(rising)]
    found = np.empty_like(rising)
    found[order] = rising[starts][np.cumsum(starts) - 1]
    return found.reshape(values.shape)
