"""Plots: inline SVG drawn from numbers, coloured by the page's own style sheet."""

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from inspire_med.evaluation.measures.words import Measure

_WIDTH, _LEFT, _RIGHT, _TOP = 420, 92, 18, 10
_ROW, _FOOT = 46, 34
_JITTER = 9  # pixels a point may stand off its row's middle


def strip_plot(values: Mapping[str, Mapping[str, float]], measure: Measure) -> str:
    """One row a region: every case a dot, with box (quartiles), median line and mean diamond.

    Args:
        values: `values[region][case]`; undefined ones are not drawn but counted on the row.
        measure: Decides scale and wording.
    """
    finite = [v for cases in values.values() for v in cases.values() if math.isfinite(v)]
    low, high, ticks = axis(finite, measure)
    height = _TOP + _ROW * len(values) + _FOOT

    def place(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    parts = [_ticks(ticks, place_of=[place(t) for t in ticks], bottom=height - _FOOT)]
    for number, (region, cases) in enumerate(values.items()):
        middle = _TOP + _ROW * (number + 0.5)
        parts.append(
            f'<text class="label" x="{_LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end">'
            f"{escape(_short(region))}</text>"
        )
        places = {case: place(value) for case, value in cases.items() if math.isfinite(value)}
        parts.append(f'<g class="region{number % 6}">')
        parts += _dots(places, cases, middle, measure)
        parts += _box(list(places.values()), middle)
        parts.append("</g>")
        undefined = len(cases) - len(places)
        if undefined:
            parts.append(
                f'<text class="tick" x="{_WIDTH - _RIGHT}" y="{middle - _ROW / 2 + 11:.1f}" '
                f'text-anchor="end">{undefined} undefined</text>'
            )
    unit = f" [{measure.unit}]" if measure.unit else ""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(measure.title + unit)} by region">{"".join(parts)}</svg>'
    )


def interval_bar(mean: float, interval: tuple[float, float] | None, low: float, high: float) -> str:
    """A small mean-and-interval mark between `low` and `high`, for a table cell."""
    width = 110

    def place(value: float) -> float:
        return 4 + (min(max(value, low), high) - low) / (high - low or 1.0) * (width - 8)

    line = ""
    if interval is not None:
        left, right = place(interval[0]), place(interval[1])
        line = f'<line class="ci" x1="{left:.1f}" x2="{right:.1f}" y1="8" y2="8"/>'
    return (
        f'<svg class="bar" viewBox="0 0 {width} 16" aria-hidden="true">'
        f'<line class="grid" x1="4" x2="{width - 4}" y1="8" y2="8"/>{line}'
        f'<circle class="mean" cx="{place(mean):.1f}" cy="8" r="3.6"/></svg>'
    )


def axis(values: Sequence[float], measure: Measure) -> tuple[float, float, list[float]]:
    """Lower end, upper end and round ticks of an axis that holds all values."""
    if measure.is_ratio:
        return 0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]
    low, high = min([0.0, *values]), max([0.0, *values])
    high = high if high > low else 1.0
    span = high - low
    step = 10 ** math.floor(math.log10(span / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [round(number * step, 10) for number in range(first, last + 1)]
    return ticks[0], ticks[-1], ticks


def _ticks(ticks: Sequence[float], place_of: Sequence[float], bottom: float) -> str:
    return "".join(
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        f'<text class="tick" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'
        for tick, x in zip(ticks, place_of, strict=True)
    )


def _dots(
    places: Mapping[str, float], cases: Mapping[str, float], middle: float, measure: Measure
) -> list[str]:
    """A dot a case, spread a little up and down by a fixed pattern so that equal ones show."""
    golden = 0.6180339887  # successive multiples, modulo 1, fall far from each other
    return [
        f'<circle class="dot" cx="{x:.1f}" '
        f'cy="{middle + _JITTER * (2 * (number * golden % 1) - 1):.1f}" r="2.6">'
        f"<title>{escape(case)}: {measure.written(cases[case])}</title></circle>"
        for number, (case, x) in enumerate(places.items())
    ]


def _box(places: Sequence[float], middle: float) -> list[str]:
    if len(places) == 0:
        return []
    first, median, third = np.percentile(places, [25, 50, 75])
    mean = float(np.mean(places))
    top, bottom = middle - 14, middle + 14
    return [
        f'<rect class="box" x="{first:.1f}" y="{top:.1f}" width="{third - first:.1f}" '
        f'height="{bottom - top:.1f}" rx="2"/>',
        f'<line class="median" x1="{median:.1f}" x2="{median:.1f}" y1="{top:.1f}" '
        f'y2="{bottom:.1f}"/>',
        f'<path class="diamond" d="M{mean - 5:.1f} {middle:.1f}l5 -5l5 5l-5 5z"/>',
    ]


def _short(name: str) -> str:
    return name if len(name) <= 11 else name[:10] + "…"
