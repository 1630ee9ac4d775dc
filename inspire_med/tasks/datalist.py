"""Datalist: a task from a list of MONAI's, `{"training": [{"image": ..., "label": ...}]}`."""

from pathlib import Path
from typing import Any

from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.imaging.volume import count_components
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.dataset_json import described, intensity_of
from inspire_med.tasks.task import Task


def task_of_datalist(path: Path) -> Task:
    """The task of a datalist: what it says of channels and labels, and else what its files hold.

    Without `labels` every label file is read, and each value is a region.

    Raises:
        InputError: If the file is no datalist, or a file it names cannot be read.
    """
    content, entries = read_datalist(path)
    first = entries[0]["image"]
    files = [path.parent / name for name in ([first] if isinstance(first, str) else first)]
    pictures = files[0].suffix.lower() in IMAGE_SUFFIXES
    channels, regions = described(content, path)
    channels = channels or _channels(files, pictures=pictures)
    regions = regions or _regions(path, entries)
    return own_task(
        str(content.get("name") or path.stem),
        2 if pictures else 3,
        channels,
        regions,
        layouts=("datalist",),
        intensity="rgb" if pictures else intensity_of(channels),
    )


def read_datalist(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A datalist's content, and its entries for training and validation.

    Entries have `image` (one file or a list of them), and may have `label` and `fold`; those under
    `validation` are of fold 0.

    Raises:
        InputError: If the file is no datalist.
    """
    content = read_json(path)
    wrong = InputError(
        f'{path}: no datalist; write {{"training": [{{"image": FILE or [FILES], "label": FILE}}]}}.'
    )
    if not isinstance(content, dict):
        raise wrong
    entries = list(content.get("training") or [])
    entries += [{"fold": 0, **entry} for entry in content.get("validation") or []]
    if not entries or not all(isinstance(entry, dict) and entry.get("image") for entry in entries):
        raise wrong
    return content, entries


def _channels(files: list[Path], *, pictures: bool) -> list[str]:
    if pictures:
        return ["red", "green", "blue"]
    count = len(files) if len(files) > 1 else count_components(files[0])
    return [f"channel{number}" for number in range(count)] if count > 1 else ["image"]


def _regions(path: Path, entries: list[dict[str, Any]]) -> dict[str, list[int]]:
    values: set[int] = set()
    for entry in entries:
        if entry.get("label"):
            values |= read_labels(path.parent / str(entry["label"])).values
    values -= {0}
    if not values:
        raise InputError(f'{path}: no label file holds anything; add "labels", or a label.')
    return {f"label{value}": [value] for value in sorted(values)}
