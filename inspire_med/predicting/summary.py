"""Summary files: what was found in each case, for programs and for tables."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspire_med.files import write_json, write_text

FILE, TABLE = "summary.json", "summary.csv"

Found = Mapping[str, Mapping[str, Any]]


def write_summary(folder: Path, cases: Mapping[str, Found]) -> None:
    """Write `summary.json`, and `summary.csv` with a row a case and region.

    Args:
        folder: Of the predictions.
        cases: By case, what `summary_of` found.
    """
    write_json(folder / FILE, {"format": 1, "cases": cases})
    first = next(iter(next(iter(cases.values())).values()))
    rows = [
        [case, region, *map(_cell, numbers.values())]
        for case, regions in cases.items()
        for region, numbers in regions.items()
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["case", "region", *first], *rows])
    write_text(folder / TABLE, text.getvalue())


def remove_summary(folder: Path) -> None:
    """Remove that of an earlier request, before the first of its masks is replaced."""
    for name in (FILE, TABLE):
        (folder / name).unlink(missing_ok=True)


def _cell(value: object) -> object:
    """Nothing for what is not there; several numbers side by side."""
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else value
