"""nnU-Net: a raw folder of its second version, by links into the set, with this set's folds."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, read_json, refuse_existing, write_json
from inspire_med.preparing.nnunet_images import write_pictures, write_volumes
from inspire_med.preparing.nnunet_labels import (
    described_labels,
    numbers,
    write_label,
    write_mask_picture,
)
from inspire_med.tasks.dataset_json import INDEX, SPLITS

_WRITER = "inspire_med"
_OWN = ("imagesTr", "labelsTr", "imagesTs", INDEX, SPLITS)


def write_raw(
    manifest: Manifest, folder: Path, test: Sequence[Case] = (), *, overwrite: bool = False
) -> None:
    """Write the folder; it appears whole, and no file of the set is changed.

    Args:
        manifest: Its labelled cases are for training; those without a label are test cases.
        folder: `DatasetNNN_NAME`, as nnU-Net calls them.
        test: More test cases, of the same channels.
        overwrite: Replace a raw folder that is there.

    Raises:
        InputError: If nothing is labelled, the folder holds something else, or files of the set.
    """
    labelled = [case for case in manifest.cases if case.label is not None]
    if not labelled:
        raise InputError(f"{folder}: no case has a label; nnU-Net's folder is for training.")
    _refuse_other_content(folder, [*manifest.cases, *test], overwrite=overwrite)
    test = [*(case for case in manifest.cases if case.label is None), *test]

    def clear() -> None:
        if folder.is_dir():
            shutil.rmtree(folder)

    with atomic_folder(folder, before_commit=clear) as raw:
        for name in ("imagesTr", "labelsTr", *(["imagesTs"] if test else [])):
            (raw / name).mkdir()
        for case in labelled:
            _write_case(manifest, case, raw / "imagesTr", raw / "labelsTr")
        for case in test:
            _write_case(manifest, case, raw / "imagesTs", None)
        write_json(raw / INDEX, _index(manifest, len(labelled)))
        if len(manifest.folds) > 1 or len({case.fold for case in labelled}) > 1:
            write_json(raw / SPLITS, _splits(manifest, labelled))


def _write_case(manifest: Manifest, case: Case, images: Path, labels: Path | None) -> None:
    number = numbers(manifest.regions, manifest.task.preparation.ignore)
    label = case.label if labels is not None else None
    if manifest.task.spatial_dims == 2:
        write_pictures(images, case, manifest.channels)
        if labels is not None and label is not None:
            write_mask_picture(labels / f"{case.id}.png", label, number)
        return
    preparation = replace(manifest.task.preparation, register=manifest.register)
    grid, header = write_volumes(images, case, manifest.channels, preparation)
    if labels is not None and label is not None:
        write_label(labels / f"{case.id}.nii.gz", label, number, grid, header)


def _index(manifest: Manifest, count: int) -> dict[str, Any]:
    flat = manifest.task.spatial_dims == 2
    return {
        "name": manifest.task.name,
        "channel_names": {str(place): name for place, name in enumerate(manifest.channels)},
        **described_labels(manifest.regions, manifest.task.preparation.ignore),
        "numTraining": count,
        "file_ending": ".png" if flat else ".nii.gz",
        "converted_by": _WRITER,
    }


def _splits(manifest: Manifest, labelled: Sequence[Case]) -> list[dict[str, list[str]]]:
    """nnU-Net's form of the folds: for each the ids that train and those that validate."""
    return [
        {
            "train": [case.id for case in labelled if case.fold != fold],
            "val": [case.id for case in labelled if case.fold == fold],
        }
        for fold in manifest.folds
    ]


def _refuse_other_content(folder: Path, cases: Sequence[Case], *, overwrite: bool) -> None:
    """Only what was written here is ever replaced, and never the set's own files."""
    refuse_existing(folder, overwrite=overwrite)
    place = folder.resolve()
    files = [path for case in cases for path in (*case.images.values(), case.label) if path]
    inside = [path for path in files if path.resolve().is_relative_to(place)]
    if inside:
        raise InputError(
            f"{folder}: holds {inside[0].name} of the set itself; choose another --out."
        )
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not _is_ours(folder)):
        raise InputError(f"{folder}: holds what --as nnunet did not write; choose another --out.")


def _is_ours(folder: Path) -> bool:
    """Was the folder written by `write_raw`, and nothing but pictures of cases added since?"""
    index = folder / INDEX
    if any(path.name not in _OWN for path in folder.iterdir()) or not index.is_file():
        return False
    content = read_json(index)
    return isinstance(content, dict) and content.get("converted_by") == _WRITER
