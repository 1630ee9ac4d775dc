"""Case and Manifest: which files belong together, read where they lie."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspire_med.errors import InputError
from inspire_med.files import read_json, refuse_existing, write_json

FORMAT = 1


@dataclass(frozen=True)
class Case:
    """One study: its image files by channel name, and its label file.

    Args:
        id: Unique in the manifest; the prediction's file name.
        patient: Cases of one patient (or one video) never part over folds.
        images: Channel name to file. Several channels may come from one file (RGB, 4-D volumes).
        shape: Size of the case's own grid: (i, j, k) of the file, or (height, width).
        spacing_mm: Voxel size on that grid; images have no unit and get 1.0.
        label: The expert's mask, None where there is none.
        site: Subgroup of the set that folds are balanced over: centre, grade or sub-collection.
        fold: Fold in which the case is validated; None is never.
        components: Channel name to its index in a file that holds several channels.
        filled: Channels that the case lacks and that are filled with zeros by request.
    """

    id: str
    patient: str
    images: Mapping[str, Path]
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    label: Path | None = None
    site: str = ""
    fold: int | None = None
    components: Mapping[str, int] = field(default_factory=dict)
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """A data set: task, channels in order, regions and cases. Paths are absolute in memory.

    Args:
        task: brats, isles or polyp.
        channels: Channel names in the order of the network's input.
        regions: Region name to the label values in the file that make it up; regions may overlap.
        cases: The cases.
        root: Folder that the paths on disk are relative to.
        notes: What whoever uses the set should know, one sentence each.
        register: Channels on another grid are rigidly registered before they are resampled.
    """

    task: str
    channels: tuple[str, ...]
    regions: Mapping[str, tuple[int, ...]]
    cases: tuple[Case, ...]
    root: Path
    notes: tuple[str, ...] = ()
    register: bool = False

    @property
    def hash(self) -> str:
        """Identity of the set and its folds: SHA-256 without the place where the files lie."""
        content = self._content(relative_to=None)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @classmethod
    def load(cls, path: str | Path) -> "Manifest":
        """Read a manifest.

        Raises:
            InputError: If the file is missing, is no manifest, or was changed after it was written.
        """
        path = Path(path)
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise InputError(
                f"{path}: not a manifest of format {FORMAT}; write it with the prepare command."
            )
        root = path.resolve().parent
        try:
            manifest = cls(
                task=str(content["task"]),
                channels=tuple(map(str, content["channels"])),
                regions={str(k): tuple(map(int, v)) for k, v in content["regions"].items()},
                cases=tuple(_case_from_json(entry, root) for entry in content["cases"]),
                root=root,
                notes=tuple(map(str, content.get("notes", []))),
                register=bool(content.get("register", False)),
            )
            _refuse_twins(manifest.cases)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path}: not a valid manifest ({type(error).__name__}: {error}); "
                "write it again with the prepare command."
            ) from None
        if content.get("hash", manifest.hash) != manifest.hash:
            raise InputError(
                f"{path}: its hash does not fit its content, so it was changed after it was "
                "written; run the prepare command again, or remove the hash to accept the change."
            )
        return manifest

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the manifest atomically, paths relative to its folder.

        Raises:
            InputError: If `path` exists and `overwrite` is False.
        """
        path = Path(path)
        refuse_existing(path, overwrite=overwrite)
        content = self._content(relative_to=path.parent.resolve())
        write_json(path, {"format": FORMAT, **content, "notes": self.notes, "hash": self.hash})

    def fold(self, number: int | None) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
        """Split into cases for training and cases for validation; both are labelled.

        Args:
            number: The fold to validate on. None trains and validates on every case.

        Raises:
            InputError: If no case belongs to that fold, or if nothing is left to train on.
        """
        labelled = tuple(case for case in self.cases if case.label is not None)
        if number is None:
            return labelled, labelled
        folds = sorted({case.fold for case in labelled if case.fold is not None})
        if number not in folds:
            raise InputError(f"fold {number}: the manifest has the folds {folds}; choose one.")
        training = tuple(case for case in labelled if case.fold != number)
        if not training:
            raise InputError(f"fold {number}: no case is left to train on; add cases or folds.")
        return training, tuple(case for case in labelled if case.fold == number)

    def _content(self, relative_to: Path | None) -> dict[str, Any]:
        return {
            "task": self.task,
            "channels": list(self.channels),
            "regions": {name: list(values) for name, values in self.regions.items()},
            "register": self.register,
            "cases": [_case_to_json(case, relative_to) for case in self.cases],
        }


def _case_to_json(case: Case, relative_to: Path | None) -> dict[str, Any]:
    """One entry; without a folder, file names alone stand for the paths."""

    def place(path: Path) -> str:
        return (
            path.name
            if relative_to is None
            else Path(os.path.relpath(path, relative_to)).as_posix()
        )

    entry: dict[str, Any] = {"id": case.id, "patient": case.patient, "site": case.site}
    entry["images"] = {channel: place(path) for channel, path in case.images.items()}
    if case.components:
        entry["components"] = dict(case.components)
    if case.label is not None:
        entry["label"] = place(case.label)
    if case.filled:
        entry["filled"] = list(case.filled)
    entry |= {"fold": case.fold, "shape": list(case.shape), "spacing_mm": list(case.spacing_mm)}
    return entry


def _case_from_json(entry: dict[str, Any], root: Path) -> Case:
    label, fold = entry.get("label"), entry.get("fold")
    return Case(
        id=_file_name(str(entry["id"])),
        patient=str(entry["patient"]),
        images={str(name): _absolute(root, path) for name, path in entry["images"].items()},
        shape=tuple(int(size) for size in entry["shape"]),
        spacing_mm=tuple(float(size) for size in entry["spacing_mm"]),
        label=None if label is None else _absolute(root, label),
        site=str(entry.get("site", "")),
        fold=None if fold is None else int(fold),
        components={str(name): int(index) for name, index in entry.get("components", {}).items()},
        filled=tuple(map(str, entry.get("filled", []))),
    )


def _refuse_twins(cases: Sequence[Case]) -> None:
    name, count = Counter(case.id for case in cases).most_common(1)[0] if cases else ("", 0)
    if count > 1:
        raise ValueError(f"{count} cases have the id {name!r}")


def _file_name(name: str) -> str:
    """The id, if it can name a file: whoever made the manifest must not choose the folder."""
    if name in ("", ".", "..") or any(character in name for character in "/\\\0"):
        raise ValueError(f"the case id {name!r} cannot name a file")
    return name


def _absolute(root: Path, path: str) -> Path:
    return Path(os.path.normpath(root / path))
