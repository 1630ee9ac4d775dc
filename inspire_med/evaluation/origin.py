"""Origin: what a folder of predictions says of where they come from."""

from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.files import read_json

RECORD = "predictions.json"  # the predict command writes it beside the masks
_SHOWN = {
    "run": "Run",
    "trained_on": "Trained on manifest hash",
    "trained_by": "Trained by commit",
    "predicted_by": "Predicted by commit",
}


def origin_of(folder: Path) -> dict[str, str]:
    """Label to text of what is known; empty for masks of another tool."""
    try:
        record = read_json(folder / RECORD)
    except InputError:
        return {}
    if not isinstance(record, dict):
        return {}
    return {label: str(record[name]) for name, label in _SHOWN.items() if record.get(name)}
