"""Comparison tables: the means side by side, the paired tests, the ranking, the cases."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import pandas as pd

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.scores import Summaries
from inspire_med.evaluation.statistics.paired import Difference
from inspire_med.evaluation.statistics.ranking import Standing
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.reports.findings import p_text, signed
from inspire_med.reports.formatting import in_cell, interval, titled
from inspire_med.reports.tables import Column, cell, sortable_table, text_cell

TABLE_STYLE = """
.sortable thead th { overflow-wrap: normal; word-break: normal; }
svg.gain { --mark: var(--region0); } svg.loss { --mark: var(--region2); }
svg.open { --mark: var(--soft); }
svg.ranks { width: auto; height: 30px; display: inline-block; vertical-align: middle; }
svg.ranks rect { fill: var(--accent); } svg.ranks .tick { font-size: 9px; }
"""


def means_table(summaries: Mapping[str, Summaries], words: Mapping[str, Measure]) -> str:
    """A row a region and measure, a column a method: mean, interval, how many are undefined."""
    regions = dict.fromkeys(region for each in summaries.values() for region in each)
    rows: list[str] = []
    for number, region in enumerate(regions):
        rows.append(
            f'<tr class="group region{number % 6}"><th colspan="{1 + len(summaries)}" '
            f'scope="rowgroup">{escape(region)}</th></tr>'
        )
        of_region = [each.get(region, {}) for each in summaries.values()]
        rows += [
            f"<tr><td>{escape(titled(measure))}</td>"
            + "".join(_mean_cell(each.get(name), measure) for each in of_region)
            + "</tr>"
            for name, measure in words.items()
            if any(name in each for each in of_region)
        ]
    heads = "".join(f'<th scope="col">{escape(method)}</th>' for method in summaries)
    return (
        f'<div class="scroll"><table><thead><tr><th scope="col">Measure</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def paired_table(differences: Sequence[Difference], words: Mapping[str, Measure]) -> str:
    """A row a test, to sort and to choose from."""
    reach = _reaches(differences)
    columns = (
        Column("Region", is_text=True, choices=_distinct(each.region for each in differences)),
        Column(
            "Measure",
            is_text=True,
            choices=_distinct(titled(words[each.measure]) for each in differences),
        ),
        Column("Methods", is_text=True, choices=_distinct(map(_pair, differences))),
        *map(Column, ("Difference", "Mean, 95 % CI", "p", "p (Holm)")),
        *map(Column, ("Rank-biserial", "Wins / ties / losses", "Cases (left out)")),
    )
    return sortable_table(
        columns, (_test_row(each, words[each.measure], reach[each.measure]) for each in differences)
    )


def ranking_table(standings: Sequence[Standing]) -> str:
    """A row a method, best first, with how often it comes to each rank when cases are redrawn."""
    rows = "".join(
        f"<tr><td><b>{each.rank}</b></td><td class='text'>{escape(each.method)}</td>"
        f"<td>{each.mean_rank:.2f}</td><td>{_from_to(each.rank95)}</td>"
        f"<td>{_rank_bars(each)}</td><td>{each.median_rank}</td></tr>"
        for each in standings
    )
    heads = "".join(
        f'<th scope="col"{kind}>{word}</th>'
        for word, kind in (
            ("Rank", ""),
            ("Method", ' class="text"'),
            ("Mean rank", ""),
            ("95 % of draws", ""),
            ("Share of draws at each rank", ""),
            ("Rank by medians", ""),
        )
    )
    return (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )


def facts_table(facts: Mapping[str, Mapping[str, str]]) -> str:
    """A row a fact, a column a method."""
    labels = _distinct(label for each in facts.values() for label in each)
    rows = "".join(
        f"<tr><td>{escape(label)}</td>"
        + "".join(f"<td>{escape(each.get(label, '–'))}</td>" for each in facts.values())
        + "</tr>"
        for label in labels
    )
    heads = "".join(f'<th scope="col">{escape(method)}</th>' for method in facts)
    return (
        f'<div class="scroll"><table><thead><tr><th scope="col">Fact</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def case_values(scores: pd.DataFrame, region: str, name: str) -> pd.DataFrame:
    """A row a case, a column a method: their values of a measure of a region."""
    asked = scores[(scores["region"] == region) & (scores["measure"] == name)]
    wide = asked.pivot(index="case", columns="method", values="value")
    return wide.loc[list(asked["case"].unique()), list(scores["method"].unique())]


def cases_table(scores: pd.DataFrame, name: str, measure: Measure) -> str:
    """A row a case and region with every method's value and how far apart they lie."""
    regions = list(scores.loc[scores["measure"] == name, "region"].unique())
    columns = (
        Column("Case", is_text=True, searched=True),
        Column("Region", is_text=True, choices=regions),
        *map(Column, (*scores["method"].unique(), "Apart by")),
    )
    return sortable_table(
        columns,
        (
            _case_row(case, region, values, measure)
            for region in regions
            for case, *values in case_values(scores, region, name).itertuples()
        ),
    )


