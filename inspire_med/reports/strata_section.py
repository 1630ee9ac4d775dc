"""Strata: the first measures again, apart for parts of the set such as sites or sizes."""

from collections.abc import Mapping, Sequence
from html import escape

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.scores import Summaries
from inspire_med.evaluation.statistics.strata import Strata, bounds_in_words
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.reports.formatting import interval, titled
from inspire_med.reports.plots import interval_bar

_SHOWN = 3  # measures; the others are in the scores files


def strata_section(
    strata: Strata, words: Mapping[str, Measure], regions: Sequence[str], unit: str
) -> str:
    """A table a stratification: regions in groups, a row a stratum; empty without any.

    Args:
        strata: The summaries of each part.
        words: How each measure is written.
        regions: In the order that gives them their colours.
        unit: Of the sizes that bound parts by size.
    """
    if not strata.summaries:
        return ""
    tables = "".join(
        _table(name, parts, words, regions) for name, parts in strata.summaries.items()
    )
    bounds = f" Reference sizes: {escape(bounds_in_words(strata.bounds, unit))}."
    return (
        '<p class="hint">The same scores in parts of the set: mean and its 95 % interval. Few '
        "cases make wide intervals; differences between parts are not tested here."
        f"{bounds if strata.bounds else ''}</p>{tables}"
    )


def _table(
    name: str,
    parts: Mapping[str, Summaries],
    words: Mapping[str, Measure],
    regions: Sequence[str],
) -> str:
    everything = (measures for each in parts.values() for measures in each.values())
    shown = list(dict.fromkeys(measure for each in everything for measure in each))[:_SHOWN]
    rows: list[str] = []
    for number, region in enumerate(regions):
        mark = f"region{number % 6}"
        rows.append(
            f'<tr class="group {mark}"><th colspan="{3 + len(shown)}" scope="rowgroup">'
            f"{escape(region)}</th></tr>"
        )
        rows += [
            _row(stratum, summaries[region], shown, words, mark)
            for stratum, summaries in parts.items()
            if region in summaries
        ]
    heads = "".join(f'<th scope="col">{escape(titled(words[measure]))}</th>' for measure in shown)
    return (
        f'<h3>By {escape(name)}</h3><div class="scroll"><table class="strata"><thead><tr>'
        f'<th scope="col">{escape(name.capitalize())}</th><th scope="col">Cases</th>'
        f'<th scope="col"></th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _row(
    stratum: str,
    summaries: Mapping[str, Summary],
    shown: Sequence[str],
    words: Mapping[str, Measure],
    mark: str,
) -> str:
    first = summaries.get(shown[0])
    bar, cases = "", 0
    if first is not None:
        cases = first.n + first.n_undefined
        if first.mean is not None and words[shown[0]].is_ratio:
            bar = interval_bar(first.mean, first.ci95, 0.0, 1.0)
    values = "".join(_value(words[name], summaries.get(name)) for name in shown)
    head = f"<td>{escape(stratum)}</td><td>{cases:,}</td><td>{bar}</td>"
    return f'<tr class="{mark}">{head}{values}</tr>'


def _value(measure: Measure, summary: Summary | None) -> str:
    if summary is None or summary.mean is None:
        return "<td>–</td>"
    aside = [interval(measure, summary)]
    aside.append(f"{summary.n_undefined:,} undefined" if summary.n_undefined else "")
    said = ", ".join(filter(None, aside))
    return f"<td><b>{measure.written(summary.mean)}</b> <span>{said}</span></td>"
