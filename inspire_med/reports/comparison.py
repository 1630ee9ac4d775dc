"""Comparison: two or more methods on the same cases, as one offline page and as JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd
from markupsafe import Markup

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.protocols import Protocol
from inspire_med.evaluation.scores import Summaries, summaries_json
from inspire_med.evaluation.statistics.paired import PAIRED_POLICY, Difference, compare_methods
from inspire_med.evaluation.statistics.ranking import RANKING_POLICY, Standing, rank_methods
from inspire_med.evaluation.statistics.seeds import with_seeds
from inspire_med.evaluation.statistics.summary import SUMMARY_POLICY, Summary
from inspire_med.reports.charts import slope_chart
from inspire_med.reports.findings import effect_text, findings, p_text, signed, winner
from inspire_med.reports.formatting import titled
from inspire_med.reports.page import render
from inspire_med.wording import counted

_MOST_NAMED = 4  # methods in the page's title


@dataclass(frozen=True)
class Comparison:
    """What a comparison shows; tests and ranking are worked out from the scores when asked for.

    Attributes:
        protocol: The rules every method was scored by.
        measures: The measures compared, in order, and how each is written; the first is the one
            that sentences, plot and table of cases are about.
        scores: A row a method, case, region and measure, in the order the methods are to be shown;
            all of the same regions and cases.
        summaries: `summaries[method][region][measure]`; may hold measures of the whole set, which
            have no value a case and so no test.
        baseline: The method each other one is tested against; None tests every pair.
        notes: What the reader must know: cases left out, what readers decided. A sentence each.
        provenance: Where things came from, label to text.
        facts: `facts[method][label]`, text of a table of what each method costs or is: parameters,
            time a step; empty where nothing is known.
        by_seed: The scores of each `seed` that `scores` are the means of; None where predictions
            came otherwise.
    """

    protocol: Protocol
    measures: Mapping[str, Measure]
    scores: pd.DataFrame
    summaries: Mapping[str, Summaries]
    baseline: str | None = None
    notes: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict[str, str])
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    by_seed: pd.DataFrame | None = None

    @property
    def methods(self) -> list[str]:
        """Their names, in order."""
        return list(self.scores["method"].unique())

    @cached_property
    def differences(self) -> list[Difference]:
        """The paired tests of every region and measure.

        Raises:
            InputError: As `compare_methods`: different cases, an unknown baseline.
        """
        found = compare_methods(self.scores, self.measures, self.baseline)
        if self.by_seed is None:
            return found
        return with_seeds(found, self.by_seed, self.measures)

    @cached_property
    def findings(self) -> list[str]:
        """What the tests show of the first measure, in sentences."""
        return findings(self.differences, self.measures)

    @property
    def ranked(self) -> Mapping[str, Measure]:
        """The measures that the ranking counts: the protocol's, all where it names none."""
        names = [name for name in self.measures if name in self.protocol.ranked_by]
        return {name: self.measures[name] for name in names or self.measures}

    @cached_property
    def standings(self) -> list[Standing]:
        """The methods from best to worst over all cases, regions and ranked measures."""
        return rank_methods(self.scores, self.ranked)

    @property
    def policy(self) -> tuple[str, ...]:
        """The protocol's rules and those of summary, tests and ranking, a line each."""
        return (*self.protocol.policy, *SUMMARY_POLICY, *PAIRED_POLICY, *RANKING_POLICY)

    @property
    def cases(self) -> list[str]:
        """The cases compared, by id."""
        return sorted(self.scores["case"].unique())


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The content of comparison.json: everything on the page, as numbers; undefined is null."""
    return {
        "protocol": comparison.protocol.name,
        "methods": comparison.methods,
        "baseline": comparison.baseline,
        "n_cases": len(comparison.cases),
        "summary": {
            method: summaries_json(summaries) for method, summaries in comparison.summaries.items()
        },
        "findings": comparison.findings,
        "differences": [
            {
                **asdict(each),
                "n_left_out": each.n_left_out,
                "note": each.note,
                "better": winner(each, comparison.measures[each.measure]),
            }
            for each in comparison.differences
        ],
        "ranked_by": list(comparison.ranked),
        "ranking": [asdict(each) for each in comparison.standings],
        "facts": {method: dict(facts) for method, facts in comparison.facts.items()},
        "policy": "\n".join(comparison.policy),
        "notes": list(comparison.notes),
        "provenance": dict(comparison.provenance),
    }


def comparison_html(comparison: Comparison) -> str:
    """The whole page as text."""
    words, differences = comparison.measures, comparison.differences
    first = next(name for name in words if _regions(comparison, name))
    regions = _regions(comparison, first)
    values = {region: _case_values(comparison.scores, region, first) for region in regions}
    return render(
        "comparison.html.j2",
        comparison=comparison,
        methods=_named(comparison.methods),
        mean_rows=_mean_rows(comparison),
        reach=(reach := _reach(differences)),
        tested=[titled(words[name]) for name in reach],
        pairs=list(dict.fromkeys(f"{each.first} − {each.second}" for each in differences)),
        ranked_by=[words[name].title for name in comparison.ranked if _regions(comparison, name)],
        measure=words[first],
        slopes=_slopes(comparison, first, values),
        case_rows=[
            (case, region, row, _apart(row))
            for region, table in values.items()
            for case, *row in table.itertuples()
        ],
        effect_text=effect_text,
        p_text=p_text,
        signed=signed,
        winner=winner,
    )


def _mean_rows(comparison: Comparison) -> dict[str, dict[str, list[Summary | None]]]:
    """`rows[region][measure]`, the summary of each method; None where it has none."""
    found = comparison.summaries.values()
    rows: dict[str, dict[str, list[Summary | None]]] = {}
    for region in dict.fromkeys(region for each in found for region in each):
        of_region = [each.get(region, {}) for each in found]
        rows[region] = {
            name: [each.get(name) for each in of_region]
            for name in comparison.measures
            if any(name in each for each in of_region)
        }
    return rows


def _slopes(
    comparison: Comparison, name: str, values: Mapping[str, pd.DataFrame]
) -> list[tuple[str, Markup]]:
    """A chart a region of one measure."""
    charts: list[tuple[str, Markup]] = []
    for number, (region, table) in enumerate(values.items()):
        means = [each[region][name] for each in comparison.summaries.values()]
        charts.append((region, slope_chart(table, means, comparison.measures[name], number)))
    return charts


def _case_values(scores: pd.DataFrame, region: str, name: str) -> pd.DataFrame:
    """A row a case, a column a method: their values of a measure of a region."""
    asked = scores[(scores["region"] == region) & (scores["measure"] == name)]
    wide = asked.pivot(index="case", columns="method", values="value")
    return wide.loc[list(asked["case"].unique()), list(scores["method"].unique())]


def _apart(values: Sequence[float]) -> float:
    """How far the methods lie apart in a case; NaN where fewer than two have a value."""
    defined = [value for value in values if math.isfinite(value)]
    return max(defined) - min(defined) if len(defined) > 1 else math.nan


def _reach(differences: Sequence[Difference]) -> dict[str, float]:
    """How far from 0 the bars of each measure reach, alike for all its tests."""
    reach: dict[str, float] = {}
    for each in differences:
        ends = (*(each.ci95 or ()), each.mean or 0.0)
        reach[each.measure] = max(reach.get(each.measure, 0.0), *map(abs, ends))
    return reach


def _regions(comparison: Comparison, name: str) -> list[str]:
    """Those in which cases have a value of a measure."""
    scores = comparison.scores
    return list(scores.loc[scores["measure"] == name, "region"].unique())


def _named(methods: Sequence[str]) -> str:
    """`A and B`, `A, B and C`; as a number where there are many."""
    if len(methods) > _MOST_NAMED:
        return counted(len(methods), "method")
    return f"{', '.join(methods[:-1])} and {methods[-1]}"
