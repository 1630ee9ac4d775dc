"""Releases: which one a set is of, and so which label values make up its regions."""

from collections.abc import Collection, Iterable, Sequence

from inspire_med.errors import InputError
from inspire_med.imaging.masks import values_of
from inspire_med.tasks.task import Release, Task


def label_values(task: Task, layout: str) -> tuple[int, ...]:
    """Every value that a label file may hold, 0 among them."""
    held = [values_of(release.regions) for release in _releases(task, layout)]
    return tuple(sorted({0}.union(*held)))


def release_of(task: Task, layout: str, values: Iterable[int], ids: Sequence[str]) -> Release:
    """The first release that a set can be of; its regions are the set's.

    Args:
        task: What the set is for.
        layout: The layout of its files.
        values: Every value that occurs in its label files.
        ids: Its case ids.

    Raises:
        InputError: If it can be of none, as where sets of unlike releases are mixed.
    """
    values = set(values) - {0}
    releases = _releases(task, layout)
    for release in releases:
        if _fits(release, values, ids) and _holds(release, values):
            return release
    known = "; ".join(f"{r.name}: {_listed(values_of(r.regions))}" for r in releases)
    raise InputError(
        f"labels: the values {_listed(values)} in cases such as {' and '.join(_unlike(ids))} fit "
        f"no release of {task.name} ({known}), so several may be mixed; prepare each by itself."
    )


def others_that_fit(
    task: Task, layout: str, release: Release, values: Iterable[int], ids: Sequence[str]
) -> list[str]:
    """One sentence where the labels could mean other regions too, as where a rare one is in none.

    Args:
        task: What the set is for.
        layout: The layout of its files.
        release: The one it is taken for.
        values: Every value that occurs in its label files.
        ids: Its case ids.
    """
    values = set(values) - {0}

    def meant(each: Release) -> dict[str, set[int]]:
        return {name: values & set(own) for name, own in each.regions.items() if values & set(own)}

    others = [
        each.name
        for each in _releases(task, layout)
        if _fits(each, values, ids) and meant(each) != meant(release)
    ]
    return [
        f"The labels {_listed(values)} are read as in '{release.name}'; they would fit "
        f"'{other}' too, with other regions."
        for other in others[:1]
    ]


def _releases(task: Task, layout: str) -> list[Release]:
    known = task.releases or (Release("every one", task.regions),)
    return [release for release in known if not release.layouts or layout in release.layouts]


def _fits(release: Release, values: Collection[int], ids: Iterable[str]) -> bool:
    names = [name.lower() for name in ids]
    strange = tuple(beginning.lower() for beginning in release.not_ids)
    return (
        values_of(release.regions) >= set(values)
        and all(name.startswith(release.ids.lower()) for name in names)
        and not any(name.startswith(strange) for name in names)
    )


def _holds(release: Release, values: Collection[int]) -> bool:
    return not release.holds or not set(values).isdisjoint(release.holds)


def _listed(values: Iterable[int]) -> str:
    return " ".join(map(str, sorted(values)))


def _unlike(ids: Sequence[str]) -> list[str]:
    """The first and the last id in alphabetical order, which differ if any do."""
    return sorted({min(ids), max(ids)})
