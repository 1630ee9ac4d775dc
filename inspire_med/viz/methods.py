"""Methods: two or more of them on the same cases, as figures."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from inspire_med.viz import paint


def interval_figure(
    rows: Mapping[str, tuple[float, float, float]], label: str, title: str = ""
) -> Figure:
    """Means with their intervals, a line a row from the top, and a line at zero.

    Args:
        rows: What is compared, to its mean and the ends of the mean's interval.
        label: Written along the axis.
        title: Written above.
    """
    figure = Figure(figsize=(7, 1.1 + 0.32 * len(rows)), layout="constrained", dpi=110)
    axes = figure.subplots()
    mean, low, high = np.array(list(rows.values()), dtype=float).reshape(-1, 3).T
    places = np.arange(len(rows))
    axes.axvline(0, color="0.6", lw=1)
    colour = paint.hex_colour(paint.REGION_COLOURS[0])
    axes.errorbar(mean, places, xerr=(mean - low, high - mean), fmt="o", markersize=4,
                  color=colour, ecolor="0.3", capsize=3)  # fmt: skip
    axes.set_yticks(places, list(rows), fontsize=8)
    axes.set(xlabel=label, title=title, ylim=(len(rows) - 0.4, -0.6))
    return figure


def scatter_figure(
    first: Mapping[str, float],
    second: Mapping[str, float],
    names: tuple[str, str],
    label: str,
    *,
    named: int = 3,
    title: str = "",
) -> Figure:
    """A point a case: its value by one method across, by the other upwards; alike on the diagonal.

    Cases that lack a value by either are left out, which the title says.

    Args:
        first: Case to value, of the method across.
        second: Likewise, of the method upwards.
        names: Of the two methods.
        label: Of the values.
        named: How many of the cases that differ most have their names beside them.
        title: Written above.
    """
    cases = [case for case in first if np.isfinite((first[case], second.get(case, np.nan))).all()]
    x, y = (np.array([values[case] for case in cases]) for values in (first, second))
    figure = Figure(figsize=(4.6, 4.6), layout="constrained", dpi=110)
    axes = figure.subplots()
    ends = [min(x.min(), y.min()), max(x.max(), y.max())] if cases else [0.0, 1.0]
    axes.plot(ends, ends, color="0.7", lw=1)
    axes.scatter(x, y, s=14, color=paint.hex_colour(paint.REGION_COLOURS[0]), edgecolors="0.2",
                 linewidths=0.4)  # fmt: skip
    for at in np.argsort(-np.abs(x - y), kind="stable")[:named]:
        if x[at] != y[at]:
            side, gap = ("right", -5) if x[at] > sum(ends) / 2 else ("left", 5)
            axes.annotate(cases[at], (x[at], y[at]), fontsize=7, xytext=(gap, 3), ha=side,
                          textcoords="offset points")  # fmt: skip
    left_out = len({*first, *second}) - len(cases)
    said = f"{left_out} without a value by both" if left_out else ""
    axes.set_title(" · ".join(filter(None, (title, f"n = {len(cases)}", said))), fontsize=9)
    axes.set(xlabel=f"{label}, {names[0]}", ylabel=f"{label}, {names[1]}", aspect="equal")
    return figure
