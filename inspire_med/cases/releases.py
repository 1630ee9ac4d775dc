"""Releases: which one a set is of, and so which label values make up its regions."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from inspire_med.errors import InputError
from inspire_med.imaging.masks import values_of
from inspire_med.tasks.task import Release, Task


def label_values(task: Task, layout: str) -> tuple[int, ...]:
    """Every value that a label file may hold, 0 among them."""
    held = [values_of(release.regions) for release in _releases(task, layout)]
    return tuple(sorted({0}.union(*held)))


def regions_of(
    task: Task, layout: str, values: Iterable[int], ids: Sequence[str]
) -> Mapping[str, tuple[int, ...]]:
    """The regions of the first release that a set can be of.

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
        if _fits(release, values, ids):
            return release.regions
    known = "; ".join(f"{r.name}: {_listed(values_of(r.regions))}" for r in releases)
    raise InputError(
        f"labels: the values {_listed(values)} in cases such as {' and '.join(_unlike(ids))} fit "
        f"no release of {task.name} ({known}), so several may be mixed; prepare each by itself."
    )


def _releases(task: Task, layout: str) -> list[Release]:
    known = task.releases or (Release("every one", task.regions),)
    return [release for release in known if not release.layouts or layout in release.layouts]


def _fits(release: Release, values: Collection[int], ids: Iterable[str]) -> bool:
    names = [name.lower() for name in ids]
    strange = tuple(beginning.lower() for beginning in release.not_ids)
    return (
        values_of(release.regions) >= set(values)
        and (not release.holds or not set(values).isdisjoint(release.holds))
        and all(name.startswith(release.ids.lower()) for name in names)
        and not any(name.startswith(strange) for name in names)
    )


def _listed(values: Iterable[int]) -> str:
    return " ".join(map(str, sorted(values)))


def _unlike(ids: Sequence[str]) -> list[str]:
    """The first and the last id in alphabetical order, which differ if any do."""
    return sorted({min(ids), max(ids)})
