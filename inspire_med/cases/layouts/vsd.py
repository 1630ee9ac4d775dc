"""VSD: folders of the Virtual Skeleton Database, as BraTS to 2016 and ISLES to 2017 have them.

A case is a folder of folders, `VSD.Brain.XX.O.MR_Flair.54512/VSD.Brain.XX.O.MR_Flair.54512.mha`;
the expert's mask is called `OT`. Series over time, `MR_4DPWI`, are no channel.
"""

import re
from pathlib import Path

from inspire_med.cases.layouts.found import (
    Findings,
    FoundCase,
    files_below,
    said_twice,
    with_file,
)
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.task import LABEL, Task

NAME = "vsd"
_NAME = re.compile(r"(?i)(?:VSD|SMIR)\.Brain.*\.(?:MR_)?(?P<kind>[a-z]\w*)(?:\.\d+)?$")
_SERIES = re.compile(r"(?i)(?:[a-z]+_)?4d")
_OF_FILE = re.compile(r"(?i)(?:VSD|SMIR)\.")
_GRADES = ("HGG", "LGG", "HG", "LG")


def expected(task: Task) -> str:
    """The shape in words."""
    return f"folders VSD.Brain.XX.O.MR_{task.channels[0].capitalize()}.NUMBER below one a case"


def find(task: Task, folder: Path) -> Findings | None:
    """List the cases below `folder`, or None if no file is named as the database names them."""
    words = task.kinds()
    groups: dict[Path, dict[str, list[Path]]] = {}
    problems: list[str] = []
    series: list[Path] = []
    for path in files_below(folder, VOLUME_SUFFIXES):
        match = _NAME.match(bare_name(path))
        if match is None:
            continue
        kind = words.get(match["kind"].lower())
        if kind is None and _SERIES.match(match["kind"]):
            series.append(path)
        elif kind is None:
            problems.append(
                f"{path}: unknown modality '{match['kind']}'; expected {', '.join(task.channels)} "
                "or OT: rename the file or move it away."
            )
        else:
            groups.setdefault(_case_folder(path), {}).setdefault(kind, []).append(path)
    if not groups and not problems:
        return None
    cases: list[FoundCase] = []
    refused: list[Path] = []
    for parent, kinds in sorted(groups.items()):
        case = _case(task, parent, kinds)
        if twice := said_twice(case.id, kinds):
            problems.append(twice)
            refused += [path for paths in kinds.values() for path in paths]
        else:
            cases.append(case)
    return Findings(
        NAME, tuple(cases), tuple(problems), left_out=tuple(series), refused=tuple(refused)
    )


def find_with(task: Task, path: Path) -> Findings | None:
    """The case that a file of a sequence belongs to, or None if it is not named as one."""
    named = _NAME.match(bare_name(path))
    return with_file(find(task, _case_folder(path)), path) if named else None


def _case_folder(path: Path) -> Path:
    """The folder of a file's case: above the one that the database made for the file alone."""
    return path.parent.parent if _OF_FILE.match(path.parent.name) else path.parent


def _case(task: Task, folder: Path, kinds: dict[str, list[Path]]) -> FoundCase:
    """A case; high and low grades are numbered alike, so that the grade is part of its name."""
    files = {kind: paths[0] for kind, paths in kinds.items()}
    grade = folder.parent.name if folder.parent.name in _GRADES else ""
    name = f"{grade}_{folder.name}" if grade else folder.name
    images = {channel: files[channel] for channel in task.channels if channel in files}
    return FoundCase(name, task.patient_of(name), images, files.get(LABEL), site=grade)
