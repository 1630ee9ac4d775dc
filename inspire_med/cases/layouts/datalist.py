"""Datalist: the cases that a JSON list of MONAI's names."""

import os
import re
from pathlib import Path

from inspire_med.cases.layouts.found import Findings, FoundCase, in_order
from inspire_med.errors import InputError
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.datalist import Entry, read_datalist
from inspire_med.tasks.task import Task

NAME = "datalist"


def expected(task: Task) -> str:
    """The shape in words."""
    return 'a datalist: a JSON file with "training": [{"image": ..., "label": ...}]'


def find(task: Task, path: Path) -> Findings | None:
    """List the cases that a datalist names; None if it is no file.

    Raises:
        InputError: If it is no datalist, or a case of it has another number of channels.
    """
    return _listed(task, path, with_test=False)


def find_inputs(task: Task, path: Path) -> Findings | None:
    """As `find`, with the cases for testing; else volumes, in a folder or one, each a case."""
    listed = _listed(task, path, with_test=True)
    if listed is not None:
        return listed
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    volumes = [file for file in paths if file.name.lower().endswith(VOLUME_SUFFIXES)]
    entries = [Entry(str(file)) for file in volumes if file.name[0] != "."]
    return Findings(NAME, tuple(_case(task, path, entry) for entry in entries))


def _listed(task: Task, path: Path, *, with_test: bool) -> Findings | None:
    if not path.is_file() or path.suffix != ".json":
        return None
    _, entries = read_datalist(path, with_test=with_test)
    return Findings(NAME, tuple(_case(task, path, entry) for entry in entries))


def _case(task: Task, source: Path, entry: Entry) -> FoundCase:
    paths = [source.parent / name for name in entry.images]
    if len(paths) not in (1, len(task.channels)):
        raise InputError(
            f"{source}: {paths[0].name} is one of {len(paths)} images of its case where others "
            f"have {len(task.channels)}; mend the list."
        )
    alone = len(paths) == 1 and (len(task.channels) > 1 or task.spatial_dims == 2)
    name = entry.id or _name(paths)
    return FoundCase(
        name,
        entry.patient or task.patient_of(name),
        dict(zip(task.channels, paths * len(task.channels) if alone else paths, strict=True)),
        source.parent / entry.label if entry.label else None,
        components=in_order(task) if alone else {},
        fold=entry.fold,
    )


def _name(paths: list[Path]) -> str:
    """What the names of a case's images begin with, up to a separator, or that of their folder."""
    names = [bare_name(path) for path in paths]
    if len(names) == 1:
        return names[0]
    begin = re.match(r"(.+)[-_. ]", os.path.commonprefix(names))  # noqa: RUF071, letters are meant
    return begin[1] if begin else paths[0].parent.name
