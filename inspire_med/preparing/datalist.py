"""Datalist: a set as MONAI lists it, with this set's folds; no file is touched."""

import os
from pathlib import Path
from typing import Any

import msgspec

from inspire_med.cases.align import lie_alike, reference_channel
from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.files import read_json, refuse_existing, write_json
from inspire_med.imaging.dicom.known import claims_dicom
from inspire_med.imaging.masks import IGNORE
from inspire_med.imaging.volume import count_components, read_grid
from inspire_med.tasks.datalist import Entry

_LISTED = "-listed"  # a list describes a task of its own, which a built-in one's name would hide


def write_datalist(manifest: Manifest, path: Path, *, overwrite: bool = False) -> None:
    """Write `{"training": [{"image": ..., "label": ..., "fold": ...}]}`, paths relative to it.

    Args:
        manifest: Its labelled cases are for training, the others for testing.
        path: Ends in .json.
        overwrite: Replace a file that is there.

    Raises:
        InputError: If a list cannot say how a case's channels lie in its files, or `path` is not
            to be replaced: only what was written here is.
    """
    if path.suffix != ".json":
        raise InputError(f"{path}: a datalist's name ends in .json; give such a name.")
    refuse_existing(path, overwrite=overwrite)
    if path.is_file() and not _is_ours(path):
        raise InputError(
            f"{path}: --as monai did not write it, and it stays; choose another --out."
        )
    entries = {case.id: _entry(manifest, case, path.parent.resolve()) for case in manifest.cases}
    parts = {"training": True, "testing": False}
    lists = {
        part: [entries[case.id] for case in manifest.cases if (case.label is not None) == labelled]
        for part, labelled in parts.items()
    }
    content = {
        "name": f"{manifest.task.name.removesuffix(_LISTED)}{_LISTED}",
        "modality": {str(place): name for place, name in enumerate(manifest.channels)},
        "labels": _labels(manifest),
        "numTraining": len(lists["training"]),
        **{part: cases for part, cases in lists.items() if cases},
    }
    write_json(path, content)


def _labels(manifest: Manifest) -> dict[str, int | list[int]]:
    regions = {name: list(values) for name, values in manifest.regions.items()}
    ignore = manifest.task.preparation.ignore
    return {"background": 0, **regions, **({} if ignore is None else {IGNORE: ignore})}


def _is_ours(path: Path) -> bool:
    content = read_json(path)
    return isinstance(content, dict) and str(content.get("name")).endswith(_LISTED)


def _entry(manifest: Manifest, case: Case, folder: Path) -> dict[str, Any]:
    _refuse_unsayable(manifest, case)

    def place(path: Path) -> str:
        return Path(os.path.relpath(path, folder)).as_posix()

    files = list(dict.fromkeys(place(case.images[name]) for name in manifest.channels))
    entry = Entry(
        image=files if len(files) > 1 else files[0],
        label=None if case.label is None else place(case.label),
        fold=case.fold,
        id=case.id,
        patient=case.patient,
    )
    return msgspec.to_builtins(entry)


def _refuse_unsayable(manifest: Manifest, case: Case) -> None:
    """A list names files alone: all of a file's parts in their order, all files on one grid."""
    fault = ""
    if case.filled:
        fault = "is filled with zeros"
    elif any(claims_dicom(path) for path in case.images.values()):
        fault = "is a DICOM series of several files"
    elif not _is_whole(case, manifest):
        fault = "is a part of a larger file"
    elif _lies_apart(case, manifest):
        fault = "lies on another grid"
    if fault:
        raise InputError(
            f"case {case.id}: a channel {fault}, which a datalist cannot say; choose others with "
            "--channels, or write --as nnunet."
        )


def _is_whole(case: Case, manifest: Manifest) -> bool:
    """Is each file one channel, or the one file all channels in their order?"""
    files = {case.images[name] for name in manifest.channels}
    parts = [case.components.get(name, 0) for name in manifest.channels]
    if len(files) == 1 and len(parts) > 1:
        in_order = parts == list(range(len(parts)))
    else:
        in_order = not any(parts)
    counts = (
        {} if manifest.task.spatial_dims == 2 else {path: count_components(path) for path in files}
    )
    return in_order and all(count * len(files) == len(parts) for count in counts.values())


def _lies_apart(case: Case, manifest: Manifest) -> bool:
    preparation = manifest.task.preparation
    own = case.images[reference_channel(case.images, manifest.channels, preparation)]
    others = [case.images[name] for name in manifest.channels if name in preparation.resampled]
    return any(not lie_alike(read_grid(path), read_grid(own)) for path in others)
