"""Charts: what pages draw: distributions, sizes, curves, cases from method to method."""

import math
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple, cast

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.reports.formatting import in_cell, tick_text, titled
from inspire_med.reports.svg import CARD, INK, SOFT, blank_axes, inline_svg, region_colour

NAMED = 300  # more dots than this in one group bear no names: a thousand cases would be megabytes

HEIGHT, _ROW, _FOOT = 290, 46, 62  # px: of a chart of two quantities; of a row, and below rows
_MARGIN = 4  # px around a chart and its words
_JITTER = 0.2  # of a row, that a dot may stand off its middle
_MOST_SIDE_BY_SIDE = 4  # methods whose names fit beside each other
_LONGEST = 12  # letters of a method's name that are shown
_NOISE = 1e-9
QUARTERS = [0.0, 0.25, 0.5, 0.75, 1.0]
_MOST_DECADES = 5  # for each of which there is room for a tick
_DECADES = 100  # sizes that span more than this factor stand by decades


class Dot(NamedTuple):
    """A case in a chart, and what to read when it is pointed at."""

    x: float
    y: float
    text: str


def measure_ticks(values: Sequence[float], measure: Measure) -> list[float]:
    """Ticks that hold 0 and all values between them; the whole range of a ratio."""
    if measure.is_ratio:
        return QUARTERS
    return round_ticks(values, whole=measure.unit == "count")


def round_ticks(values: Sequence[float], *, whole: bool = False) -> list[float]:
    """About five round ticks that hold 0 and all values; rounding errors are not drawn large."""
    low, high = min([0.0, *values]), max([0.0, *values])
    high = high if high - low > _NOISE else low + 1.0
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10], integer=whole, min_n_ticks=2)
    return np.round(ticks.tick_values(low, high), 12).tolist()


