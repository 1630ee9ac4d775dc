"""Plots: inline SVG drawn from numbers, coloured by the page's own style sheet."""

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.reports.axes import Axis, measure_axis
from inspire_med.reports.dots import Dot, dots
from inspire_med.reports.formatting import in_cell, tick_text, titled

_WIDTH, _LEFT, _RIGHT, _TOP = 420, 92, 18, 10
_ROW, _FOOT = 46, 48
_JITTER = 9  # pixels a point may stand off its row's middle


def strip_plot(values: Mapping[str, Mapping[str, float]], measure: Measure) -> str:
    """One row a region: every case a dot, with box (quartiles), median line and mean diamond.

    Args:
        values: `values[region][case]`; undefined ones are not drawn but counted on the row.
        measure: Decides scale and wording.
    """
    finite = [v for cases in values.values() for v in cases.values() if math.isfinite(v)]
    scale = measure_axis(finite, measure)
    height = _TOP + _ROW * len(values) + _FOOT
    parts = [_across(scale, measure, bottom=height - _FOOT)]
    for number, (region, cases) in enumerate(values.items()):
        middle = _TOP + _ROW * (number + 0.5)
        places = {case: _place(scale, v) for case, v in cases.items() if math.isfinite(v)}
        parts += [
            _name(region, middle, undefined=len(cases) - len(places)),
            f'<g class="region{number % 6}">',
            _cases(places, cases, middle, measure),
            *_box(list(places.values()), middle),
            "</g>",
        ]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(titled(measure))} by region">{"".join(parts)}</svg>'
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


def _place(scale: Axis, value: float) -> float:
    return _LEFT + scale.share(value) * (_WIDTH - _LEFT - _RIGHT)


def _across(scale: Axis, measure: Measure, bottom: float) -> str:
    """Grid lines, their values and the measure's name below."""
    lines = "".join(
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        f'<text class="tick" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
        f"{tick_text(tick)}</text>"
        for tick, x in ((tick, _place(scale, tick)) for tick in scale.ticks)
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return (
        f'{lines}<text class="axis" x="{middle}" y="{bottom + 36}" text-anchor="middle">'
        f"{escape(titled(measure))}</text>"
    )


def _name(region: str, middle: float, undefined: int) -> str:
    """A row's name, with the number of cases that are not drawn below it."""
    x = _LEFT - 10
    raised = 4 if undefined else 0
    note = (
        f'<text class="tick" x="{x}" y="{middle + 14:.1f}" text-anchor="end">'
        f"{undefined:,} undefined</text>"
        if undefined
        else ""
    )
    return (
        f'<text class="label" x="{x}" y="{middle + 4 - raised:.1f}" text-anchor="end">'
        f"{escape(_short(region))}</text>{note}"
    )


def _cases(
    places: Mapping[str, float], cases: Mapping[str, float], middle: float, measure: Measure
) -> str:
    """A dot a case, spread a little up and down by a fixed pattern so that equal ones show."""
    golden = 0.6180339887  # successive multiples, modulo 1, fall far from each other
    return dots(
        [
            Dot(
                x,
                middle + _JITTER * (2 * (number * golden % 1) - 1),
                f"{case}: {in_cell(measure, cases[case])}",
            )
            for number, (case, x) in enumerate(places.items())
        ]
    )


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
