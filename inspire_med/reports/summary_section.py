"""Summary: each region's first measure in large print, then all of them in a table."""

import math
from collections.abc import Collection, Mapping
from html import escape

import pandas as pd

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.scores import Summaries
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.reports.axes import measure_axis
from inspire_med.reports.formatting import interval, titled
from inspire_med.reports.plots import interval_bar

_MOST_CARDS = 8  # more regions than this are read in the table


def cards(summaries: Summaries, words: Mapping[str, Measure]) -> str:
    """A card a region with its first measure."""
    if len(summaries) > _MOST_CARDS:
        return ""
    made: list[str] = []
    for number, (region, measures) in enumerate(summaries.items()):
        name, summary = next(iter(measures.items()))
        measure = words[name]
        made.append(
            f'<div class="head region{number % 6}"><div class="name">{escape(region)}</div>'
            f'<div class="big">{measure.written(summary.mean)}</div>'
            f'<div class="small">{_card_words(measure, summary)}</div></div>'
        )
    return f'<div class="heads">{"".join(made)}</div>'


def summary_section(
    scores: pd.DataFrame,
    summaries: Summaries,
    words: Mapping[str, Measure],
    whole_set: Collection[str] = (),
) -> str:
    """Every measure of every region: mean, interval, median, deviation and counts.

    Args:
        scores: For the span of a measure over all regions.
        summaries: What is shown.
        words: How each measure is written.
        whole_set: Measures whose "mean" is a number of the whole set and no mean over cases.
    """
    rows: list[str] = []
    for number, (region, measures) in enumerate(summaries.items()):
        mark = f"region{number % 6}"
        rows.append(
            f'<tr class="group {mark}"><th colspan="8" scope="rowgroup">{escape(region)}</th></tr>'
        )
        for name, summary in measures.items():
            note = " <span>whole set</span>" if name in whole_set else ""
            rows.append(_row(words[name], summary, mark, _span(scores, name, words[name]), note))
    heads = "".join(
        f'<th scope="col">{word}</th>'
        for word in ("", "Mean", "95 % CI", "Median", "SD", "n", "Undefined")
    )
    about = (
        ' Where "whole set" stands, the number in the column of means is computed from all cases '
        "together, as the rules say."
        if whole_set
        else ""
    )
    return (
        '<p class="hint">Intervals are for the mean over cases. Undefined values are left out of '
        "it and counted in the last column, so a missed region does not enlarge a mean distance."
        f'{about}</p><div class="scroll"><table><thead><tr><th scope="col">Measure</th>{heads}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _card_words(measure: Measure, summary: Summary) -> str:
    title, between = escape(titled(measure)), interval(measure, summary)
    if not between:
        return f"{title}, n = {summary.n:,}"
    mean = title if title.startswith("Mean") else f"mean {title}"
    return (
        f"{mean}, 95 % CI {between}<br>median {measure.written(summary.median)}, n = {summary.n:,}"
    )


def _span(scores: pd.DataFrame, name: str, measure: Measure) -> tuple[float, float]:
    """Ends of the scale on which this measure's means are drawn, alike for all regions."""
    everyone = scores.loc[scores["measure"] == name, "value"]
    ticks = measure_axis([value for value in everyone if math.isfinite(value)], measure).ticks
    return ticks[0], ticks[-1]


def _row(
    measure: Measure, summary: Summary, mark: str, span: tuple[float, float], note: str
) -> str:
    bar = "" if summary.mean is None else interval_bar(summary.mean, summary.ci95, *span)
    cells = (
        f"<b>{measure.written(summary.mean)}</b>",
        interval(measure, summary) or "–",
        measure.written(summary.median),
        measure.written(summary.sd),
        f"{summary.n:,}",
        f"{summary.n_undefined:,}" if summary.n_undefined else "",
    )
    return (
        f'<tr class="{mark}"><td>{escape(titled(measure))}{note}</td><td>{bar}</td>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )
