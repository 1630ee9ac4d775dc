"""Comparison tables: what a comparison shows, as tables for a notebook."""

import pandas as pd

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.reports.comparison import Comparison
from inspire_med.reports.findings import p_text


def scores_table(comparison: Comparison) -> pd.DataFrame:
    """Means with 95 % intervals, a row a region and measure, a column a method.

    Beside a mean stands how many cases have no value, where some have none.
    """
    rows = {
        (region, measure.title): {
            method: _written(found[region][name], measure)
            for method, found in comparison.summaries.items()
            if name in found.get(region, {})
        }
        for region in dict.fromkeys(
            region for found in comparison.summaries.values() for region in found
        )
        for name, measure in comparison.measures.items()
    }
    rows = {place: row for place, row in rows.items() if row}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=comparison.methods).fillna("–")
    return table.rename_axis(["region", "measure"])


def differences_table(comparison: Comparison, name: str) -> pd.DataFrame:
    """The paired tests of one measure, a row a region and pair of methods.

    Columns: `mean` difference (first minus second), `low` and `high` of its 95 % interval, `n`
    cases, `wins`, `ties` and `losses` of the first, `p` after Holm, and whether it is `shown`.
    """
    measure = comparison.measures[name]
    rows = {
        (each.region, f"{each.first} − {each.second}"): {
            "mean": each.mean,
            "low": None if each.ci95 is None else each.ci95[0],
            "high": None if each.ci95 is None else each.ci95[1],
            "n": each.n,
            "wins": each.wins,
            "ties": each.ties,
            "losses": each.losses,
            "p": p_text(each.p_holm),
            "shown": each.shown,
        }
        for each in comparison.differences
        if each.measure == name
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename_axis(["region", f"{measure.title}, difference"])


def _written(summary: Summary, measure: Measure) -> str:
    """As in `0.812 [0.790, 0.834]`."""
    ends = "" if summary.ci95 is None else " [{}, {}]".format(*map(measure.written, summary.ci95))
    lacking = f", {summary.n_undefined} undefined" if summary.n_undefined else ""
    return f"{measure.written(summary.mean)}{ends}{lacking}"
