"""Decathlon: a dataset.json that lists its cases, whose channels are the parts of 4-D volumes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspire_med.cases.layouts.found import Findings, FoundCase, files_below, in_order
from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.dataset_json import INDEX, described
from inspire_med.tasks.task import Task

NAME = "decathlon"


def expected(task: Task) -> str:
    """The shape in words."""
    return f"a {INDEX} with imagesTr and labelsTr"


def find(task: Task, folder: Path) -> Findings | None:
    """List the training cases that `dataset.json` names, or None if there is no such file.

    Raises:
        InputError: If `dataset.json` is unreadable or describes another task.
    """
    return _listed(task, folder, with_test=False)


def find_inputs(task: Task, folder: Path) -> Findings | None:
    """As `find`, with the test cases that are there, or the volumes of one image folder."""
    listed = _listed(task, folder, with_test=True)
    if listed is not None:
        return listed
    if folder.name not in ("imagesTr", "imagesTs") and not (folder.parent / INDEX).is_file():
        return None
    paths = files_below(folder, VOLUME_SUFFIXES)
    cases = tuple(_case(task, path, None, components_of(task, path)) for path in paths)
    return Findings(NAME, cases)


def one_volume(task: Task, path: Path) -> Findings:
    """A single 4-D file as a case of its own."""
    return Findings(NAME, (_case(task, path, None, components_of(task, path)),))


def components_of(task: Task, path: Path) -> dict[str, int]:
    """Which part of a 4-D file is which channel: by the `dataset.json` above, else in order.

    Raises:
        InputError: If that file is unreadable or describes another task.
    """
    index = path.resolve().parent.parent / INDEX
    if index.is_file():
        return _components(task, read_json(index), index)
    return in_order(task)


def _listed(task: Task, folder: Path, *, with_test: bool) -> Findings | None:
    index = folder / INDEX
    if not index.is_file():
        return None
    content = read_json(index)
    if "training" not in content:
        return None  # nnU-Net's own files of this name list nothing
    components = _components(task, content, index)
    try:
        pairs = [(folder / entry["image"], entry.get("label")) for entry in content["training"]]
        test = [folder / _image_of(entry) for entry in content.get("test", [])]
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_index(task, index, error) from None
    if with_test:
        pairs += [(image, None) for image in test if image.parent.is_dir()]
    cases = tuple(
        _case(task, image, folder / label if label else None, components) for image, label in pairs
    )
    return Findings(NAME, cases)


def _components(task: Task, content: Any, index: Path) -> dict[str, int]:
    words = task.kinds()
    channels, _ = described(content, index)
    try:
        return {words[name.lower()]: number for number, name in enumerate(channels)}
    except KeyError as error:
        raise _no_index(task, index, error) from None


def _no_index(task: Task, index: Path, error: Exception) -> InputError:
    return InputError(
        f"{index}: not the index of a set of {task.name} ({type(error).__name__}: {error}); give "
        "that task's own folder."
    )


def _image_of(entry: Any) -> str:
    return str(entry["image"] if isinstance(entry, dict) else entry)


def _case(task: Task, path: Path, label: Path | None, components: Mapping[str, int]) -> FoundCase:
    name = bare_name(path)
    images = {channel: path for channel in task.channels if channel in components}
    return FoundCase(name, task.patient_of(name), images, label, components=components)
