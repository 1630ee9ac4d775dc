"""Scores: a batch as the rows of scores.csv and the content of scores.json."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import MapProtocol, Protocol
from inspire_med.evaluation.result import CaseScores
from inspire_med.evaluation.statistics.summary import (
    SUMMARY_POLICY,
    Summary,
    summarise,
    whole_set_summary,
)

Table = dict[str, dict[str, dict[str, float]]]
Summaries = dict[str, dict[str, Summary]]
Curves = dict[str, dict[str, NDArray[np.float64]]]


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


def table_of_csv(text: str) -> Table:
    """The table that `as_csv` wrote; empty values are NaN."""
    table: Table = {}
    for row in csv.DictReader(io.StringIO(text)):
        measures = table.setdefault(row["region"], {}).setdefault(row["measure"], {})
        measures[row["case"]] = float(row["value"] or "nan")
    return table


def in_common(tables: Mapping[str, Table]) -> tuple[dict[str, Table], tuple[str, ...]]:
    """The tables of several methods with the cases that all of them have, and the other cases.

    Raises:
        InputError: If no case is in all of them.
    """
    each = [{c for r in table.values() for m in r.values() for c in m} for table in tables.values()]
    shared = set.intersection(*each)
    if not shared:
        raise InputError(
            f"no case is in all of {', '.join(tables)}, so there is nothing to compare; predict "
            "the same cases with each."
        )
    kept = {
        name: {
            region: {
                measure: {case: value for case, value in values.items() if case in shared}
                for measure, values in measures.items()
            }
            for region, measures in table.items()
        }
        for name, table in tables.items()
    }
    return kept, tuple(sorted(set.union(*each) - shared))


def summarise_table(table: Table) -> Summaries:
    """`summaries[region][measure]`."""
    return {
        region: {measure: summarise(values.values()) for measure, values in measures.items()}
        for region, measures in table.items()
    }


def summarise_cases(protocol: Protocol, cases: Sequence[CaseScores]) -> Summaries:
    """`summaries[region][measure]`, with the measures that only the whole set has."""
    summaries = summarise_table(as_table(cases))
    if isinstance(protocol, MapProtocol):
        for region, measures in summaries.items():
            results = [each.regions[region] for each in cases]
            for name, (curve, statistic) in protocol.whole_set.items():
                curves = np.array([result.curves[curve] for result in results])
                measures[name] = whole_set_summary(curves, statistic)
    return summaries


def mean_curves(cases: Sequence[CaseScores]) -> Curves:
    """`curves[name][region]`, the mean over the cases in which it is defined at a threshold.

    Cases in which it is defined nowhere are left out.
    """
    gathered: dict[str, dict[str, list[NDArray[np.float64]]]] = {}
    for each in cases:
        for region, result in each.regions.items():
            for name, values in result.curves.items():
                if np.isfinite(values).any():
                    gathered.setdefault(name, {}).setdefault(region, []).append(values)
    return {
        name: {
            region: np.ma.masked_invalid(values).mean(axis=0).filled(np.nan)
            for region, values in lines.items()
        }
        for name, lines in gathered.items()
    }


def lesions_csv(cases: Sequence[CaseScores]) -> str:
    """One row a lesion; empty where no case has any."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "region", "kind", "size", "centre", "dice", "hd95_mm", "counted"])
    rows = [
        [
            *(each.case, region, lesion.kind, _written(lesion.size)),
            " ".join(f"{place:.1f}" for place in lesion.centre),
            *(_written(lesion.dice), _written(lesion.hd95_mm), str(lesion.counted).lower()),
        ]
        for each in cases
        for region, result in each.regions.items()
        for lesion in result.lesions
    ]
    writer.writerows(rows)
    return text.getvalue() if rows else ""


def as_json(
    protocol: Protocol, cases: Sequence[CaseScores], summaries: Summaries, extra: dict[str, Any]
) -> dict[str, Any]:
    """The content of scores.json: protocol, number of cases, summaries, policy, and what else."""
    curves: dict[str, dict[str, list[float | None]]] = {}
    for name, lines in mean_curves(cases).items():
        for region, values in lines.items():
            written = [float(value) if np.isfinite(value) else None for value in values]
            curves.setdefault(region, {})[name] = written
    return {
        "protocol": protocol.name,
        "n_cases": len(cases),
        "summary": {
            region: {measure: asdict(summary) for measure, summary in measures.items()}
            for region, measures in summaries.items()
        },
        "policy": "\n".join((*protocol.policy, *SUMMARY_POLICY)),
        **({"curves": curves} if curves else {}),
        **extra,
    }


def _rows(cases: Sequence[CaseScores]) -> Iterator[tuple[str, str, str, str]]:
    for each in cases:
        for region, measure, value in each.scores:
            yield each.case, region, measure, _written(value)


def _written(value: float) -> str:
    return repr(float(value)) if np.isfinite(value) else ""
