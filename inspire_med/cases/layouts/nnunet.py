"""nnU-Net: `imagesTr/case_0000.nii.gz`, one number a channel, and `labelsTr/case.nii.gz`."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from inspire_med.cases.layouts.found import (
    Findings,
    FoundCase,
    files_below,
    said_twice,
    shared_file,
)
from inspire_med.cases.named_splits import folds_in
from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.dataset_json import INDEX, SPLITS, described
from inspire_med.tasks.task import LABEL, Task

NAME = "nnunet"
_SUFFIXES = (*VOLUME_SUFFIXES, *IMAGE_SUFFIXES)
_NAME = re.compile(r"(?P<case>.+)_(?P<number>\d{4})(?:\.nii\.gz|\.[^.]+)$")


def expected(task: Task) -> str:
    """The shape in words."""
    return f"{INDEX}, imagesTr/CASE_0000.nii.gz and labelsTr/CASE.nii.gz"


def find(task: Task, folder: Path) -> Findings | None:
    """List the training cases of a raw folder, or None if it is none."""
    images = folder / "imagesTr"
    if not (folder / INDEX).is_file() or not images.is_dir():
        return None
    found = _listed(task, images, folder / "labelsTr")
    return found and _with_folds(found, folder / SPLITS)


def find_inputs(task: Task, folder: Path) -> Findings | None:
    """List the cases of a raw folder, training and test, or those of one folder of images."""
    parts = [folder / name for name in ("imagesTr", "imagesTs") if (folder / name).is_dir()]
    listed = [found for part in parts or [folder] if (found := _listed(task, part, None))]
    if not listed:
        return None
    cases = tuple(case for found in listed for case in found.cases)
    return Findings(NAME, cases, tuple(problem for found in listed for problem in found.problems))


def find_with(task: Task, path: Path) -> Findings | None:
    """The case that one of its files belongs to, or None if it is not named as one."""
    match = _NAME.fullmatch(path.name)
    found = _listed(task, path.parent, None) if match else None
    if match is None or found is None:
        return None
    return Findings(NAME, tuple(case for case in found.cases if case.id == match["case"]))


def _listed(task: Task, images: Path, labels: Path | None) -> Findings | None:
    """The cases of a folder of images, with the labels of another; None if it holds none."""
    files, left_out = _by_case(task, images)
    if not files:
        return None
    known = {} if labels is None else _labels(labels)
    # A picture of its own for each channel, or one whose colours are the channels.
    apart = task.spatial_dims == 3 or any(len(found) > 1 for found in files.values())
    cases: list[FoundCase] = []
    problems: list[str] = []
    refused: list[Path] = []
    for case, found in sorted(files.items()):
        own = known.pop(case, [])
        if twice := said_twice(case, {**found, LABEL: own}):
            problems.append(twice)
            refused += [path for paths in (*found.values(), own) for path in paths]
            continue
        ordered = {name: found[name][0] for name in task.channels if name in found}
        parts: dict[str, int] = {}
        if not apart:
            ordered, parts = shared_file(task, next(iter(ordered.values())))
        label = next(iter(own), None)
        cases.append(FoundCase(case, task.patient_of(case), ordered, label, components=parts))
    problems += [
        f"{paths[0]}: no image of case {case} in {images}; add it or move the label."
        for case, paths in sorted(known.items())
    ]
    return Findings(
        NAME, tuple(cases), tuple(problems), left_out=tuple(left_out), refused=tuple(refused)
    )


def _by_case(task: Task, images: Path) -> tuple[dict[str, dict[str, list[Path]]], list[Path]]:
    """The files of each case by channel, and those that are no channel's."""
    paths = [path for path in files_below(images, _SUFFIXES) if path.parent == images]
    matches = {path: match for path in paths if (match := _NAME.fullmatch(path.name))}
    numbers = _numbers(task, images) if matches else {}
    files: dict[str, dict[str, list[Path]]] = {}
    for path, match in matches.items():
        channel = numbers.get(int(match["number"]))
        if channel is not None:
            files.setdefault(match["case"], {}).setdefault(channel, []).append(path)
    taken = {path for found in files.values() for own in found.values() for path in own}
    return files, [path for path in paths if path not in taken]


def _labels(folder: Path) -> dict[str, list[Path]]:
    """The labels by case, whatever their ending: images and labels may have two."""
    found: dict[str, list[Path]] = {}
    for path in files_below(folder, _SUFFIXES) if folder.is_dir() else ():
        if path.parent == folder:
            found.setdefault(bare_name(path), []).append(path)
    return found


def _with_folds(found: Findings, path: Path) -> Findings:
    """The cases with the folds of nnU-Net's own file, where there is one that can be kept."""
    if not path.is_file():
        return found
    try:
        folds = folds_in(path, {case.id for case in found.cases})
    except InputError as error:
        return replace(found, notes=(*found.notes, f"Its folds are not used: {error}"))
    cases = tuple(replace(case, fold=folds.get(case.id)) for case in found.cases)
    return replace(found, cases=cases, notes=(*found.notes, f"The folds are those of {path.name}."))


def _numbers(task: Task, images: Path) -> Mapping[int, str]:
    """Channel names by number: as the dataset.json above has them, else in the task's order.

    Raises:
        InputError: If that file names other channels than the task's.
    """
    index = images.resolve().parent / INDEX
    if not index.is_file():
        return dict(enumerate(task.channels))
    words = task.kinds()
    named, _ = described(read_json(index), index)
    strange = [name for name in named if name.lower() not in words]
    if strange:
        raise InputError(
            f"{index}: has the channel {strange[0]}, which {task.name} has not; its channels are "
            f"{', '.join(task.channels)}."
        )
    return {number: words[name.lower()] for number, name in enumerate(named)}
