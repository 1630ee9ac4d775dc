"""Scores: a batch as the rows of scores.csv and the content of scores.json."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from inspire_med.evaluation.protocols import Protocol
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.statistics.summary import Summary, summarise

Table = dict[str, dict[str, dict[str, float]]]
Summaries = dict[str, dict[str, Summary]]


def as_csv(cases: Sequence[CaseScores]) -> str:
    """Long format, `case,region,measure,value`; undefined values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "region", "measure", "value"])
    writer.writerows(_rows(cases))
    return text.getvalue()


def as_table(cases: Sequence[CaseScores]) -> Table:
    """`table[region][measure][case]`, undefined values as they came (NaN or infinite)."""
    table: Table = {}
    for each in cases:
        for region, measure, value in each.scores:
            table.setdefault(region, {}).setdefault(measure, {})[each.case] = value
    return table


def summarise_table(table: Table) -> Summaries:
    """`summaries[region][measure]`."""
    return {
        region: {measure: summarise(values.values()) for measure, values in measures.items()}
        for region, measures in table.items()
    }


def as_json(
    protocol: Protocol, n_cases: int, summaries: Summaries, provenance: dict[str, Any]
) -> dict[str, Any]:
    """The content of scores.json: protocol, number of cases, summaries, policy, provenance."""
    return {
        "protocol": protocol.name,
        "n_cases": n_cases,
        "summary": {
            region: {measure: asdict(summary) for measure, summary in measures.items()}
            for region, measures in summaries.items()
        },
        "policy": "\n".join(protocol.policy),
        **provenance,
    }


def _rows(cases: Sequence[CaseScores]) -> Iterator[tuple[str, str, str, str]]:
    for each in cases:
        for region, measure, value in each.scores:
            yield each.case, region, measure, repr(float(value)) if np.isfinite(value) else ""
