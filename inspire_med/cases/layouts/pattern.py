"""Pattern: files as a task of the user's own says, `{case}/{case}_{channel}.nii.gz`."""

import glob
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from inspire_med.cases.layouts.found import (
    Findings,
    FoundCase,
    files_below,
    in_order,
    said_twice,
    shared_file,
)
from inspire_med.errors import InputError
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.task import LABEL, Files, Task

NAME = "pattern"
_HOLE = re.compile(r"\{(case|channel)(?::0(\d+)d)?\}")


def expected(task: Task) -> str:
    """The shape in words."""
    files = _files(task)
    return f"files named like {' and '.join(filter(None, (files.images, files.label)))}"


def find(task: Task, folder: Path) -> Findings | None:
    """List the cases below `folder` whose files are named by the task's patterns."""
    files = _files(task)
    label = _compiled(task, files.label) if files.label else None
    labels: dict[str, list[Path]] = {}
    rest: list[Path] = []
    for path in files_below(folder, ("",)):
        match = label.fullmatch(path.relative_to(folder).as_posix()) if label else None
        if match:
            labels.setdefault(match["case"], []).append(path)
        else:
            rest.append(path)
    found = _listed(task, files.images, rest, folder, labels)
    known = set(found.files)
    problems = [
        f"{paths[0]}: no image of case {case} is named like {files.images}; add it or move the "
        "label."
        for case, paths in sorted(labels.items())
        if paths[0] not in known
    ]
    endings = IMAGE_SUFFIXES if task.spatial_dims == 2 else VOLUME_SUFFIXES
    others = [p for p in rest if p not in known and p.name.lower().endswith(endings)]
    return replace(found, problems=(*found.problems, *problems), left_out=tuple(others))


def find_inputs(task: Task, folder: Path) -> Findings | None:
    """The cases whose images lie in a folder of the set, one below it, or one of such files."""
    pattern = _files(task).images
    parts = pattern.split("/")
    paths = files_below(folder, ("",))
    label = _files(task).label
    if label is not None:  # a mask is no image, although `{case}.nii.gz` would fit its name
        masks = _compiled(task, label.split("/")[-1])
        alike = label.split("/")[:-1] == parts[:-1]
        paths = [path for path in paths if not (alike and masks.fullmatch(path.name))]
    for base in (folder, *folder.parents)[: len(parts)]:
        found = _listed(task, pattern, paths, base, {})
        if found.files:
            return found
    if "{case}" not in parts[-1]:
        return None
    found = _listed(task, parts[-1], [p for p in paths if p.parent == folder], folder, {})
    return found if found.files else None


def find_with(task: Task, path: Path) -> Findings | None:
    """The case of which a file is a channel, or that one file is, or None."""
    pattern = _files(task).images
    parts = pattern.split("/")
    shorter = [(pattern, base) for base in path.parents[: len(parts)]]
    for known, base in (*shorter, (parts[-1], path.parent)):
        match = _compiled(task, known).fullmatch(path.relative_to(base).as_posix())
        if match and "case" in match.groupdict():
            names = [_filled(known, match["case"], *each) for each in enumerate(task.channels)]
            paths = [file for name in dict.fromkeys(names) for file in sorted(base.glob(name))]
            return _listed(task, known, paths, base, {})
    if "{channel" in pattern and len(task.channels) > 1:
        return None
    return Findings(NAME, (_alone(task, bare_name(path), path),))


def _listed(
    task: Task,
    pattern: str,
    paths: Iterable[Path],
    base: Path,
    labels: Mapping[str, Sequence[Path]],
) -> Findings:
    """The cases among `paths`, named from `base` by the pattern of images."""
    known = _compiled(task, pattern)
    files: dict[str, dict[str, list[Path]]] = {}
    for path in paths:
        match = known.fullmatch(path.relative_to(base).as_posix())
        if match is None:
            continue
        for channel in _channels(task, match):
            files.setdefault(match["case"], {}).setdefault(channel, []).append(path)
    cases: list[FoundCase] = []
    problems: list[str] = []
    refused: list[Path] = []
    for case, images in sorted(files.items()):
        kinds = {**images, LABEL: labels.get(case, ())}
        if twice := said_twice(case, kinds):
            problems.append(twice)
            refused += dict.fromkeys(path for own in kinds.values() for path in own)
            continue
        ordered = {name: images[name][0] for name in task.channels if name in images}
        label = next(iter(kinds[LABEL]), None)
        parts = _components(task, pattern)
        cases.append(FoundCase(case, task.patient_of(case), ordered, label, components=parts))
    return Findings(NAME, tuple(cases), tuple(problems), refused=tuple(refused))


def _channels(task: Task, match: re.Match[str]) -> tuple[str, ...]:
    """The channels in a file of that name: all where it names none."""
    channel = match.groupdict().get("channel")
    if channel is None:
        return task.channels
    if channel in task.channels:
        return (channel,)
    return task.channels[int(channel) : int(channel) + 1]


def _alone(task: Task, name: str, path: Path) -> FoundCase:
    images, _ = shared_file(task, path)
    components = _components(task, path.name)
    return FoundCase(name, task.patient_of(name), images, components=components)


def _components(task: Task, pattern: str) -> dict[str, int]:
    """Which part of its file a channel is, where one file holds several, or is a picture."""
    if "{channel" in pattern or (len(task.channels) == 1 and task.spatial_dims == 3):
        return {}
    return in_order(task)


def _compiled(task: Task, pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression; what comes twice must be the same; `*` is anything."""
    written, end = "", 0
    for hole in _HOLE.finditer(pattern):
        written += _escaped(pattern[end : hole.start()])
        name, digits = hole.groups()
        if f"(?P<{name}>" in written:
            written += f"(?P={name})"
        elif digits:
            written += rf"(?P<{name}>\d{{{digits}}})"
        else:
            words = "|".join(map(re.escape, task.channels)) if name == "channel" else "[^/]+"
            written += f"(?P<{name}>{words})"
        end = hole.end()
    return re.compile(written + _escaped(pattern[end:]))


def _escaped(text: str) -> str:
    return re.escape(text).replace(r"\*", "[^/]*")


def _filled(pattern: str, case: str, number: int, channel: str) -> str:
    """The pattern of one file, for `glob`."""

    def fill(hole: re.Match[str]) -> str:
        if hole[1] == "case":
            return glob.escape(case)
        return f"{number:0{hole[2]}d}" if hole[2] else glob.escape(channel)

    return _HOLE.sub(fill, pattern)


def _files(task: Task) -> Files:
    if task.files is None:
        raise InputError(f"task {task.name}: says no pattern of its files; add `images`.")
    return task.files
