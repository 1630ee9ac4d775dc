"""Case folders: one folder a case, one file a channel, `X_flair.nii.gz` or plain `flair.nii.gz`.

The trees of BraTS since 2018 (HGG/LGG above, names with `_` until 2022 and `-` since 2023), and
what a hospital has: `Patient 7/flair.nii.gz`. Several cases in one folder are told by their stems.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from inspire_med.cases.layouts.found import (
    Findings,
    FoundCase,
    files_below,
    label_word,
    said_twice,
    with_file,
)
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.task import LABEL, Task

NAME = "case-folders"
_NAME = re.compile(r"(?:(?P<stem>.+)[-_])?(?P<kind>[A-Za-z0-9]+)$")


def expected(task: Task) -> str:
    """The shape in words."""
    words = " ".join(f"*_{name}" for name in task.channels)
    return f"case folders with {words} and *_{label_word(task)} .nii.gz"


def find(task: Task, folder: Path) -> Findings | None:
    """List the cases below `folder`, or None if no file is named by a channel."""
    words = task.kinds()
    groups: dict[Path, dict[str, list[Path]]] = {}
    strangers: list[Path] = []
    for path in files_below(folder, VOLUME_SUFFIXES):
        kind = words.get(_parts(path)[1].lower())
        if kind is None:
            strangers.append(path)
        else:
            groups.setdefault(path.parent, {}).setdefault(kind, []).append(path)
    least = min(2, len(task.channels))
    if not any(len(set(kinds) - {LABEL}) >= least for kinds in groups.values()):
        return None
    problems = [_stranger(path, words) for path in strangers if path.parent in groups]
    cases: list[FoundCase] = []
    refused: list[Path] = []
    for name, kinds in (one for group in groups.items() for one in _told_apart(*group)):
        case = _case(task, name, kinds)
        if twice := said_twice(case.id, kinds):
            problems.append(twice)
            refused += [path for paths in kinds.values() for path in paths]
        else:
            cases.append(case)
    return Findings(NAME, tuple(cases), tuple(problems), refused=tuple(refused))


def find_with(task: Task, path: Path) -> Findings | None:
    """The case that a file of a channel belongs to, or None if it is not named as one."""
    known = _parts(path)[1].lower() in task.kinds()
    return with_file(find(task, path.parent), path) if known else None


def _parts(path: Path) -> tuple[str, str]:
    """The case's part of a file name, empty where it is bare, and the word for the channel."""
    match = _NAME.match(bare_name(path))
    return (match["stem"] or "", match["kind"]) if match else ("", bare_name(path))


def _told_apart(
    parent: Path, kinds: dict[str, list[Path]]
) -> list[tuple[str, dict[str, list[Path]]]]:
    """The cases of a folder by name: several, told by their stems, where channels come twice."""
    stems: dict[str, dict[str, list[Path]]] = {}
    for kind, paths in kinds.items():
        for path in paths:
            stems.setdefault(_parts(path)[0], {}).setdefault(kind, []).append(path)
    several = len(stems) > 1 and any(len(paths) > 1 for paths in kinds.values())
    return sorted(stems.items()) if several else [(parent.name, kinds)]


def _case(task: Task, folder: str, kinds: dict[str, list[Path]]) -> FoundCase:
    """A case, named by what most of its files begin with, or by its folder where names are bare."""
    files = {kind: paths[0] for kind, paths in kinds.items()}
    label = files.pop(LABEL, None)
    # BraTS 2020 ships one segmentation as W39_1998.09.19_Segm.nii.
    stems = Counter(_parts(path)[0] for path in files.values())
    name = (stems.most_common(1)[0][0] if stems else "") or folder
    ordered = {channel: files[channel] for channel in task.channels if channel in files}
    return FoundCase(name, task.patient_of(name), ordered, label, site=_site(task, name, kinds))


def _site(task: Task, name: str, kinds: dict[str, list[Path]]) -> str:
    """Grade from a HGG/LGG tree, or what the name says: a challenge's letters (GLI, MET, ...)."""
    parts = next(iter(kinds.values()))[0].resolve().parts
    grade = next((part for part in reversed(parts) if part in ("HGG", "LGG")), "")
    return grade or task.site_of(name)


def _stranger(path: Path, words: Mapping[str, str]) -> str:
    return (
        f"{path}: unknown modality '{_parts(path)[1]}'; expected one of "
        f"{', '.join(sorted(words))}: rename the file or move it away."
    )
