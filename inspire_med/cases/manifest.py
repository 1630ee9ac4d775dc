"""Manifest: a data set, which files of which cases belong to it, and its task."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from inspire_med.cases.case import Case
from inspire_med.errors import InputError
from inspire_med.files import read_json, refuse_existing, write_json
from inspire_med.tasks.find import as_stored, from_stored
from inspire_med.tasks.task import Task

FORMAT = 1


class _Stored(msgspec.Struct):
    """What a manifest's JSON holds beside its task's definition."""

    task: str
    channels: tuple[str, ...]
    regions: dict[str, tuple[int, ...]]
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    register: bool = False


@dataclass(frozen=True)
class Manifest:
    """A data set: task, channels in order, regions and cases. Paths are absolute in memory.

    Args:
        task: What is segmented.
        channels: Channel names in the order of the network's input.
        regions: Region name to the label values in the file that make it up; regions may overlap.
        cases: The cases.
        root: Folder that the paths on disk are relative to.
        notes: What whoever uses the set should know, one sentence each.
        register: Channels on another grid are rigidly registered before they are resampled.
    """

    task: Task
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
            stored = msgspec.convert(
                content, _Stored, dec_hook=lambda _, place: _below(root, place)
            )
            manifest = cls(
                task=from_stored(content),
                channels=stored.channels,
                regions=stored.regions,
                cases=stored.cases,
                root=root,
                notes=stored.notes,
                register=stored.register,
            )
            _refuse_twins(manifest.cases)
            _refuse_folders(manifest.cases)
        except ValueError as error:  # of msgspec too
            raise InputError(
                f"{path}: not a valid manifest ({error}); write it again with the prepare command."
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
            InputError: As `refuse_to_replace`.
        """
        path = Path(path)
        refuse_to_replace(path, overwrite=overwrite)
        content = self._content(relative_to=path.parent.resolve())
        content |= {"spatial_dims": self.task.spatial_dims, "notes": self.notes, "hash": self.hash}
        write_json(path, {"format": FORMAT, **content})

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds that there are labelled cases of, rising."""
        labelled = (case for case in self.cases if case.label is not None)
        return tuple(sorted({case.fold for case in labelled if case.fold is not None}))

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
        if not self.folds:
            remedy = "train on all by --fold none" if labelled else "prepare with labels"
            raise InputError(f"fold {number}: no labelled case has a fold; {remedy}.")
        if number not in self.folds:
            folds = list(self.folds)
            raise InputError(f"fold {number}: the manifest has the folds {folds}; choose one.")
        training = tuple(case for case in labelled if case.fold != number)
        if not training:
            raise InputError(f"fold {number}: no case is left to train on; add cases or folds.")
        return training, tuple(case for case in labelled if case.fold == number)

    def _content(self, relative_to: Path | None) -> dict[str, Any]:
        return {
            **as_stored(self.task),
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
    if case.sequence:
        entry["sequence"] = case.sequence
    if case.components:
        entry["components"] = dict(case.components)
    if case.label is not None:
        entry["label"] = place(case.label)
    if case.filled:
        entry["filled"] = list(case.filled)
    entry |= {"fold": case.fold, "shape": list(case.shape), "spacing_mm": list(case.spacing_mm)}
    return entry


def refuse_to_replace(path: Path, *, overwrite: bool) -> None:
    """Refuse to write a manifest over what is there: without leave, or if that is no manifest.

    Raises:
        InputError: As `refuse_existing`; also if `path` is a file of something else.
    """
    refuse_existing(path, overwrite=overwrite)
    if path.is_file() and not _is_manifest(path):
        raise InputError(f"{path}: is no manifest, and stays; choose another place.")


def _is_manifest(path: Path) -> bool:
    """Whether a file is one of whatever format, changed since or not."""
    try:
        content = read_json(path)
    except InputError:
        return False
    return isinstance(content, dict) and content.keys() >= {"format", "cases"}


def _refuse_twins(cases: Sequence[Case]) -> None:
    name, count = Counter(case.id for case in cases).most_common(1)[0] if cases else ("", 0)
    if count > 1:
        raise ValueError(f"{count} cases have the id {name!r}")


def _refuse_folders(cases: Sequence[Case]) -> None:
    """An id names a file: whoever made the manifest must not choose the folder."""
    for name in (case.id for case in cases):
        if name in ("", ".", "..") or any(character in name for character in "/\\\0"):
            raise ValueError(f"the case id {name!r} cannot name a file")


def _below(root: Path, place: object) -> Path:
    if not isinstance(place, str):
        raise ValueError(f"{place!r} is no path")
    return Path(os.path.normpath(root / place))
