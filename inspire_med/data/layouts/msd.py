"""Medical Segmentation Decathlon Task01 (BrainTumour): 4-D volumes and a dataset.json."""

from pathlib import Path
from typing import Any

from inspire_med.data.layouts.found import Findings, FoundCase, bare_name
from inspire_med.errors import InputError
from inspire_med.files import read_json

CHANNELS = ("flair", "t1", "t1ce", "t2")
LABEL_VALUES = (0, 1, 2, 3)
# The set's own order: 1 oedema, 2 non-enhancing tumour, 3 enhancing tumour.
REGIONS = {"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)}
_MODALITIES = {"flair": "flair", "t1w": "t1", "t1gd": "t1ce", "t2w": "t2"}


def find(folder: Path) -> Findings | None:
    """List the training cases that `dataset.json` names, or None if there is no such file.

    Raises:
        InputError: If `dataset.json` is unreadable or describes another task.
    """
    index = folder / "dataset.json"
    if not index.is_file():
        return None
    content = read_json(index)
    try:
        numbered = {int(number): str(name) for number, name in content["modality"].items()}
        entries = list(content["training"])
        cases = tuple(_case(folder, entry, numbered) for entry in entries)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{index}: not the index of MSD Task01_BrainTumour ({type(error).__name__}: {error}); "
            "give that task's own folder."
        ) from None
    return Findings("msd", CHANNELS, cases)


def _case(folder: Path, entry: dict[str, Any], numbered: dict[int, str]) -> FoundCase:
    path = folder / str(entry["image"])
    components = {_MODALITIES[name.lower()]: number for number, name in numbered.items()}
    name = bare_name(path)
    label = entry.get("label")
    return FoundCase(
        id=name,
        patient=name,
        images={channel: path for channel in CHANNELS if channel in components},
        label=None if label is None else folder / str(label),
        components=components,
    )
