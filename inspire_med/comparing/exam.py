"""Exam: cases that trained networks predict and are scored on, those of a fold or of a test set."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError


@dataclass(frozen=True)
class Exam:
    """Cases to be tried on.

    Attributes:
        name: Of the test set; empty for a fold of the manifest that is trained on.
        file: The manifest.
        manifest: What it holds.
        fold: The fold; None is every labelled case.
    """

    name: str
    file: Path
    manifest: Manifest
    fold: int | None

    @property
    def cases(self) -> tuple[Case, ...]:
        """Its cases, all of them labelled."""
        return self.manifest.fold(self.fold)[1]

    @property
    def words(self) -> list[str]:
        """The option of `predict` and `evaluate` that chooses the cases of the manifest."""
        return [] if self.fold is None else ["--fold", str(self.fold)]


def load_tests(files: Sequence[Path], trained_on: Manifest) -> tuple[Exam, ...]:
    """Read test sets: every labelled case of each manifest.

    Args:
        files: The manifests.
        trained_on: What the networks are trained on.

    Raises:
        InputError: If a name cannot be that of a folder or comes twice, no case has a label, the
            set is of another task, channels or regions, or it shares an image with training.
    """
    exams = tuple(Exam(file.stem, file.resolve(), Manifest.load(file), None) for file in files)
    names = [exam.name for exam in exams]
    for exam in exams:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", exam.name) or names.count(exam.name) > 1:
            raise InputError(
                f"option --test: {exam.name!r}, a file's name, is also its set's; give each "
                "file its own, of letters, digits and . _ -."
            )
        if not exam.cases:
            raise InputError(f"{exam.file}: no case has a label; give a labelled manifest.")
        _refuse_other_kind(exam, trained_on)
    _refuse_shared(exams, trained_on)
    return exams


def _refuse_other_kind(exam: Exam, trained_on: Manifest) -> None:
    test = exam.manifest
    for what, own, theirs in (
        ("task", test.task.name, trained_on.task.name),
        ("channels", list(test.channels), list(trained_on.channels)),
        ("regions", dict(test.regions), dict(trained_on.regions)),
    ):
        if own != theirs:
            raise InputError(
                f"{exam.file}: its {what} {own} is not that of the training, {theirs}; prepare it "
                "alike."
            )


def _refuse_shared(exams: Sequence[Exam], trained_on: Manifest) -> None:
    """Refuse a test case whose image is, byte for byte, one of the training manifest's."""
    seen = _images(trained_on.cases)
    sizes = {file.stat().st_size for file in seen}  # files of other sizes need not be read
    marks = {_mark(file): case for file, case in seen.items()} if exams else {}
    for exam in exams:
        for file, case in _images(exam.cases).items():
            twin = marks.get(_mark(file)) if file.stat().st_size in sizes else None
            if twin is not None:
                raise InputError(
                    f"{exam.file}: its case {case} has an image of case {twin}, which may be "
                    "trained on; take it out of one of the two manifests."
                )


def _images(cases: Iterable[Case]) -> dict[Path, str]:
    return {file: case.id for case in cases for file in case.images.values()}


def _mark(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()
