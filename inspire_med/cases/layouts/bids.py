"""BIDS, as ISLES 2022 has it: channels in `rawdata`, the expert's mask in `derivatives`."""

import re
from pathlib import Path

from inspire_med.cases.layouts.found import (
    Findings,
    FoundCase,
    files_below,
    label_word,
    with_file,
)
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.tasks.task import LABEL, Task

NAME = "bids"
_NAME = re.compile(r"(?P<stem>(?P<patient>sub-[A-Za-z0-9]+)(?:_ses-[A-Za-z0-9]+)?)_(?P<kind>.+)$")


def expected(task: Task) -> str:
    """The shape in words."""
    words = " ".join(f"*_{name}" for name in task.channels)
    return f"sub-*/ses-*/ with {words} .nii.gz and derivatives with *_{label_word(task)}.nii.gz"


def find(task: Task, folder: Path) -> Findings | None:
    """List the sessions below `folder`, or None if no file is named by subject."""
    words = task.kinds()
    sessions: dict[str, dict[str, Path]] = {}
    patients: dict[str, str] = {}
    problems: list[str] = []
    twins: set[str] = set()
    for path in files_below(folder, VOLUME_SUFFIXES):
        match = _NAME.match(bare_name(path))
        if match is None:
            continue
        kind = words.get(match["kind"].lower())
        files = sessions.setdefault(match["stem"], {})
        patients[match["stem"]] = match["patient"]
        if kind is None:
            problems.append(
                f"{path}: unknown modality '{match['kind']}'; expected {', '.join(task.channels)} "
                f"or {label_word(task)}: rename the file or move it away."
            )
        elif kind in files:
            problems.append(f"{path}: a second file of the sequence of {files[kind]}; keep one.")
            twins.add(match["stem"])  # nobody can say which of the two is meant
        else:
            files[kind] = path
    if not sessions:
        return None
    cases = tuple(
        _case(task, stem, patients[stem], files)
        for stem, files in sorted(sessions.items())
        if stem not in twins
    )
    return Findings(NAME, cases, tuple(problems))


def find_with(task: Task, path: Path) -> Findings | None:
    """The session that a file of a sequence belongs to, or None if it is not named as one."""
    session = path.parent.parent if path.parent.name in ("dwi", "anat") else path.parent
    return with_file(find(task, session), path)


def _case(task: Task, stem: str, patient: str, files: dict[str, Path]) -> FoundCase:
    images = {channel: files[channel] for channel in task.channels if channel in files}
    return FoundCase(stem, patient, images, files.get(LABEL))
