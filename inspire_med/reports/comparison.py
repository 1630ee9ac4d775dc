"""Comparison: two or more methods on the same cases, as one offline page and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd
from markupsafe import Markup

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.protocols import Protocol
from inspire_med.evaluation.scores import Summaries, summaries_json
from inspire_med.evaluation.statistics.paired import PAIRED_POLICY, Difference, compare_methods
from inspire_med.evaluation.statistics.ranking import RANKING_POLICY, Standing, rank_methods
from inspire_med.evaluation.statistics.seeds import with_seeds
from inspire_med.evaluation.statistics.summary import SUMMARY_POLICY
from inspire_med.reports.comparison_tables import (
    TABLE_STYLE,
    case_values,
    cases_table,
    facts_table,
    means_table,
    paired_table,
    ranking_table,
)
from inspire_med.reports.findings import findings_section
from inspire_med.reports.formatting import counted, titled
from inspire_med.reports.page import render
from inspire_med.reports.slope_plot import SLOPE_STYLE, slope_plot

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
        "differences": [
            {**asdict(each), "n_left_out": each.n_left_out} for each in comparison.differences
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
    return render(
        "comparison.html.j2",
        comparison=comparison,
        methods=_named(comparison.methods),
        style=Markup(TABLE_STYLE + SLOPE_STYLE),
        contents=[(title, Markup(content)) for title, content in _sections(comparison).items()],
    )


def _sections(comparison: Comparison) -> dict[str, str]:
    """Content by title; empty where there is nothing of the kind."""
    words = comparison.measures
    return {
        "Findings": findings_section(comparison.differences, words),
        "Scores": _hint(
            "Means over cases with 95 % intervals. Two intervals that overlap do not say that "
            "the methods are alike: the paired tests below compare them case by case."
        )
        + means_table(comparison.summaries, words),
        "Paired tests": _hint(
            "Differences are first minus second, in the measure's unit; of a measure that is best "
            "at 0 the absolute values are compared. Rank-biserial, from −1 to 1, is positive where "
            "the first is better; wins are its cases. A bar is green where the test, after Holm, "
            "shows the first to be better, red where the second, grey where it shows no "
            "difference."
        )
        + paired_table(comparison.differences, words),
        "Ranking": _ranking(comparison),
        "Case by case": _slopes(comparison),
        "Facts": facts_table(comparison.facts) if comparison.facts else "",
        "Cases": _cases(comparison),
    }


def _ranking(comparison: Comparison) -> str:
    entered = ", ".join(
        escape(measure.title)
        for name, measure in comparison.ranked.items()
        if _regions(comparison, name)
    )
    return _hint(
        f"Ranked in every case and region by {entered}, then averaged; 1 is best. The columns "
        "show how often a method comes to each rank when the cases are drawn anew: a ranking "
        "that other cases would turn over is no ranking."
    ) + ranking_table(comparison.standings)


def _slopes(comparison: Comparison) -> str:
    """A plot a region of the first measure that any case has."""
    name, measure = _first(comparison)
    figures: list[str] = []
    for number, region in enumerate(_regions(comparison, name)):
        values = case_values(comparison.scores, region, name)
        summaries = {method: each[region][name] for method, each in comparison.summaries.items()}
        figures.append(
            f"<figure><figcaption>{escape(region)} <span>{escape(titled(measure))}</span>"
            f"</figcaption>{slope_plot(values, summaries, measure, f'region{number % 6}')}"
            "</figure>"
        )
    return (
        _hint(
            "A line is a case, from method to method; the diamond is the mean, the bar through it "
            "its 95 % interval. Undefined values leave a gap."
        )
        + f'<div class="plots">{"".join(figures)}</div>'
    )


def _cases(comparison: Comparison) -> str:
    name, measure = _first(comparison)
    hint = _hint(f"{escape(titled(measure))} of every case, method by method.")
    return hint + cases_table(comparison.scores, name, measure)


def _first(comparison: Comparison) -> tuple[str, Measure]:
    """The first measure that cases have."""
    return next(
        (name, measure)
        for name, measure in comparison.measures.items()
        if _regions(comparison, name)
    )


def _regions(comparison: Comparison, name: str) -> list[str]:
    scores = comparison.scores
    return list(scores.loc[scores["measure"] == name, "region"].unique())


def _hint(text: str) -> str:
    return f'<p class="hint">{text}</p>'


def _named(methods: Sequence[str]) -> str:
    """`A and B`, `A, B and C`; as a number where there are many."""
    if len(methods) > _MOST_NAMED:
        return counted(len(methods), "method")
    return f"{', '.join(methods[:-1])} and {methods[-1]}"
