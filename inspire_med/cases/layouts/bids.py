"""BIDS: `sub-01_ses-01_space-T1w_FLAIR.nii.gz`, raw files and `derivatives` with masks.

A channel is told by its suffix, and by the entities that a task names beside it. Where several
files would do, the one in the mask's space is taken, then the one with the fewest other entities:
raw files come before what was derived from them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from inspire_med.cases.layouts.found import (
    Findings,
    FoundCase,
    files_below,
    label_word,
    said_twice,
    with_file,
)
from inspire_med.cases.layouts.participants import sites_of
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.task import LABEL, Task

NAME = "bids"
_ENTITY = re.compile(r"(?P<key>[A-Za-z]+)-(?P<value>.+)$")


@dataclass(frozen=True)
class _Word:
    """A name in parts: `ses-01_space-ncct_cta`.

    Args:
        suffix: What stands last, in lower case; `lesion-msk` is one too.
        entities: The others by their keys, in lower case.
    """

    suffix: str
    entities: Mapping[str, str]

    @classmethod
    def of(cls, name: str) -> "_Word":
        *parts, suffix = name.lower().split("_")
        return cls(suffix, {m["key"]: m["value"] for part in parts if (m := _ENTITY.match(part))})

    def fits(self, name: "_Word") -> bool:
        """Is a file of that name what this word asks for?"""
        asked = self.entities.items()
        return self.suffix == name.suffix and all(
            key in name.entities and _same(value, name.entities[key]) for key, value in asked
        )


def expected(task: Task) -> str:
    """The shape in words."""
    words = " ".join(f"*_{name}" for name in task.channels)
    return f"sub-*/ses-*/ with {words} .nii.gz and derivatives with *_{label_word(task)}.nii.gz"


def find(task: Task, folder: Path) -> Findings | None:
    """List the sessions below `folder`, or None if no file is named by subject."""
    words = {kind: _words(task, kind) for kind in (*task.channels, LABEL)}
    by_session = not any("ses" in word.entities for own in words.values() for word in own)
    sessions: dict[str, dict[Path, _Word]] = {}
    for path in files_below(folder, VOLUME_SUFFIXES):
        name = bare_name(path)
        if name.startswith("sub-"):
            parts = name.split("_")
            key = [parts[0], *(part for part in parts[1:2] if by_session and part[:4] == "ses-")]
            sessions.setdefault("_".join(key), {})[path] = _Word.of(name)
    if not sessions:
        return None
    problems: list[str] = []
    refused: list[Path] = []
    cases: list[FoundCase] = []
    for stem, names in sorted(sessions.items()):
        best = _chosen(task, names, words)
        if twice := said_twice(stem, best):
            problems.append(twice)
            refused += names
        elif best:
            cases.append(_case(task, stem, {kind: paths[0] for kind, paths in best.items()}))
    sites = sites_of(folder)
    cases = [
        replace(case, site=case.site or sites.get(case.id.split("_")[0], "")) for case in cases
    ]
    taken = {path for case in cases for path in case.files} | set(refused)
    left = [path for names in sessions.values() for path in names if path not in taken]
    return Findings(
        NAME, tuple(cases), tuple(problems), left_out=tuple(left), refused=tuple(refused)
    )


def find_with(task: Task, path: Path) -> Findings | None:
    """The case that a file of a sequence belongs to, or None if it is not named as one."""
    subject = bare_name(path).split("_")[0]
    above = [parent for parent in path.parents if parent.name == subject]
    return with_file(find(task, above[-1] if above else path.parent), path)


def _words(task: Task, kind: str) -> list[_Word]:
    """The words for a channel or the label, those that name entities alone where there are any."""
    exact = [word for word in task.spellings.get(kind, ()) if "_" in word]
    plain = [word for word, name in task.kinds().items() if name == kind]
    return [_Word.of(word) for word in exact or plain]


def _chosen(
    task: Task, names: Mapping[Path, _Word], words: Mapping[str, list[_Word]]
) -> dict[str, list[Path]]:
    """The files of a session by what they are; several where nobody can say which is meant."""
    found: dict[str, list[Path]] = {}
    space: str | None = None
    for kind in (LABEL, *task.channels):
        best = _best(names, words[kind], space)
        if best:
            found[kind] = best
            space = names[best[0]].entities.get("space") if kind == LABEL else space
    return found


def _case(task: Task, stem: str, files: Mapping[str, Path]) -> FoundCase:
    images = {channel: files[channel] for channel in task.channels if channel in files}
    patient = task.patient_of(stem) if task.patient else stem.split("_", maxsplit=1)[0]
    return FoundCase(stem, patient, images, files.get(LABEL), site=task.site_of(stem))


def _best(names: Mapping[Path, _Word], words: Iterable[_Word], space: str | None) -> list[Path]:
    """The files that fit best; several only where none is better than the others."""
    for word in words:
        fitting = {
            path: (
                space is not None and name.entities.get("space") != space,
                len(name.entities.keys() - word.entities.keys()),
            )
            for path, name in names.items()
            if word.fits(name) and not _is_brain_mask(name, word)
        }
        if fitting:
            return [path for path, rank in fitting.items() if rank == min(fitting.values())]
    return []


def _is_brain_mask(name: _Word, word: _Word) -> bool:
    """Pipelines leave these beside every scan; one is no lesion unless it is asked for."""
    brain = name.suffix == "mask" and name.entities.get("desc") == "brain"
    return brain and "desc" not in word.entities


def _same(first: str, second: str) -> bool:
    """Are two values alike, letter case and leading zeros aside?"""
    if first.isdecimal() and second.isdecimal():
        return int(first) == int(second)
    return first == second
