"""Record: where masks come from, written beside them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspire_med.evaluation.origin import RECORD
from inspire_med.files import read_json, write_json
from inspire_med.inference.predictor import Predictor
from inspire_med.provenance import code_commit


def write_record(
    folder: Path,
    runs: Sequence[Path],
    predictor: Predictor,
    cases: Mapping[str, Mapping[str, Any]],
    kinds: Mapping[str, object],
) -> None:
    """Say beside the masks where they come from, and of each case how it was predicted.

    Args:
        folder: Where the masks are.
        runs: As they were asked for.
        predictor: What predicted.
        cases: By case, what `record_of` gives.
        kinds: What else may be written, and whether it was.
    """
    write_json(
        folder / RECORD,
        {
            "format": 2,
            "run": ", ".join(str(run.resolve()) for run in runs),
            "trained_on": predictor.card.manifest_hash or None,
            "trained_by": ", ".join(_commits(predictor.folders)) or None,
            "predicted_by": code_commit(),
            "checkpoints": [_checkpoint(each.resolve()) for each in predictor.folders],
            **predictor.settings,
            "written": kinds,
            "cases": cases,
        },
    )


def remove_record(folder: Path) -> None:
    """Remove the record of an earlier request, before the first of its masks is replaced."""
    (folder / RECORD).unlink(missing_ok=True)


def _commits(folders: Sequence[Path]) -> list[str]:
    """The commits that the runs of some checkpoints were trained by, each once."""
    records = [folder.resolve().parent.parent / "run.json" for folder in folders]
    found = [read_json(record)["sessions"][-1] for record in records if record.is_file()]
    return sorted({str(each["commit"]) for each in found if each.get("commit")})


def _checkpoint(folder: Path) -> dict[str, str | int | None]:
    """Where the weights are from: of a run its best or last checkpoint and the step of it."""
    record = folder / "training.json"
    if not record.is_file():
        return {"path": str(folder), "which": None, "step": None}
    step = read_json(record)["progress"]["step"]
    return {"path": str(folder), "which": folder.name, "step": step}
