"""Slope plot: every case a line from method to method, so that one sees who wins where."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import pandas as pd

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.reports.axes import Axis, measure_axis
from inspire_med.reports.dots import NAMED
from inspire_med.reports.formatting import in_cell, tick_text, titled

SLOPE_STYLE = """
svg .case { fill: none; stroke: var(--mark); stroke-width: 1.2; opacity: .38; }
svg .case:hover { opacity: 1; stroke-width: 2.4; }
svg .crowd { fill: none; stroke: var(--mark); stroke-width: 1; opacity: .07; }
svg .sure { stroke: var(--ink); stroke-width: 2.2; }
"""

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP = 48, 26, 12
_LEVEL_ROOM, _SLANTED_ROOM = 30, 84  # below the chart, for the methods' names
_MOST_LEVEL = 4  # methods whose names fit beside each other

_LONGEST = 12  # letters of a name that are shown

Place = tuple[float, float]


@dataclass(frozen=True)
class _Chart:
    """Where methods stand from left to right and values from bottom to top."""

    methods: Sequence[str]
    scale: Axis

    @property
    def slanted(self) -> bool:
        return len(self.methods) > _MOST_LEVEL

    @property
    def bottom(self) -> float:
        return _HEIGHT - (_SLANTED_ROOM if self.slanted else _LEVEL_ROOM)

    def x(self, number: int) -> float:
        room = (_WIDTH - _LEFT - _RIGHT) / len(self.methods)
        return _LEFT + room * (number + 0.5)

    def y(self, value: float) -> float:
        return self.bottom - self.scale.share(value) * (self.bottom - _TOP)


def slope_plot(
    values: pd.DataFrame,
    summaries: Mapping[str, Summary],
    measure: Measure,
    mark: str,
) -> str:
    """One measure of one region: a line a case, and each method's mean with its interval.

    Args:
        values: A row a case, a column a method; a line has a gap where a value is undefined.
        summaries: By method.
        measure: Decides scale and wording.
        mark: The style sheet's class that has the colour.
    """
    finite = [value for value in values.to_numpy().ravel() if math.isfinite(value)]
    chart = _Chart(list(map(str, values)), measure_axis(finite, measure))
    means = "".join(
        _mean(chart, chart.x(number), summaries[method])
        for number, method in enumerate(chart.methods)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" class="{mark}" '
        f'aria-label="{escape(titled(measure))} of every case, method by method">'
        f"{_levels(chart)}{_cases(chart, values, measure)}{means}{_names(chart)}</svg>"
    )


def _cases(chart: _Chart, values: pd.DataFrame, measure: Measure) -> str:
    paths: list[str] = []
    for case, *scores in values.itertuples():
        path = "".join(map(_line, _pieces(chart, scores)))
        if len(values) > NAMED:  # a thousand names would be megabytes
            paths.append(f'<path class="crowd" d="{path}"/>')
            continue
        told = ", ".join(
            f"{method} {in_cell(measure, value)}"
            for method, value in zip(chart.methods, scores, strict=True)
        )
        title = f"<title>{escape(f'{case}: {told}')}</title>"
        paths.append(f'<path class="case" d="{path}">{title}</path>')
    return "".join(paths)


def _pieces(chart: _Chart, scores: Sequence[float]) -> Iterator[list[Place]]:
    """Runs of neighbouring methods that have a value."""
    for defined, run in groupby(enumerate(scores), key=lambda item: math.isfinite(item[1])):
        if defined:
            yield [(chart.x(number), chart.y(value)) for number, value in run]


def _line(places: Sequence[Place]) -> str:
    """A path through places; a lone one is a short dash, or it would not be seen."""
    if len(places) == 1:
        ((x, y),) = places
        places = [(x - 3, y), (x + 3, y)]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _mean(chart: _Chart, x: float, summary: Summary) -> str:
    if summary.mean is None:
        return ""
    y = chart.y(summary.mean)
    diamond = f'<path class="diamond" d="M{x - 5:.1f} {y:.1f}l5 -5l5 5l-5 5z"/>'
    if summary.ci95 is None:
        return diamond
    low, high = (chart.y(end) for end in summary.ci95)
    line = f'<line class="sure" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
    return line + diamond


def _levels(chart: _Chart) -> str:
    return "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">'
        f"{tick_text(tick)}</text>"
        for tick, y in ((tick, chart.y(tick)) for tick in chart.scale.ticks)
    )


def _names(chart: _Chart) -> str:
    """The methods' names, slanted where they would run into each other."""
    names: list[str] = []
    for number, method in enumerate(chart.methods):
        x, y = chart.x(number), chart.bottom + 18
        turned = f' transform="rotate(-50 {x:.1f} {y})"' if chart.slanted else ""
        anchor = "end" if chart.slanted else "middle"
        names.append(
            f'<text class="label" x="{x:.1f}" y="{y}" text-anchor="{anchor}"{turned}>'
            f"{escape(_short(method))}<title>{escape(method)}</title></text>"
        )
    return "".join(names)


def _short(name: str) -> str:
    """Names of variants often differ at their end alone: it is kept."""
    return name if len(name) <= _LONGEST else f"{name[:5]}…{name[-5:]}"
