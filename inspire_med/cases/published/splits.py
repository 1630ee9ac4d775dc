"""Splits: published ones by name; every picture that one names must be there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.published.sets import PUBLISHED, PublishedSet, published_set
from inspire_med.errors import InputError
from inspire_med.wording import counted, listed

AnyCase = TypeVar("AnyCase", Case, FoundCase)
TRAIN = "train"


def split_names() -> tuple[str, ...]:
    """Names of the published splits."""
    return tuple(dict.fromkeys(split for known in PUBLISHED for split in known.splits))


def part_names() -> tuple[str, ...]:
    """Names of their parts, such as `pranet-test`."""
    names = [
        f"{split}-{row[split]}"
        for split in split_names()
        for known in _sets_of(split)
        for row in known.rows.values()
    ]
    return tuple(dict.fromkeys(names))


def split_as_published(cases: Sequence[Case], split: str) -> tuple[Case, ...]:
    """What a split holds out becomes fold 0, the others are for training only.

    Raises:
        InputError: If a case is of no set that the split knows, or a picture is missing.
    """
    sets = _sets_of(split)
    for case in cases:
        known = published_set(case.site)
        if known not in sets or _stem(case) not in known.rows:
            raise InputError(
                f"--split {split}: {next(iter(case.images.values()))} is of no set that it knows "
                f"({listed([each.name for each in sets])}); leave that source out."
            )
    _refuse_missing(f"--split {split}", cases, {known: {*known.rows} for known in sets})
    return tuple(replace(case, fold=None if _part(case, split) == TRAIN else 0) for case in cases)


def published_note(cases: Sequence[Case], split: str) -> str:
    """What a split as published has of each set, and which of its sets are not there."""
    there: list[str] = []
    absent: list[str] = []
    for known in _sets_of(split):
        own = [case for case in cases if case.site == known.name]
        parts = dict.fromkeys(row[split] for row in known.rows.values())
        counts = [f"{sum(_part(case, split) == part for case in own):,} {part}" for part in parts]
        if own:
            there.append(f"{known.name} {', '.join(counts)}")
        else:
            absent.append(known.name)
    missing = f"; not there: {', '.join(absent)}" if absent else ""
    return f"The split {split}, as published: {'; '.join(there)}{missing}."


def published_part(cases: Sequence[FoundCase], name: str) -> list[FoundCase]:
    """The cases of one part of a published split, such as `pranet-test`.

    Raises:
        InputError: If none of its sets is there, or a picture of one that is there is missing.
    """
    split, _, part = name.rpartition("-")
    wanted = {known: {*known.part(split, part)} for known in _sets_of(split)}
    _refuse_missing(f"--cases {name}", cases, {k: names for k, names in wanted.items() if names})
    return [
        case
        for case in cases
        if (known := published_set(case.site)) in wanted and _stem(case) in wanted[known]
    ]


def _refuse_missing(
    option: str, cases: Sequence[AnyCase], wanted: dict[PublishedSet, set[str]]
) -> None:
    there = {known: {_stem(case) for case in cases if case.site == known.name} for known in wanted}
    if not any(there.values()):
        names = listed([known.name for known in wanted])
        raise InputError(f"{option}: no picture of {names} is there; give one of them as --source.")
    for known, names in wanted.items():
        missing = sorted(names - there[known]) if there[known] else []
        if missing:
            raise InputError(
                f"{option}: {counted(len(missing), 'picture')} of {known.name} not there, such as "
                f"{missing[0]}; give the whole set, or a file of the ids that you have."
            )


def _sets_of(split: str) -> list[PublishedSet]:
    return [known for known in PUBLISHED if split in known.splits]


def _part(case: Case, split: str) -> str:
    known = published_set(case.site)
    return known.rows[_stem(case)][split] if known else ""


def _stem(case: Case | FoundCase) -> str:
    """The picture's own name: an id may have its set's before it."""
    return next(iter(case.images.values())).stem
