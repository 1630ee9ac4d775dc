"""Datalist: a task from a list of MONAI's, `{"training": [{"image": ..., "label": ...}]}`."""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.imaging.volume import count_components
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.dataset_json import described, intensity_of
from inspire_med.tasks.task import Task


class Entry(msgspec.Struct, omit_defaults=True):
    """A case: one image file or several, and maybe a label, a fold, its id and its patient's.

    An id names a file: whoever made the list must not choose the folder.
    """

    image: str | Annotated[list[str], msgspec.Meta(min_length=1)]
    label: str | None = None
    fold: Annotated[int, msgspec.Meta(ge=0)] | None = None
    id: Annotated[str, msgspec.Meta(pattern=r"^(?!\.{1,2}$)[^/\\\x00]+$")] | None = None
    patient: str | None = None

    @property
    def images(self) -> list[str]:
        """Its image files."""
        return [self.image] if isinstance(self.image, str) else self.image


class _Datalist(msgspec.Struct):
    training: list[Entry] = []
    validation: list[Entry] = []
    testing: list[Entry] = []


def task_of_datalist(path: Path) -> Task:
    """The task of a datalist: what it says of channels and labels, and else what its files hold.

    Without `labels` every label file is read, and each value is a region.

    Raises:
        InputError: If the file is no datalist, or a file it names cannot be read.
    """
    content, entries = read_datalist(path)
    files = [path.parent / name for name in entries[0].images]
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


def read_datalist(path: Path, *, with_test: bool = False) -> tuple[dict[str, Any], list[Entry]]:
    """A datalist's content, and its entries for training and validation.

    Those under `validation` are of fold 0.

    Args:
        path: A JSON file.
        with_test: Also the entries under `testing`.

    Raises:
        InputError: If the file is no datalist.
    """
    content = read_json(path)
    try:
        found = msgspec.convert(content, _Datalist)
        validation = [msgspec.structs.replace(e, fold=e.fold or 0) for e in found.validation]
        entries = found.training + validation + (found.testing if with_test else [])
        if not entries:
            raise ValueError("names no case")
    except ValueError as error:  # of msgspec too
        raise InputError(
            f"{path}: no datalist ({error}); write "
            '{"training": [{"image": FILE or [FILES], "label": FILE}]}.'
        ) from None
    return content, entries


def is_datalist(path: Path) -> bool:
    """Whether a file looks like one."""
    content = read_json(path) if path.suffix == ".json" else None
    return isinstance(content, dict) and bool({"training", "validation", "testing"} & set(content))


def _channels(files: list[Path], *, pictures: bool) -> list[str]:
    if pictures:
        return ["red", "green", "blue"]
    count = len(files) if len(files) > 1 else count_components(files[0])
    return [f"channel{number}" for number in range(count)] if count > 1 else ["image"]


def _regions(path: Path, entries: list[Entry]) -> dict[str, list[int]]:
    values: set[int] = set()
    for entry in entries:
        if entry.label:
            values |= read_labels(path.parent / entry.label).values
    values -= {0}
    if not values:
        raise InputError(f'{path}: no label file holds anything; add "labels", or a label.')
    return {f"label{value}": [value] for value in sorted(values)}
