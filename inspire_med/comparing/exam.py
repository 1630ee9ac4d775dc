"""Exam: cases that trained networks predict and are scored on, those of a fold or of a test set."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inspire_med.cases.case import Case
from inspire_med.cases.leaks import find_leaks, refuse_leaks
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.twins import shared_images
from inspire_med.errors import InputError


@dataclass(frozen=True)
class Exam:
    """Cases to be tried on.

    Attributes:
        name: Of the test set; empty for a fold of the manifest that is trained on.
        file: The manifest.
        manifest: What it holds.
        fold: The fold; None is every labelled case.
        leaks: What is tested on and trained on too, by request; a sentence each.
    """

    name: str
    file: Path
    manifest: Manifest
    fold: int | None
    leaks: tuple[str, ...] = ()

    @property
    def cases(self) -> tuple[Case, ...]:
        """Its cases, all of them labelled."""
        return self.manifest.fold(self.fold)[1]

    @property
    def words(self) -> list[str]:
        """The option of `predict` and `evaluate` that chooses the cases of the manifest."""
        return [] if self.fold is None else ["--fold", str(self.fold)]


def load_tests(
    files: Sequence[Path], trained_on: Manifest, allowed: Collection[str] = ()
) -> tuple[Exam, ...]:
    """Read test sets: every labelled case of each manifest.

    Args:
        files: The manifests.
        trained_on: What the networks are trained on.
        allowed: What may be on both sides, and is then stated.

    Raises:
        InputError: If a name cannot be that of a folder or comes twice, no case has a label, the
            set is of another task, channels or regions, or it shares a patient, a sequence or an
            image (stored alike or not) with training that it may not share.
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
    return tuple(_with_leaks(exams, trained_on, allowed))


def refuse_absent_files(cases: Iterable[Case]) -> None:
    """Scores are those of the cases' own files: a store that prepared them is not enough.

    Raises:
        InputError: Names the first file that is not there.
    """
    for case in cases:
        file = case.missing_file()
        if file is not None:
            raise InputError(
                f"{file}: no such file, and networks are scored on the cases' own files; give the "
                "command where they are; a training of one fold alone can do with the store."
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


def _with_leaks(
    exams: Sequence[Exam], trained_on: Manifest, allowed: Collection[str]
) -> list[Exam]:
    known = [case for case in trained_on.cases if case.label is not None]
    shared = list(shared_images([case for exam in exams for case in exam.cases], known))
    found: list[Exam] = []
    for exam in exams:
        cases, folds = [*known, *exam.cases], [None] * len(known) + [exam.name] * len(exam.cases)
        # Each test image is known by its case's place: so all of them are counted.
        places = {id(case): place for place, case in enumerate(cases)}
        images = [{place} if fold else set[int]() for place, fold in enumerate(folds)]
        for case, owner in shared:
            if id(case) in places:
                images[places[id(owner)]].add(places[id(case)])
        leaks = find_leaks(cases, folds, images)
        found.append(replace(exam, leaks=tuple(refuse_leaks(leaks, allowed, str(exam.file)))))
    return found
