"""Series: the files below a folder as the volumes that they make up.

A channel's path in a case or a manifest is the first file of its series, and stands for all of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inspire_med.errors import InputError
from inspire_med.imaging.dicom.header import DicomFile, read_header
from inspire_med.imaging.dicom.known import is_dicom
from inspire_med.imaging.dicom.parts import Part, parts_of
from inspire_med.imaging.dicom.planes import Plane
from inspire_med.imaging.stored import truncated
from inspire_med.wording import counted

_IMAGES = {  # SOP classes: CT, MR and PET; classic, enhanced, and the one made of the other
    f"1.2.840.10008.5.1.4.1.1.{number}"
    for number in ("2", "2.1", "2.2", "4", "4.1", "4.4", "128", "128.1", "130")
}
_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
_TURNED = 0.01  # of a direction cosine: half a degree


@dataclass(frozen=True)
class Series:
    """One volume: a series, or one of several that a series holds.

    Attributes:
        uid: SeriesInstanceUID; several volumes of one series share it.
        study_uid: StudyInstanceUID.
        patient_id: PatientID; empty where it is not said.
        modality: MR, CT or PT.
        description: SeriesDescription.
        protocol: ProtocolName.
        b_value: Of its diffusion weighting, s/mm^2; None where none is said.
        files: Sorted along the slice normal; one file where it holds all slices.
        planes: Its slices in that order.
        part: What tells it from other volumes of its series, such as `b-value 1000`; else empty.
        component: Its place among the volumes of one file; None where that holds no other.
        contrast: Name of the contrast agent; empty where none is said.
        image_type: Such as ORIGINAL, PRIMARY, M.
        study_date: YYYYMMDD; empty where it is not said.
        number: Of the series in its study; empty where it is not said.
    """

    uid: str
    study_uid: str
    patient_id: str
    modality: str
    description: str
    protocol: str
    b_value: float | None
    files: tuple[Path, ...]
    planes: tuple[Plane, ...] = field(default=(), repr=False)
    part: str = ""
    component: int | None = None
    contrast: str = ""
    image_type: tuple[str, ...] = ()
    study_date: str = ""
    number: str = ""

    @property
    def name(self) -> str:
        """In words, for messages: description and part, or else the end of the UID."""
        name = self.description or self.protocol or f"series {self.number or self.uid}"
        return f"{name} ({self.part})" if self.part else name


@dataclass(frozen=True)
class Survey:
    """What lies below a folder.

    Attributes:
        series: The volumes, by patient, study and series.
        skipped: One sentence for each series that is none.
    """

    series: tuple[Series, ...]
    skipped: tuple[str, ...]


def series_in(folder: Path) -> tuple[Series, ...]:
    """All volumes below a folder; what is none (localizers, captures, reports) is left out.

    Raises:
        InputError: If a file is broken, or one series holds slices of two patients.
    """
    return survey(folder).series


def series_of(file: Path) -> Series:
    """The volume that a file belongs to, found in its folder.

    Where the file itself holds several, it is the first of them.

    Raises:
        InputError: As `series_in`; also if the file belongs to no volume.
    """
    return volumes_of(file)[0]


def volumes_of(file: Path) -> tuple[Series, ...]:
    """The volumes that a file belongs to: one, or all those that it holds alone.

    Raises:
        InputError: As `series_of`.
    """
    wanted = read_header(file)
    beside = [read_header(path) for path in sorted(file.parent.iterdir()) if is_dicom(path)]
    own = [each for each in beside if each.series_uid == wanted.series_uid]
    found, skipped = _volumes(own)
    holding = tuple(each for each in found if file in each.files)
    if not holding:
        raise InputError(skipped or f"{file}: belongs to no volume; choose another series.")
    return holding


def survey(folder: Path) -> Survey:
    """All volumes below a folder, and what was left out.

    Raises:
        InputError: As `series_in`.
    """
    together: dict[tuple[Path, str], list[DicomFile]] = {}
    for path in sorted(folder.rglob("*")):
        if path.name[0] != "." and is_dicom(path):
            header = read_header(path)
            together.setdefault((path.parent, header.series_uid), []).append(header)
    series: list[Series] = []
    said: list[str] = []
    for files in together.values():
        found, skipped = _volumes(files)
        series += found
        said += [skipped] if skipped else []
    series.sort(key=lambda each: (each.patient_id, each.study_uid, _order(each.number)))
    return Survey(tuple(series), tuple(said))


def _order(number: str) -> tuple[int, str]:
    return (int(number) if number.isdecimal() else 0, number)


def _volumes(files: list[DicomFile]) -> tuple[list[Series], str]:
    """The volumes of one series in one folder, or why there are none."""
    _refuse_two_patients(files)
    _refuse_unlike(files)
    first = files[0]
    if why := _no_volume(files):
        name = first.description or first.modality or "a series"
        words = f"{first.path.parent}: {name} ({counted(len(files), 'file')}) skipped: {why}."
        return [], words
    return [_series(files, part) for part in parts_of(files)], ""


def _no_volume(files: list[DicomFile]) -> str:
    """Why a series is no volume; empty where it is."""
    kind = files[0].kind
    planes = [plane for each in files for plane in each.planes]
    reasons = {
        "a secondary capture, a picture of a screen": kind.startswith(_CAPTURES),
        f"no CT, MR or PET image (SOP class {kind or 'unsaid'})": kind not in _IMAGES,
        "a localizer": any("LOCALIZER" in each.image_type for each in files),
        "no standard tag says where its slices lie, and private ones are not believed": not all(
            each.planes for each in files
        ),
        "its voxels are colours": not all(each.is_grey for each in files),
        "its slices lie in several directions, as a localizer's do": any(
            not np.allclose(plane.orientation, planes[0].orientation, atol=_TURNED)
            for plane in planes
        ),
        "one slice is no volume": len(planes) == 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _refuse_two_patients(files: Iterable[DicomFile]) -> None:
    by_patient = {each.patient_id: each for each in files}
    if len(by_patient) > 1:
        first, second, *_ = by_patient.values()
        raise InputError(
            f"{second.path}: patient {second.patient_id or 'without a number'}, and "
            f"{first.path.name} of the same series is of {first.patient_id or 'one without'}; "
            "export the patients again, apart."
        )


def _refuse_unlike(files: Sequence[DicomFile]) -> None:
    """Most of a series says where its slices lie: what does not is cut off, or was altered."""
    without = [each for each in files if not each.planes]
    if 0 < 2 * len(without) < len(files):
        reason = "it does not say where it lies, as others of its series do"
        raise truncated(without[0].path, reason)


def _series(files: list[DicomFile], part: Part) -> Series:
    first = next(each for each in files if each.path == part.planes[0].path)
    types = dict(part.planes[0].parting)["image type"]
    return Series(
        uid=first.series_uid,
        study_uid=first.study_uid,
        patient_id=first.patient_id,
        modality=first.modality,
        description=first.description,
        protocol=first.protocol,
        b_value=part.planes[0].b_value,
        files=tuple(dict.fromkeys(plane.path for plane in part.planes)),
        planes=part.planes,
        part=part.words,
        component=part.component,
        contrast=first.contrast,
        image_type=tuple(types.split("/")),
        study_date=first.study_date,
        number=first.number,
    )
