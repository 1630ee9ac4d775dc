"""Splits: folds that keep a patient together, and published lists of cases."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inspire_med.cases.case import Case
from inspire_med.cases.twins import Twins
from inspire_med.errors import InputError
from inspire_med.files import read_text
from inspire_med.imaging.volume import bare_name


def assign_folds(
    cases: Sequence[Case], sizes: Sequence[float], *, folds: int, seed: int
) -> tuple[Case, ...]:
    """Give every labelled case a fold: patients whole, folds alike in site and lesion size.

    Patients are ordered by site, then lesion size; each run of `folds` neighbours is dealt to the
    folds in seeded order. With fewer patients than folds there are as many folds as patients, with
    one patient none.

    Args:
        cases: The cases.
        sizes: Share of labelled voxels of each case.
        folds: How many folds are wanted.
        seed: Of the dealing.
    """
    mean_sizes = _by_patient(cases, sizes)
    order = sorted(mean_sizes, key=lambda patient: (*mean_sizes[patient], patient))
    count = min(folds, len(order))
    if count < 2:
        return tuple(replace(case, fold=None) for case in cases)
    random = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for begin in range(0, len(order), count):
        neighbours = order[begin : begin + count]
        fold_of |= zip(neighbours, random.permutation(count).tolist(), strict=False)
    return tuple(replace(case, fold=fold_of.get(case.patient)) for case in cases)


def split_by_names(cases: Sequence[Case], path: Path) -> tuple[Case, ...]:
    """The cases that a file names, one id a line, become fold 0; the others are for training only.

    Raises:
        InputError: As `read_text`; also if it is empty, or names a case that is not there.
    """
    names = named_in(path, {case.id for case in cases})
    return tuple(replace(case, fold=0 if case.id in names else None) for case in cases)


def named_in(path: Path, known: Collection[str]) -> set[str]:
    """The ids that a file names, one a line, with or without a file's suffix.

    Args:
        path: The file.
        known: The ids that there are.

    Raises:
        InputError: As `read_text`; also if it is empty, or names a case that is not there.
    """
    names = {line.strip() for line in read_text(path).splitlines() if line.strip()}
    # Lists of published splits name files with or without suffix.
    names = {name if name in known else bare_name(Path(name)) for name in names}
    strange = sorted(names.difference(known))
    if strange or not names:
        raise InputError(
            f"{path}: names {strange[0]}, which is not among the cases; is it this set's list?"
            if strange
            else f"{path}: names no case; put one case id on each line."
        )
    return names


def refuse_parted(cases: Sequence[Case], twins: Sequence[Twins]) -> None:
    """Refuse folds that let one copy of an image train while the other validates.

    Raises:
        InputError: If they do, naming both.
    """
    folds = {case.id: case.fold for case in cases}
    for case, other in twins:
        if folds[case] != folds[other]:
            raise InputError(
                f"cases {other} and {case}: hold the same image, and the split would let one train "
                "while the other validates; put both on one side, or take one out."
            )


def _by_patient(cases: Sequence[Case], sizes: Sequence[float]) -> dict[str, tuple[str, float]]:
    """Site and mean lesion size of every patient who has a label."""
    gathered: dict[str, list[tuple[str, float]]] = {}
    for case, size in zip(cases, sizes, strict=True):
        if case.label is not None:
            gathered.setdefault(case.patient, []).append((case.site, size))
    return {
        patient: (entries[0][0], float(np.mean([size for _, size in entries])))
        for patient, entries in gathered.items()
    }
