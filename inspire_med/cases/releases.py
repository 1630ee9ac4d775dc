"""Releases: which one a set is of, and so which label values make up its regions."""

from collections.abc import Collection, Iterable, Mapping

from inspire_med.errors import InputError
from inspire_med.imaging.masks import values_of
from inspire_med.tasks.task import Release, Task
from inspire_med.wording import counted

Held = Mapping[str, Collection[int]]


def label_values(task: Task, layout: str) -> tuple[int, ...]:
    """Every value that a label file may hold, 0 and one to ignore among them."""
    held = [values_of(release.regions) for release in _releases(task, layout)]
    return tuple(sorted({0, *task.preparation.ignored}.union(*held)))


def release_of(task: Task, layout: str, held: Held) -> Release:
    """The first release that all cases can be of, or else most; its regions are the set's.

    Args:
        task: What the set is for.
        layout: The layout of its files.
        held: By case id, the values that occur in its label file.

    Raises:
        InputError: If there is none, as where sets of unlike releases are mixed.
    """
    releases = _releases(task, layout)
    fitting = {release.name: _fitting(release, held) for release in releases}
    best = max(releases, key=lambda release: len(fitting[release.name]))
    own = fitting[best.name]
    if 2 * len(own) > len(held):
        return best
    examples = [*own[:1], *[case for case in held if case not in own][:1]]
    said = " and ".join(f"{_listed(held[case])} of case {case}" for case in examples)
    known = "; ".join(f"{r.name}: {_listed(values_of(r.regions))}" for r in releases)
    raise InputError(
        f"labels: the values {said} fit no one release of {task.name} that most cases are of "
        f"({known}), so several may be mixed; prepare each by itself."
    )


def strangers(release: Release, held: Held) -> dict[str, str]:
    """The cases that cannot be of the release that the others are of, and why not.

    Args:
        release: As `release_of` gave it.
        held: By case id, the values that occur in its label file.
    """
    own = set(_fitting(release, held))
    of_all = f"{len(own):,} of the {counted(len(held), 'case')} are of that release"

    def why(values: Collection[int]) -> str:
        odd = {*values} - {0} - values_of(release.regions)
        what = f"holds label {_listed(odd)}, which" if odd else "is named as no case that"
        return f"{what} '{release.name}' has{' not' if odd else ''}, and {of_all}"

    return {case: why(values) for case, values in held.items() if case not in own}


def others_that_fit(task: Task, layout: str, release: Release, held: Held) -> list[str]:
    """One sentence where the labels could mean other regions too, as where a rare one is in none.

    Args:
        task: What the set is for.
        layout: The layout of its files.
        release: The one it is taken for.
        held: By case id, the values that occur in its label file.
    """
    values = {value for own in held.values() for value in own}

    def meant(each: Release) -> dict[str, set[int]]:
        return {name: values & set(own) for name, own in each.regions.items() if values & set(own)}

    others = [
        each.name
        for each in _releases(task, layout)
        if _fits(each, values, held) and meant(each) != meant(release)
    ]
    return [
        f"The labels {_listed(values)} are read as in '{release.name}'; they would fit "
        f"'{other}' too, with other regions."
        for other in others[:1]
    ]


def _releases(task: Task, layout: str) -> list[Release]:
    known = task.releases or (Release("every one", task.regions),)
    return [release for release in known if not release.layouts or layout in release.layouts]


def _fitting(release: Release, held: Held) -> list[str]:
    """The cases that can be of a release; none where what must occur in it does in none of them."""
    fitting = [case for case, values in held.items() if _fits(release, values, [case])]
    all_held = {value for case in fitting for value in held[case]}
    return fitting if not release.holds or all_held & set(release.holds) else []


def _fits(release: Release, values: Collection[int], ids: Iterable[str]) -> bool:
    names = [name.lower() for name in ids]
    strange = tuple(beginning.lower() for beginning in release.not_ids)
    return (
        values_of(release.regions) >= set(values) - {0}
        and all(name.startswith(release.ids.lower()) for name in names)
        and not any(name.startswith(strange) for name in names)
    )


def _listed(values: Iterable[int]) -> str:
    return " ".join(map(str, sorted(set(values) - {0})))