def strip_chart(values: Mapping[str, Mapping[str, float]], measure: Measure) -> Markup:
    """One row a region: every case a dot, with box (quartiles), median line and mean diamond.

    Args:
        values: `values[region][case]`; undefined ones are not drawn but counted on the row.
        measure: Decides scale and wording.
    """
    finite = [v for cases in values.values() for v in cases.values() if math.isfinite(v)]
    axes = blank_axes(_ROW * len(values) + _FOOT)
    scale(axes, "x", measure_ticks(finite, measure), titled(measure))
    axes.set(ylim=(len(values) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")
    names: list[str] = []
    tips: dict[str, list[str]] = {}
    for row, (region, cases) in enumerate(values.items()):
        colour = region_colour(row)
        defined = {case: v for case, v in cases.items() if math.isfinite(v)}
        names.append(_row_name(region, undefined=len(cases) - len(defined)))
        dots = [
            Dot(value, row + _off_middle(number), f"{case}: {in_cell(measure, value)}")
            for number, (case, value) in enumerate(defined.items())
        ]
        tips |= draw_dots(axes, dots, colour, f"row{row}")
        if defined:
            _box(axes, list(defined.values()), row, colour)
    axes.set_yticks(range(len(names)), names, color=INK, fontsize=12)
    return finished(axes, f"{titled(measure)} by region", tips)


def agreement_chart(
    dots: Sequence[Dot],
    bias: float,
    limits: Sequence[float],
    unit: str,
    title: str,
    region: int,
) -> Markup:
    """Differences of sizes by their means, with bias and limits of agreement."""
    axes = blank_axes(HEIGHT)
    _size_scale(axes, [dot.x for dot in dots], f"mean of both sizes [{unit}]")
    heights = [*(dot.y for dot in dots), *limits]
    scale(axes, "y", round_ticks(heights), f"prediction − reference [{unit}]")
    tips = draw_dots(axes, dots, region_colour(region))
    axes.axhline(0, color=SOFT, linewidth=1)
    axes.axhline(bias, color=INK, linewidth=1.6)
    for limit in limits:
        axes.axhline(limit, color=INK, linewidth=1.3, linestyle=(0, (5, 3)))
    return finished(axes, title, tips)


def size_chart(dots: Sequence[Dot], measure: Measure, unit: str, title: str, region: int) -> Markup:
    """Scores by the size of the reference."""
    axes = blank_axes(HEIGHT)
    _size_scale(axes, [dot.x for dot in dots], f"size of the reference [{unit}]")
    scale(axes, "y", measure_ticks([dot.y for dot in dots], measure), titled(measure))
    return finished(axes, title, draw_dots(axes, dots, region_colour(region)))


def curve_chart(lines: Mapping[int, NDArray[np.float64]], title: str) -> Markup:
    """Values over all thresholds, a line a region's number; a ring marks its highest point."""
    axes = blank_axes(HEIGHT)
    scale(axes, "x", QUARTERS, "threshold")
    scale(axes, "y", QUARTERS, title)
    for region, values in lines.items():
        colour = region_colour(region)
        thresholds, best = np.linspace(0, 1, len(values)), int(np.nanargmax(values))
        axes.plot(thresholds, values, color=colour, linewidth=2, clip_on=False)
        axes.plot(thresholds[best], values[best], "o", markersize=8, clip_on=False,
                  markerfacecolor=CARD, markeredgecolor=colour, markeredgewidth=2)  # fmt: skip
    return finished(axes, f"{title} over thresholds")


def slope_chart(
    values: pd.DataFrame, means: Sequence[Summary], measure: Measure, region: int
) -> Markup:
    """Every case a line from method to method; a diamond a mean, a bar its interval.

    Args:
        values: A row a case, a column a method; a line has a gap where a value is undefined.
        means: The summary of each method.
        measure: Decides scale and wording.
        region: The region's number.
    """
    axes = blank_axes(HEIGHT)
    finite = values.to_numpy()[np.isfinite(values.to_numpy())]
    scale(axes, "y", measure_ticks(finite.tolist(), measure), titled(measure))
    axes.set(xlim=(-0.5, len(means) - 0.5))
    axes.grid(visible=False, axis="x")
    names = [_short_name(str(method)) for method in values]
    axes.set_xticks(range(len(names)), names, color=INK, fontsize=12)
    if len(names) > _MOST_SIDE_BY_SIDE:
        for label in axes.get_xticklabels():
            label.set(rotation=50, ha="right", rotation_mode="anchor")
    shown = values[np.isfinite(values).any(axis=1)]
    crowd = len(shown) > NAMED
    lines = LineCollection(
        [_pieces(row) for row in shown.to_numpy()],
        colors=region_colour(region),
        linewidths=1.0 if crowd else 1.2,
        alpha=0.07 if crowd else 0.38,
        gid="cases",
    )
    axes.add_collection(lines).set_clip_on(False)
    for place, mean in enumerate(means):
        if mean.mean is not None:
            axes.plot([place] * 2, mean.ci95 or [mean.mean] * 2, color=INK, linewidth=2.2)
            axes.plot(place, mean.mean, "D", markersize=6.5, clip_on=False, zorder=3,
                      markerfacecolor=CARD, markeredgecolor=INK, markeredgewidth=1.3)  # fmt: skip
    told = [] if crowd else [_told(case, row, measure) for case, row in shown.iterrows()]
    title = f"{titled(measure)} of every case, method by method"
    return finished(axes, title, {"cases": told} if told else None)


def scale(axes: Axes, way: Literal["x", "y"], ticks: Sequence[float], title: str) -> None:
    """Bound one way of a chart by its first and last tick, and name it."""
    axes.set(**{f"{way}lim": (ticks[0], ticks[-1]), f"{way}label": title, f"{way}ticks": ticks})
    axes.set(**{f"{way}ticklabels": [tick_text(tick) for tick in ticks]})
    axes.minorticks_off()


def _size_scale(axes: Axes, sizes: Sequence[float], title: str) -> None:
    """Sizes above 0 from left to right: by decades where they span more than two, else from 0."""
    ticks = round_ticks(sizes)
    if max(sizes) > _DECADES * min(sizes):
        axes.set_xscale("log")
        first, last = math.floor(math.log10(min(sizes))), math.ceil(math.log10(max(sizes)))
        step = math.ceil((last - first) / _MOST_DECADES)
        ticks = [10.0**power for power in range(first, last + step, step)]
    scale(axes, "x", ticks, title)


def finished(axes: Axes, title: str, tips: Mapping[str, Sequence[str]] | None = None) -> Markup:
    """Give the words around a chart the room they need, and draw."""
    figure = cast("Figure", axes.figure)
    width, height = figure.bbox.size
    axes.set_position((0, 0, 1, 1))
    words = cast("Bbox", axes.get_tightbbox())
    left, bottom = _MARGIN - words.x0, _MARGIN - words.y0
    right, top = (words.x1 - width + _MARGIN, words.y1 - height + _MARGIN)
    axes.set_position(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
    )
    return inline_svg(figure, title, tips)


def draw_dots(
    axes: Axes, dots: Sequence[Dot], colour: str, name: str = "dots"
) -> dict[str, list[str]]:
    """Draw the cases of one group; what to read at each, if they are few enough to be named."""
    if len(dots) > NAMED:
        ends = np.repeat([(dot.x, dot.y) for dot in dots], 2, axis=0)  # lines of no length
        path = Path(ends, [Path.MOVETO, Path.LINETO] * len(dots))
        path.should_simplify = False
        crowd = PathPatch(path, edgecolor=colour, linewidth=3.6, alpha=0.4, capstyle="round")
        axes.add_patch(crowd).set(clip_on=False, gid=name)
        return {}
    axes.plot([dot.x for dot in dots], [dot.y for dot in dots], "o", markersize=5.2, gid=name,
              color=colour, alpha=0.55, markeredgewidth=0, clip_on=False)  # fmt: skip
    return {name: [dot.text for dot in dots]}


def _box(axes: Axes, values: Sequence[float], row: int, colour: str) -> None:
    first, median, third = np.percentile(values, [25, 50, 75])
    top, bottom = row - 0.3, row + 0.3
    corners = [first, third, third, first], [top, top, bottom, bottom]
    axes.fill(*corners, facecolor=colour, alpha=0.13, clip_on=False)
    axes.fill(*corners, facecolor="none", edgecolor=colour, alpha=0.75, clip_on=False)
    axes.plot([median] * 2, [top, bottom], color=colour, linewidth=2.5, clip_on=False)
    axes.plot(np.mean(values), row, "D", markersize=6.5, clip_on=False,
              markerfacecolor=CARD, markeredgecolor=INK, markeredgewidth=1.3)  # fmt: skip


def _off_middle(number: int) -> float:
    """A fixed pattern by which equal values show: multiples of the golden ratio fall far apart."""
    return _JITTER * (2 * (number * 0.6180339887 % 1) - 1)


def _row_name(region: str, undefined: int) -> str:
    """A row's name in lines that fit, with the number of cases that are not drawn below it."""
    lines = textwrap.wrap(region, 18, max_lines=2, placeholder="…")
    return "\n".join([*lines, *([f"{undefined:,} undefined"] if undefined else [])])


def _pieces(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places `(n, 2)` of a line over methods; a lone value is a short dash, or it were not seen."""
    places: list[tuple[float, float]] = []
    for at, value in enumerate(values):
        around = values[max(at - 1, 0) : at + 2]
        if math.isfinite(value) and np.isfinite(around).sum() == 1:
            places += [(at - 0.03, value), (at + 0.03, value)]
        else:
            places.append((at, value if math.isfinite(value) else math.nan))
    return np.array(places)


def _told(case: Hashable, values: pd.Series, measure: Measure) -> str:
    """A case's name and its value of each method."""
    return f"{case}: " + ", ".join(f"{name} {in_cell(measure, v)}" for name, v in values.items())


def _short_name(name: str) -> str:
    """Names of variants often differ at their end alone: it is kept."""
    return name if len(name) <= _LONGEST else f"{name[:5]}…{name[-5:]}"
