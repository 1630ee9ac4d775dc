"""dataset.json: a task as nnU-Net (v1 and v2) and the Decathlon describe it."""

from collections.abc import Mapping, Sequence
from operator import index
from pathlib import Path
from typing import Any

from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.tasks.custom import odd_names, odd_regions, own_task
from inspire_med.tasks.task import Intensity, Task

INDEX = "dataset.json"
SPLITS = "splits_final.json"  # of nnU-Net: [{"train": [ids], "val": [ids]}], one a fold


def task_of_dataset(folder: Path) -> Task:
    """The task that a folder's dataset.json describes: its channels, labels and regions.

    Raises:
        InputError: If there is no such file, or it describes none.
    """
    path = folder / INDEX
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; check the path.")
    if not path.is_file():
        raise InputError(f"{folder}: has no {INDEX}; give the folder DatasetXXX that holds it.")
    content = read_json(path)
    channels, regions = described(content, path)
    if not channels or not regions:
        lacking = "channel_names" if not channels else "labels"
        raise InputError(f"{path}: says no {lacking}; complete it as nnU-Net describes it.")
    pictures = str(content.get("file_ending", "")).lower() in IMAGE_SUFFIXES
    return own_task(
        folder.resolve().name,
        2 if pictures else 3,
        channels,
        regions,
        layouts=("nnunet", "decathlon"),
        intensity="rgb" if pictures else intensity_of(channels),
    )


def described(content: Any, path: Path) -> tuple[list[str], dict[str, list[int]]]:
    """The channels and the regions that a file describes, each empty where it says nothing of them.

    Args:
        content: Of the file.
        path: The file, for the message.

    Raises:
        InputError: If it cannot be understood.
    """
    try:
        channels, regions = _channels(content), _regions(content)
        fault = (channels and odd_names(channels)) or (regions and odd_regions(regions))
        if fault:
            raise ValueError(fault)
        return channels, regions
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: no description of a data set ({type(error).__name__}: {error}); write "
            "channel_names and labels as nnU-Net describes them."
        ) from None


def _channels(content: Mapping[str, Any]) -> list[str]:
    """Channel names by their number, from `channel_names` or, before v2, `modality`."""
    named: Any = content.get("channel_names") or content.get("modality") or {}
    if isinstance(named, Mapping):
        odd = [key for key in named if not str(key).isdecimal()]
        if odd:
            raise ValueError(f"{odd[0]!r} stands where the number of a channel is expected")
        return [str(named[number]) for number in sorted(named, key=lambda key: int(str(key)))]
    return [named] if isinstance(named, str) else [str(name) for name in named]


def _regions(content: Mapping[str, Any]) -> dict[str, list[int]]:
    """Region names to label values: `name: value(s)`, or before v2 `value: name`."""
    regions: dict[str, list[int]] = {}
    for key, value in (content.get("labels") or {}).items():
        if isinstance(value, str):
            key, value = value, int(key)
        values = [index(each) for each in (value if isinstance(value, Sequence) else [value])]
        if values != [0]:
            regions[str(key)] = values
    return regions


def intensity_of(channels: Sequence[str]) -> Intensity:
    """What nnU-Net, too, takes from the names: CT, noNorm, or each image for itself."""
    words = {name.lower() for name in channels}
    if words <= {"ct"}:
        return "ct"
    return "none" if words <= {"nonorm"} else "mri"
