"""Scores: of cases as one tidy table, of a set as scores.csv and scores.json.

A table of scores is a DataFrame with a row a score: `case`, `region`, `measure`, `value`, before
them `method` where there are several, and `seed` and `fold` where networks were trained so. Rows
stand in the protocol's order; undefined values are NaN or infinite.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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

Summaries = dict[str, dict[str, Summary]]
Curves = dict[str, dict[str, NDArray[np.float64]]]

_COLUMNS = ("case", "region", "measure", "value")


def score_table(cases: Sequence[CaseScores]) -> pd.DataFrame:
    """The scores of cases, undefined values as they came."""
    rows = [(each.case, *score) for each in cases for score in each.scores]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"value": float})


def of_methods(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of several methods as one, with the column `method` in front."""
    return pd.concat(tables, names=["method"]).reset_index("method").reset_index(drop=True)


def as_csv(scores: pd.DataFrame) -> str:
    """The table as text; undefined values are empty, and each number reads back as it is."""
    defined = scores.assign(value=scores["value"].where(np.isfinite(scores["value"])))
    return defined.to_csv(index=False, lineterminator="\n")


def read_csv(path: Path) -> pd.DataFrame:
    """The table that `as_csv` wrote; ids such as `007` and `NA` are text."""
    return pd.read_csv(
        path,
        dtype={name: float if name == "value" else str for name in _COLUMNS},
        keep_default_na=False,
        na_values={"value": [""]},
        float_precision="round_trip",
    )


def in_common(scores: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The scores of the cases that every method has, and the other cases.

    Raises:
        InputError: If no case is in all of them.
    """
    methods = list(scores["method"].unique())
    shared = scores.groupby("case")["method"].nunique() == len(methods)
    if not shared.any():
        raise InputError(
            f"no case is in all of {', '.join(methods)}, so there is nothing to compare; predict "
            "the same cases with each."
        )
    return scores[scores["case"].map(shared)], tuple(shared.index[~shared])


def summarise_scores(scores: pd.DataFrame) -> Summaries:
    """`summaries[region][measure]` of one method's scores."""
    summaries: Summaries = {}
    for (region, measure), values in scores.groupby(["region", "measure"], sort=False)["value"]:
        summaries.setdefault(str(region), {})[str(measure)] = summarise(values)
    return summaries


def summarise_cases(protocol: Protocol, cases: Sequence[CaseScores]) -> Summaries:
    """`summaries[region][measure]`, with the measures that only the whole set has."""
    summaries = summarise_scores(score_table(cases))
    if isinstance(protocol, MapProtocol):
        for region, measures in summaries.items():
            results = [each.regions[region] for each in cases]
            for name, (curve, statistic) in protocol.whole_set.items():
                curves = np.array([result.curves[curve] for result in results])
                measures[name] = whole_set_summary(curves, statistic)
    return summaries


def summaries_json(summaries: Summaries) -> dict[str, dict[str, dict[str, Any]]]:
    """Summaries as JSON; what is undefined is null, and a note says where cases are few."""
    return {
        region: {
            measure: {**asdict(summary), "note": summary.note}
            for measure, summary in measures.items()
        }
        for region, measures in summaries.items()
    }


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
        "summary": summaries_json(summaries),
        "policy": "\n".join((*protocol.policy, *SUMMARY_POLICY)),
        **({"curves": curves} if curves else {}),
        **extra,
    }


def _written(value: float) -> str:
    return repr(float(value)) if np.isfinite(value) else ""
