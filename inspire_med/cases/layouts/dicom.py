"""DICOM: studies as archives export them; files are told by what they say, names mean nothing.

A study of a patient is a case, and each of its channels a series of it. PatientID is the patient;
no name of a person is read. A label is a volume beside the series.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inspire_med.cases.layouts.found import Findings, FoundCase, folders_below
from inspire_med.cases.layouts.series_choice import Choice, choose
from inspire_med.imaging.dicom.known import is_dicom, require_extra
from inspire_med.imaging.volume import bare_name, is_volume
from inspire_med.tasks.task import LABEL, Task
from inspire_med.wording import listed

if TYPE_CHECKING:
    from inspire_med.imaging.dicom.series import Series

NAME = "dicom"
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def expected(task: Task) -> str:
    """The shape in words."""
    return f"folders of DICOM series ({', '.join(task.channels)})"


def find(task: Task, folder: Path) -> Findings | None:
    """List the studies below `folder`, or None if no file there is DICOM."""
    if not folder.is_dir():  # a datalist
        return None
    return _found(task, folder, study=None)


def find_with(task: Task, path: Path) -> Findings | None:
    """The study that a file is of, as far as it lies in its folder, or None if it is no DICOM."""
    if not is_dicom(path):
        return None
    require_extra(path)
    from inspire_med.imaging.dicom.header import read_header

    return _found(task, path.parent, read_header(path).study_uid)


def _found(task: Task, folder: Path, study: str | None) -> Findings | None:
    first = next((path for path in _files_below(folder) if is_dicom(path)), None)
    if first is None:
        return None
    require_extra(first)
    from inspire_med.imaging.dicom.series import survey

    found = survey(folder)
    studies: dict[str, list[Series]] = {}
    for series in found.series:
        if study in (None, series.study_uid):
            studies.setdefault(series.study_uid, []).append(series)
    ids = _ids(studies)
    choices = {uid: choose(task, ids[uid], own) for uid, own in studies.items()}
    labels = {
        uid: _label(task, folder, ids[uid], _folders(own), _folders(set(found.series) - set(own)))
        for uid, own in studies.items()
    }
    cases = tuple(
        _case(ids[uid], own[0], choices[uid], labels[uid]) for uid, own in studies.items()
    )
    problems = [each for choice in choices.values() for each in choice.problems]
    problems += [_two_patients(own) for own in studies.values() if len(_patients(own)) > 1]
    if not studies:
        problems.append(f"{folder}: no series of the DICOM files here is a volume; export others.")
    missing = (each for choice in choices.values() for each in choice.missing)
    notes = (*_several(folder, studies), *found.skipped, *missing)
    return Findings(NAME, cases, tuple(problems), notes)


def _patients(series: Sequence["Series"]) -> list[str]:
    return sorted({each.patient_id for each in series})


def _two_patients(series: Sequence["Series"]) -> str:
    said = " and ".join(each or "one without a number" for each in _patients(series)[:2])
    return (
        f"{series[0].files[0].parent}: one study holds series of the patients {said}; export the "
        "patients again, apart."
    )


def _files_below(folder: Path) -> list[Path]:
    return [path for each in folders_below(folder) for path in sorted(each.iterdir())]


def _ids(studies: dict[str, list["Series"]]) -> dict[str, str]:
    """By study: patient and date; and its own UID where those are unsaid or another study's too."""
    named = {
        study: "_".join(filter(None, (_plain(own[0].patient_id), own[0].study_date)))
        if own[0].patient_id
        else ""
        for study, own in studies.items()
    }
    twice = {name for name in named.values() if list(named.values()).count(name) > 1}
    return {
        study: "_".join(filter(None, (name, _plain(study)))) if name in twice or not name else name
        for study, name in named.items()
    }


def _plain(text: str) -> str:
    """Text as a part of a file's name."""
    return _NO_NAME.sub("-", text).strip("-._")


def _case(name: str, first: "Series", choice: Choice, label: Path | None) -> FoundCase:
    images = {channel: own.files[0] for channel, own in choice.series.items()}
    parts = {channel: own.component for channel, own in choice.series.items()}
    components = {channel: part for channel, part in parts.items() if part is not None}
    patient = first.patient_id or first.study_uid
    return FoundCase(name, patient, images, label, components=components)


def _folders(series: Iterable["Series"]) -> set[Path]:
    return {file.parent for each in series for file in each.files}


def _label(task: Task, root: Path, name: str, own: set[Path], others: set[Path]) -> Path | None:
    """A volume in one of a study's folders, or above them up to `root`, that is named as its label.

    `label.nii.gz` is where no other study is below, `<case>_label.nii.gz` anywhere.
    """
    words = {LABEL} | {word for word, kind in task.kinds().items() if kind == LABEL}
    names = {f"{name}_{word}".lower() for word in words} | {name.lower()}
    for folder in sorted(own):
        for above in (folder, *folder.parents):
            alone = not any(above == each or above in each.parents for each in others)
            for path in sorted(above.iterdir()):
                if is_volume(path) and bare_name(path).lower() in names | (
                    words if alone else set()
                ):
                    return path
            if above == root:
                break
    return None


def _several(folder: Path, studies: Mapping[str, Sequence["Series"]]) -> list[str]:
    patients = {each.patient_id for own in studies.values() for each in own}
    if len(patients) < 2:
        return []
    return [
        f"{folder}: DICOM of {len(patients)} patients, told apart by PatientID: "
        f"{listed(sorted(patients))}."
    ]
