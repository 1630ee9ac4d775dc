"""Written: a comparison as `compare` or `evaluate` left it on disk, ready to be looked at again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pandas as pd

from inspire_med.comparing.scores import mean_over_seeds
from inspire_med.comparing.variants import Variant
from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.scores import (
    Summaries,
    in_common,
    of_methods,
    read_csv,
    summarise_scores,
)
from inspire_med.evaluation.statistics.summary import Summary
from inspire_med.files import read_json
from inspire_med.reports.comparison import Comparison

_PAGE = "comparison.json"
_SEEDED = "comparison.csv"  # of `compare` alone
_TEST = "test-"


@dataclass(frozen=True)
class WrittenComparison:
    """What was compared, and where it lies.

    Attributes:
        comparison: Each case's mean over seeds where networks were trained with several.
        manifest: Of the cases, as it was called then; None where none is named.
        predictions: Of each method the folders of its masks, seed by seed and fold by fold.
    """

    comparison: Comparison
    manifest: Path | None
    predictions: Mapping[str, list[Path]]


def read_comparison(folder: Path, baseline: str | None = None) -> WrittenComparison:
    """Read the folder of a comparison: of `compare` or of one of its test sets, or of `evaluate`.

    Args:
        folder: With comparison.json.
        baseline: The method that the others are compared with; None is the one that was.

    Raises:
        InputError: If there is no comparison, or a file of it cannot be read.
    """
    page = read_json(folder / _PAGE)
    if not isinstance(page, dict) or not page.keys() >= {"methods", "provenance", "summary"}:
        raise InputError(f"{folder / _PAGE}: no comparison of compare or evaluate; choose another.")
    base = baseline or page["baseline"]
    if not (folder / _SEEDED).is_file():
        return read_scores({name: folder / name for name in page["methods"]}, base)
    rows = read_csv(folder / _SEEDED).rename(columns={"variant": "method"})
    rows = rows.astype({"method": str, "seed": int})
    named = page["provenance"].get("Test set") or page["provenance"].get("Manifest")
    comparison = _comparison(page["protocol"], mean_over_seeds(rows), page["summary"], base, rows)
    exam = folder.name if folder.name.startswith(_TEST) else ""
    root = folder.parent if exam else folder
    below = "/".join(filter(None, ("seed*", exam, "predictions")))
    predictions = {
        name: sorted((root / Variant(name, {}).folder).glob(below)) for name in comparison.methods
    }
    return WrittenComparison(comparison, named and Path(named), predictions)


def read_scores(folders: Mapping[str, Path], baseline: str | None = None) -> WrittenComparison:
    """Read the scores of several methods, each a folder of `evaluate`.

    Args:
        folders: Method to folder, with scores.csv and scores.json.
        baseline: The method that the others are compared with; None compares all pairs.

    Raises:
        InputError: If a file is missing, protocols differ, or no case is in all of them.
    """
    pages = {name: read_json(folder / "scores.json") for name, folder in folders.items()}
    rules = {name: page["protocol"] for name, page in pages.items()}
    if len({*rules.values()}) > 1:
        said = ", ".join(f"{name} by {each}" for name, each in rules.items())
        raise InputError(f"scores by different protocols do not compare: {said}; evaluate alike.")
    tables = {name: read_csv(folder / "scores.csv") for name, folder in folders.items()}
    scores, others = in_common(of_methods(tables))
    # Values of the whole set are those of cases that are not compared, if there are others.
    summaries = {} if others else {name: page["summary"] for name, page in pages.items()}
    origin = {name: page.get("provenance", {}) for name, page in pages.items()}
    named = next((each["Manifest"] for each in origin.values() if "Manifest" in each), None)
    predictions = {
        name: [Path(each["Predictions"])] if "Predictions" in each else []
        for name, each in origin.items()
    }
    comparison = _comparison(next(iter(rules.values())), scores, summaries, baseline)
    return WrittenComparison(comparison, named and Path(named), predictions)


def _comparison(
    rules: str,
    scores: pd.DataFrame,
    written: Mapping[str, Mapping[str, Mapping[str, object]]],
    baseline: str | None,
    by_seed: pd.DataFrame | None = None,
) -> Comparison:
    known = protocol(rules)
    there = {*scores["measure"]}
    measures: dict[str, Measure] = {
        name: known.measures[name]
        for name in sorted(known.measures, key=lambda name: name not in there)
    }
    summaries = {
        str(method): _with_whole_set(summarise_scores(rows), written.get(str(method), {}))
        for method, rows in scores.groupby("method", sort=False)
    }
    return Comparison(known, measures, scores, summaries, baseline, by_seed=by_seed)


def _with_whole_set(summaries: Summaries, written: Mapping[str, Mapping[str, object]]) -> Summaries:
    """The summaries of cases, and those that only the whole set has, as they were written."""
    return {
        region: {**msgspec.convert(written.get(region, {}), dict[str, Summary]), **measures}
        for region, measures in summaries.items()
    }