def _mean_cell(summary: Summary | None, measure: Measure) -> str:
    if summary is None or summary.mean is None:
        return '<td class="undefined">–</td>'
    undefined = f"{summary.n_undefined:,} undefined" if summary.n_undefined else ""
    aside = ", ".join(filter(None, (interval(measure, summary), undefined)))
    return f"<td><b>{measure.written(summary.mean)}</b> <span>{aside}</span></td>"


def _test_row(each: Difference, measure: Measure, reach: float) -> list[str]:
    between = "" if each.ci95 is None else " to ".join(signed(measure, end) for end in each.ci95)
    mean = f"{signed(measure, each.mean)} <span>{between}</span>"
    p, p_holm = (escape(p_text(found)) for found in (each.p, each.p_holm))
    left_out = f" ({each.n_left_out:,})" if each.n_left_out else ""
    return [
        text_cell(each.region),
        text_cell(titled(measure)),
        text_cell(_pair(each)),
        cell(_number(each.mean), _difference_bar(each, reach)),
        cell(_number(each.mean), mean),
        cell(_number(each.p), p),
        cell(_number(each.p_holm), f"<b>{p_holm}</b>" if each.shown else p_holm),
        cell(_number(each.rank_biserial), _effect(each.rank_biserial)),
        cell(each.wins - each.losses, f"{each.wins:,} / {each.ties:,} / {each.losses:,}"),
        cell(each.n, f"{each.n:,}{left_out}"),
    ]


def _case_row(case: str, region: str, values: Sequence[float], measure: Measure) -> list[str]:
    defined = [value for value in values if math.isfinite(value)]
    apart = max(defined) - min(defined) if len(defined) > 1 else math.nan
    return [
        text_cell(case),
        text_cell(region),
        *(cell(value, in_cell(measure, value)) for value in values),
        cell(apart, in_cell(measure, apart)),
    ]


def _reaches(differences: Sequence[Difference]) -> dict[str, float]:
    """How far from 0 the bars of each measure reach, alike for all its tests."""
    reach: dict[str, float] = {}
    for each in differences:
        ends = (*(each.ci95 or ()), each.mean or 0.0)
        reach[each.measure] = max(reach.get(each.measure, 0.0), *map(abs, ends))
    return reach


def _difference_bar(each: Difference, reach: float) -> str:
    """Mean and interval on a scale with 0 in its middle; coloured where a difference is shown."""
    if each.mean is None:
        return ""
    middle, half = 55, 51

    def place(value: float) -> float:
        return middle + value / (reach or 1.0) * half

    kind = "open"
    if each.shown:
        kind = "gain" if (each.rank_biserial or 0) > 0 else "loss"
    line = ""
    if each.ci95 is not None:
        low, high = map(place, each.ci95)
        line = f'<line class="ci" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/>'
    return (
        f'<svg class="bar {kind}" viewBox="0 0 110 16" aria-hidden="true">'
        f'<line class="zero" x1="{middle}" x2="{middle}" y1="1" y2="15"/>{line}'
        f'<circle class="mean" cx="{place(each.mean):.1f}" cy="8" r="3.6"/></svg>'
    )


def _rank_bars(standing: Standing) -> str:
    """A column a rank, as high as its share of the draws."""
    step, high = 20, 18
    width = step * len(standing.rank_probability)
    bars = "".join(
        f'<rect x="{step * number + 3}" y="{high * (1 - share):.1f}" width="{step - 6}" '
        f'height="{high * share:.1f}"><title>rank {number + 1}: {share:.1%}</title></rect>'
        f'<text class="tick" x="{step * number + step / 2}" y="28" text-anchor="middle">'
        f"{number + 1}</text>"
        for number, share in enumerate(standing.rank_probability)
    )
    return (
        f'<svg class="ranks" viewBox="0 0 {width} 30" role="img" aria-label="share of draws at '
        f'each rank"><line class="grid" x1="0" x2="{width}" y1="{high}" y2="{high}"/>{bars}</svg>'
    )


def _from_to(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _pair(each: Difference) -> str:
    return f"{each.first} − {each.second}"


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _effect(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")
