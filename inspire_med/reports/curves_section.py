"""Curves: what a protocol gives over all thresholds, as the mean over cases."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.scores import mean_curves
from inspire_med.reports.axes import Axis
from inspire_med.reports.frame import Frame
from inspire_med.reports.legend import legend

_QUARTERS = Axis((0.0, 0.25, 0.5, 0.75, 1.0))


def curves_section(
    cases: Sequence[CaseScores], words: Mapping[str, Measure], regions: Sequence[str]
) -> str:
    """A line plot a curve, a line a region; empty where a protocol has no curves."""
    curves = mean_curves(cases)
    if not curves:
        return ""
    figures = "".join(_figure(name, lines, regions, words) for name, lines in curves.items())
    return (
        '<p class="hint">Each line is the mean over all cases at each threshold; the ring marks '
        f"its highest point.</p>{legend(regions) if len(regions) > 1 else ''}"
        f'<div class="plots">{figures}</div>'
    )


def _figure(
    name: str,
    lines: Mapping[str, NDArray[np.float64]],
    regions: Sequence[str],
    words: Mapping[str, Measure],
) -> str:
    known = {**MEASURES, **words}
    title = known[name].title if name in known else name.replace("_", " ").capitalize()
    frame = Frame(_QUARTERS, _QUARTERS, "threshold", title)
    drawn: list[str] = []
    notes: list[str] = []
    for region, values in lines.items():
        thresholds = np.linspace(0.0, 1.0, len(values))
        defined = np.isfinite(values)
        best = int(np.nanargmax(values))
        at, highest = float(thresholds[best]), float(values[best])
        drawn.append(
            f'<g class="region{regions.index(region) % 6}">'
            f"{frame.line(zip(thresholds[defined], values[defined], strict=True))}"
            f'<circle class="ring" cx="{frame.x(at):.1f}" cy="{frame.y(highest):.1f}" r="4"/></g>'
        )
        of = f"{escape(region)}: " if len(lines) > 1 else ""
        notes.append(
            f"{of}mean <b>{np.nanmean(values):.3f}</b>, highest <b>{highest:.3f}</b> at "
            f"threshold {at:.2f}"
        )
    return (
        f"<figure><figcaption>{escape(title)} <span>over thresholds</span></figcaption>"
        f'{frame.svg("".join(drawn), title)}<p class="note">{"; ".join(notes)}.</p></figure>'
    )
