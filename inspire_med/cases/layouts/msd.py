"""Medical Segmentation Decathlon Task01 (BrainTumour): 4-D volumes and a dataset.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspire_med.cases.layouts.found import Findings, FoundCase, bare_name, files_below
from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.nifti import NIFTI_SUFFIXES

CHANNELS = ("flair", "t1", "t1ce", "t2")
LABEL_VALUES = (0, 1, 2, 3)
# The set's own order: 1 oedema, 2 non-enhancing tumour, 3 enhancing tumour.
REGIONS = {"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)}
_MODALITIES = {"flair": "flair", "t1w": "t1", "t1gd": "t1ce", "t2w": "t2"}
_INDEX = "dataset.json"
_PUBLISHED = {channel: number for number, channel in enumerate(CHANNELS)}


def find(folder: Path) -> Findings | None:
    """List the training cases that `dataset.json` names, or None if there is no such file.

    Raises:
        InputError: If `dataset.json` is unreadable or describes another task.
    """
    return _listed(folder, with_test=False)


def find_all(folder: Path) -> Findings | None:
    """As `find`, with the test cases, which have no label, as far as their folder is there."""
    return _listed(folder, with_test=True)


def find_volumes(folder: Path) -> Findings | None:
    """List the volumes of one of the set's image folders, or None if it is none."""
    if folder.name not in ("imagesTr", "imagesTs") and not (folder.parent / _INDEX).is_file():
        return None
    paths = files_below(folder, NIFTI_SUFFIXES)
    cases = tuple(_case(path, None, components_of(path)) for path in paths)
    return Findings("msd", CHANNELS, cases)


def one_volume(path: Path) -> Findings:
    """A single 4-D file as a case of its own."""
    return Findings("msd", CHANNELS, (_case(path, None, components_of(path)),))


def components_of(path: Path) -> dict[str, int]:
    """Which volume of a 4-D file is which channel: by the `dataset.json` above, else as published.

    Raises:
        InputError: If that file is unreadable or describes another task.
    """
    index = path.resolve().parent.parent / _INDEX
    return _read_index(index)[0] if index.is_file() else _PUBLISHED


def _listed(folder: Path, *, with_test: bool) -> Findings | None:
    index = folder / _INDEX
    if not index.is_file():
        return None
    components, training, test = _read_index(index)
    pairs = [(folder / image, folder / label if label else None) for image, label in training]
    if with_test:
        images = [folder / image for image in test]
        pairs += [(image, None) for image in images if image.parent.is_dir()]
    cases = tuple(_case(image, label, components) for image, label in pairs)
    return Findings("msd", CHANNELS, cases)


def _read_index(index: Path) -> tuple[dict[str, int], list[tuple[str, str | None]], list[str]]:
    """Channel numbers, (image, label) of the training part, images of the test part."""
    content = read_json(index)
    try:
        components = {
            _MODALITIES[str(name).lower()]: int(number)
            for number, name in content["modality"].items()
        }
        training = [(str(entry["image"]), entry.get("label")) for entry in content["training"]]
        test = [_image_of(entry) for entry in content.get("test", [])]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{index}: not the index of MSD Task01_BrainTumour ({type(error).__name__}: {error}); "
            "give that task's own folder."
        ) from None
    return components, training, test


def _image_of(entry: Any) -> str:
    return str(entry["image"] if isinstance(entry, dict) else entry)


def _case(path: Path, label: Path | None, components: Mapping[str, int]) -> FoundCase:
    name = bare_name(path)
    images = {channel: path for channel in CHANNELS if channel in components}
    return FoundCase(name, name, images, label, components=components)
