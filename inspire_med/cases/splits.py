"""Splits: folds that keep together what belongs together."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from inspire_med.cases.case import Case
from inspire_med.cases.named_splits import split_by_file
from inspire_med.cases.published.splits import split_as_published
from inspire_med.cases.twins import joined_names
from inspire_med.errors import InputError

Group = Literal["patient", "sequence", "site"]
FOLDS = 5


@dataclass(frozen=True)
class Split:
    """How cases are to be split.

    Args:
        folds: How many; None is 5, or one a site where sites never part.
        seed: Of the dealing.
        group_by: What never parts.
        published: Name of a published split.
        file: Names the cases of fold 0, or of each fold.
        allowed: Leaks that are accepted, and stated.
    """

    folds: int | None = None
    seed: int = 0
    group_by: Group = "patient"
    published: str | None = None
    file: Path | None = None
    allowed: frozenset[str] = frozenset()


def split_cases(
    cases: Sequence[Case],
    sizes: Sequence[float],
    images: Sequence[Collection[bytes]],
    split: Split,
) -> tuple[Case, ...]:
    """Give the cases their folds, by name, or else as their source has them, or else by dealing.

    Args:
        cases: The cases.
        sizes: Share of labelled voxels of each case.
        images: What the images of each are known by.
        split: The request.

    Raises:
        InputError: As the functions below; also if folds were to be dealt by what the cases lack.
    """
    if split.published is not None:
        return split_as_published(cases, split.published)
    if split.file is not None:
        return split_by_file(cases, split.file)
    if any(case.fold is not None for case in cases):
        if split.folds is not None or split.group_by != "patient":
            option = "--folds" if split.folds is not None else "--group_by"
            raise InputError(f"{option}: the source brings folds of its own; leave it out.")
        return tuple(cases)
    if split.group_by == "site":
        return leave_sites_out(cases, split.folds)
    if split.group_by == "sequence" and not any(case.sequence for case in cases):
        raise InputError(
            "--group_by sequence: no case is known to be a frame of a video; leave the option out."
        )
    names = [(split.group_by == "sequence" and case.sequence) or case.patient for case in cases]
    groups = joined_names(names, images)
    return assign_folds(cases, groups, sizes, folds=split.folds or FOLDS, seed=split.seed)


def assign_folds(
    cases: Sequence[Case], groups: Sequence[str], sizes: Sequence[float], *, folds: int, seed: int
) -> tuple[Case, ...]:
    """Give every labelled case a fold: groups whole, folds alike in site and lesion size.

    Groups (patients, or sequences) are ordered by site, then lesion size; each run of `folds`
    neighbours is dealt to the folds in seeded order, or, where they hold unlike many cases, the
    largest to the fold with the fewest. With fewer groups than folds there are as many folds as
    groups; one group alone is given none, for nothing would be left to train on.

    Args:
        cases: The cases.
        groups: What each is of.
        sizes: Share of labelled voxels of each case.
        folds: How many folds are wanted.
        seed: Of the dealing.
    """
    mean_sizes = _by_group(cases, groups, sizes)
    order = sorted(mean_sizes, key=lambda group: (*mean_sizes[group], group))
    count = min(folds, len(order))
    if count < 2:
        return tuple(replace(case, fold=None) for case in cases)
    members = Counter(groups)
    held = [0] * count
    random = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for begin in range(0, len(order), count):
        neighbours = order[begin : begin + count]
        dealt: list[int] = random.permutation(count).tolist()
        if len({members[group] for group in neighbours}) > 1:
            neighbours.sort(key=lambda group: -members[group])
            dealt.sort(key=lambda fold: held[fold])
        for group, fold in zip(neighbours, dealt, strict=False):
            fold_of[group] = fold
            held[fold] += members[group]
    return _with_folds(cases, groups, fold_of)


def leave_sites_out(cases: Sequence[Case], folds: int | None) -> tuple[Case, ...]:
    """Give every labelled case a fold: sites whole, one fold a site unless fewer are wanted.

    Then sites are dealt from the largest on, each to the fold that has the fewest cases.

    Args:
        cases: The cases.
        folds: How many folds are wanted; None is one a site.

    Raises:
        InputError: If a case is of no known site, or all are of one.
    """
    labelled = [case for case in cases if case.label is not None]
    counts = Counter(case.site for case in labelled)
    if "" in counts:
        case = next(case for case in labelled if not case.site)
        raise InputError(
            f"--group_by site: case {case.id} is of no known site; give each site's folder as a "
            "--source of its own, or leave the option out."
        )
    if len(counts) < 2:
        raise InputError(
            f"--group_by site: every case is of one site ({next(iter(counts), 'none')}), so none "
            "can be left out; add sites, or leave the option out."
        )
    order = sorted(counts, key=lambda site: (-counts[site], site))
    held = [0] * min(folds or len(order), len(order))
    fold_of: dict[str, int] = {}
    for site in order if len(held) < len(order) else sorted(counts):
        fold_of[site] = held.index(min(held))
        held[fold_of[site]] += counts[site]
    return _with_folds(cases, [case.site for case in cases], fold_of)


def _with_folds(
    cases: Sequence[Case], groups: Sequence[str], fold_of: Mapping[str, int]
) -> tuple[Case, ...]:
    return tuple(
        replace(case, fold=fold_of.get(group)) for case, group in zip(cases, groups, strict=True)
    )


def _by_group(
    cases: Sequence[Case], groups: Sequence[str], sizes: Sequence[float]
) -> dict[str, tuple[str, float]]:
    """Site and mean lesion size of every group that has a label."""
    gathered: dict[str, list[tuple[str, float]]] = {}
    for case, group, size in zip(cases, groups, sizes, strict=True):
        if case.label is not None:
            gathered.setdefault(group, []).append((case.site, size))
    return {
        group: (entries[0][0], float(np.mean([size for _, size in entries])))
        for group, entries in gathered.items()
    }
