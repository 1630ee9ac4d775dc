"""Distributions: a strip of dots with a box for every measure, region below region."""

from collections.abc import Mapping
from html import escape

import pandas as pd

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.reports.dots import NAMED
from inspire_med.reports.formatting import titled
from inspire_med.reports.plots import strip_plot

_BETTER = {"high": "higher is better", "low": "lower is better", "zero": "0 is best"}


def distributions_section(scores: pd.DataFrame, words: Mapping[str, Measure]) -> str:
    """A figure a measure, in the order of the scores."""
    by_measure = scores.groupby("measure", sort=False)
    figures = "".join(_figure(rows, words[str(name)]) for name, rows in by_measure)
    many = scores.groupby(["measure", "region"]).size().max() > NAMED
    hover = "" if many else " (point at it for its name)"
    return (
        f'<p class="hint">A dot is a case{hover}; the box spans the quartiles, its line is the '
        f'median, the diamond the mean.</p><div class="plots">{figures}</div>'
    )


def _figure(rows: pd.DataFrame, measure: Measure) -> str:
    values = {
        str(region): dict(zip(each["case"], each["value"], strict=True))
        for region, each in rows.groupby("region", sort=False)
    }
    return (
        f"<figure><figcaption>{escape(titled(measure))} <span>{_BETTER[measure.better]}</span>"
        f"</figcaption>{strip_plot(values, measure)}</figure>"
    )
