"""Found: what a layout's reader saw in a folder, before any file was opened."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.imaging.output import refuse_clashes
from inspire_med.tasks.task import LABEL, Task


@dataclass(frozen=True)
class FoundCase:
    """Files that belong together by their names. Arguments as in `cases.case.Case`."""

    id: str
    patient: str
    images: Mapping[str, Path]
    label: Path | None = None
    site: str = ""
    components: Mapping[str, int] = field(default_factory=dict)
    fold: int | None = None
    sequence: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """Its images, then its label."""
        return (*self.images.values(), *(() if self.label is None else (self.label,)))


@dataclass(frozen=True)
class Findings:
    """The cases of a folder, and what is wrong with their names.

    Args:
        layout: Name of the release whose shape the folder has.
        cases: The cases.
        problems: One sentence each.
        notes: What was understood from the names and should be said aloud.
        left_out: Files that are named as the layout has it, and as no channel and no label.
        refused: Files of cases that a problem keeps out.
    """

    layout: str
    cases: tuple[FoundCase, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[Path, ...] = ()
    refused: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of all cases, then what was left out or refused."""
        of_cases = (path for case in self.cases for path in case.files)
        return (*of_cases, *self.left_out, *self.refused)


def said_twice(case: str, kinds: Mapping[str, Sequence[Path]]) -> str | None:
    """One sentence on the first channel of a case that has two files; None where none has.

    Args:
        case: Its id.
        kinds: Channel name, or `label`, to the files that are named so.
    """
    for kind, paths in kinds.items():
        if len(paths) > 1:
            first, second, *_ = paths
            what = "its label" if kind == LABEL else f"the channel {kind}"
            return f"{second}: case {case} has two files for {what}, this and {first}; keep one."
    return None


def joined(cases: Iterable[FoundCase], channels: Sequence[str]) -> tuple[FoundCase, ...]:
    """Make cases of one id one, as where images lie in one folder and labels in another.

    Args:
        cases: The cases.
        channels: All channel names of the task, in order.

    Raises:
        InputError: If two cases of one id hold the same thing, or two ids clash: predictions would
            share a file.
    """
    by_id: dict[str, FoundCase] = {}
    for case in cases:
        known = by_id.get(case.id)
        by_id[case.id] = case if known is None else _both(known, case, channels)
    refuse_clashes(by_id)
    return tuple(by_id.values())


def _both(first: FoundCase, second: FoundCase, channels: Sequence[str]) -> FoundCase:
    if first.images.keys() & second.images.keys() or (first.label and second.label):
        raise InputError(
            f"{second.files[0]}: its case {second.id} has the name of the one at "
            f"{first.files[0]}; rename one, or take the sets separately."
        )
    images = {**first.images, **second.images}
    return replace(
        first,
        images={channel: images[channel] for channel in channels if channel in images},
        label=first.label or second.label,
        site=first.site or second.site,
        components={**first.components, **second.components},
    )


def shared_file(task: Task, path: Path) -> tuple[dict[str, Path], dict[str, int]]:
    """The images and components of a case whose channels are the parts of one file, in order."""
    return dict.fromkeys(task.channels, path), in_order(task)


def in_order(task: Task) -> dict[str, int]:
    """Which part of a file that holds all channels each is, where nothing says otherwise."""
    return {channel: number for number, channel in enumerate(task.channels)}


def label_word(task: Task) -> str:
    """What file names usually call the task's label."""
    return next(word for word, name in task.kinds().items() if name == LABEL)


def with_file(found: Findings | None, path: Path) -> Findings | None:
    """Only the case that this image file belongs to, or None if there is none."""
    if found is None:
        return None
    cases = tuple(case for case in found.cases if path in case.images.values())
    if not cases and not found.problems:
        return None
    return replace(found, cases=cases, problems=() if cases else found.problems)


def files_below(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files with these endings in any depth, sorted, without hidden ones and AppleDouble twins.

    Links to nowhere are among them, so that whoever opens them names them.

    Raises:
        InputError: If a folder cannot be read.
    """
    return sorted(
        path
        for parent in folders_below(folder)
        for path in parent.iterdir()
        if path.name.lower().endswith(suffixes) and path.name[0] != "." and is_file(path)
    )


def is_file(path: Path) -> bool:
    """Whether a path is a file, or a link to one that is not there."""
    return path.is_file() or is_broken(path)


def is_broken(path: Path) -> bool:
    """Whether a path is a link to nowhere."""
    return path.is_symlink() and not path.exists()


def broken_sentence(path: Path) -> str:
    """Say what a link to nowhere points at."""
    return f"{path}: a link to {path.readlink()}, which is not there; mend the link or remove it."


def broken_folders(folder: Path) -> list[str]:
    """One sentence for each link to nowhere that has no ending, as links to folders have none."""
    return [
        broken_sentence(path)
        for parent in folders_below(folder)
        for path in sorted(parent.iterdir())
        if not path.suffix and path.name[0] != "." and is_broken(path)
    ]


def folders_below(folder: Path) -> list[Path]:
    """The folder and those in any depth, linked ones too, sorted, without hidden ones.

    Raises:
        InputError: If one cannot be read: its cases would be left out in silence.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); mend its rights.")

    found: list[Path] = []
    seen: set[Path] = set()
    for name, below, _ in os.walk(folder, followlinks=True, onerror=refuse):
        place = Path(name).resolve()
        if place in seen:  # a link to a folder above would be walked for ever
            below.clear()
            continue
        seen.add(place)
        found.append(Path(name))
        below[:] = sorted(each for each in below if each[0] != ".")
    return sorted(found)
