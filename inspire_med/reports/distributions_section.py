"""Distributions: a strip of dots with a box for every measure, region below region."""

from collections.abc import Mapping
from html import escape

from inspire_med.evaluation.measures.words import Measure
from inspire_med.evaluation.scores import Table
from inspire_med.reports.dots import NAMED
from inspire_med.reports.formatting import titled
from inspire_med.reports.plots import strip_plot

_BETTER = {"high": "higher is better", "low": "lower is better", "zero": "0 is best"}


def distributions_section(table: Table, words: Mapping[str, Measure]) -> str:
    """A figure a measure, in the order of the scores."""
    names = dict.fromkeys(name for scores in table.values() for name in scores)
    figures = "".join(_figure(name, table, words[name]) for name in names)
    many = any(len(cases) > NAMED for scores in table.values() for cases in scores.values())
    hover = "" if many else " (point at it for its name)"
    return (
        f'<p class="hint">A dot is a case{hover}; the box spans the quartiles, its line is the '
        f'median, the diamond the mean.</p><div class="plots">{figures}</div>'
    )


def _figure(name: str, table: Table, measure: Measure) -> str:
    values = {region: scores.get(name, {}) for region, scores in table.items()}
    return (
        f"<figure><figcaption>{escape(titled(measure))} <span>{_BETTER[measure.better]}</span>"
        f"</figcaption>{strip_plot(values, measure)}</figure>"
    )
