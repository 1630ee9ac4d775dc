"""Axes: where values stand between round ends, evenly or by decades."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inspire_med.evaluation.measures.measure import Measure

_NOISE = 1e-9
_DECADES = 100  # a span beyond this factor is drawn by decades


@dataclass(frozen=True)
class Axis:
    """A scale from its first tick to its last.

    Attributes:
        ticks: Round values, rising, at least two.
        by_decades: Equal factors are equally far apart; all values are above 0.
    """

    ticks: tuple[float, ...]
    by_decades: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value stands, 0 at the first tick and 1 at the last."""
        ends = self.ticks[0], self.ticks[-1]
        low, high, at = (math.log10(v) if self.by_decades else v for v in (*ends, value))
        return (at - low) / (high - low)


def measure_axis(values: Sequence[float], measure: Measure) -> Axis:
    """An axis that holds 0 and all values; the whole range of a ratio."""
    if measure.is_ratio:
        return Axis((0.0, 0.25, 0.5, 0.75, 1.0))
    return round_axis(values, whole=measure.unit == "count")


def size_axis(sizes: Sequence[float]) -> Axis:
    """An axis for sizes above 0: by decades where they span more than two, else from 0 on."""
    if sizes and max(sizes) > _DECADES * min(sizes):
        first, last = math.floor(math.log10(min(sizes))), math.ceil(math.log10(max(sizes)))
        return Axis(tuple(10.0**power for power in range(first, last + 1)), by_decades=True)
    return round_axis(sizes)


def round_axis(values: Sequence[float], *, whole: bool = False) -> Axis:
    """An even axis that holds 0 and all values, with about five ticks at round places.

    Args:
        values: May be none, or no more than rounding errors: then the axis ends at 1.
        whole: Ticks at whole numbers alone.
    """
    low, high = min([0.0, *values]), max([0.0, *values])
    high = high if high - low > _NOISE else low + 1.0
    span = high - low
    step = 10 ** math.floor(math.log10(span / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 5)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step), math.ceil(high / step)
    return Axis(tuple(float(f"{number * step:.10g}") for number in range(first, last + 1)))
