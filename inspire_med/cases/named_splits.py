"""Named splits: folds that a file of case ids says."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from inspire_med.cases.case import Case
from inspire_med.errors import InputError
from inspire_med.files import read_json, read_text
from inspire_med.imaging.volume import bare_name


def split_by_file(cases: Sequence[Case], path: Path) -> tuple[Case, ...]:
    """Folds by a file: ids one a line are fold 0, the others are for training only.

    Or JSON as nnU-Net keeps its folds (`splits_final.json`): `[{"train": [ids], "val": [ids]}]`.

    Raises:
        InputError: As `read_text` and `named_in`; also if a JSON file is of another form, validates
            a case twice, or trains in a fold on anything but all other cases.
    """
    known = {case.id for case in cases}
    if path.suffix.lower() != ".json":
        names = named_in(path, known)
        return tuple(replace(case, fold=0 if case.id in names else None) for case in cases)
    folds = folds_in(path, known)
    return tuple(replace(case, fold=folds.get(case.id)) for case in cases)


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


class _Fold(msgspec.Struct):
    train: list[str]
    val: list[str]


def folds_in(path: Path, known: Collection[str]) -> dict[str, int]:
    """The fold that each case is validated in, by a file of nnU-Net's.

    Args:
        path: The file.
        known: The ids that there are.

    Raises:
        InputError: If it is of another form, validates a case twice, or trains in a fold on
            anything but all other cases.
    """
    try:
        listed = msgspec.convert(read_json(path), list[_Fold])
    except msgspec.ValidationError as error:
        raise InputError(
            f"{path}: not a list of folds ({error}); write it as [{{train: [ids], val: [ids]}}]."
        ) from None
    folds: dict[str, int] = {}
    for number, fold in enumerate(listed):
        strange = sorted({*fold.train, *fold.val}.difference(known))
        if strange:
            raise InputError(
                f"{path}: names {strange[0]}, which is not among the cases; is it this set's file?"
            )
        if {*fold.train} != {*known} - {*fold.val}:
            raise InputError(
                f"{path}: its fold {number} does not train on all cases but those it validates on; "
                "name with --cases those that are used, or mend it."
            )
        for name in fold.val:
            if folds.setdefault(name, number) != number:
                raise InputError(
                    f"{path}: validates {name} in the folds {folds[name]} and {number}; keep one."
                )
    if not folds:
        raise InputError(f"{path}: names no case; list the ids of each fold.")
    return folds
