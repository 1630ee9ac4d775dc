"""Exam: cases that trained networks predict and are scored on, those of a fold or of a test set."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.twins import shared_images
from inspire_med.errors import InputError
from inspire_med.wording import counted


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
            set is of another task, channels or regions, or it shares an image with training,
            stored alike or not.
    """
    exams = tuple(Exam(file.stem, file.resolve(), Manifest.load(file), None) for file in files)
    names = [exam.name for exam in exams]
    for exam in exams:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", exam.name):
            raise InputError(
                f"option --test: {exam.name!r} is to name a folder; call the file by letters, "
                "digits and . _ -."
            )
        if names.count(exam.name) > 1:
            raise InputError(
                f"option --test: two files are called {exam.name!r}, and a set is called as its "
                "file; rename one."
            )
        if not exam.cases:
            raise InputError(f"{exam.file}: no case has a label; give a labelled manifest.")
        _refuse_other_kind(exam, trained_on)
    _refuse_shared(exams, trained_on)
    return exams


def acquainted_note(exam: Exam, trained_on: Manifest) -> str:
    """A sentence where test cases are of patients that cases of the training manifest are of too.

    That is no fault: published splits of frames from videos are so. A patient who is called as the
    case is nobody that could be met again.
    """
    known = {case.patient for case in trained_on.cases if case.label is not None}
    named = [case for case in exam.cases if case.patient != case.id]
    met = sum(case.patient in known for case in named)
    if not met:
        return ""
    return (
        f"{counted(len(exam.cases), 'test case')}, {met:,} of them of patients (or videos) of whom "
        "the manifest that is trained on has other cases: strangers may be harder."
    )


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
    """Refuse a test case that shows what a case of the training manifest shows."""
    tried = [case for exam in exams for case in exam.cases]
    known = [case for case in trained_on.cases if case.label is not None]
    for case, owner in shared_images(tried, known):
        file = next(exam.file for exam in exams if case in exam.cases)
        raise InputError(
            f"{file}: its case {case.id} has an image of case {owner.id}, which the networks may "
            "train on; take it out of one of the two manifests."
        )
