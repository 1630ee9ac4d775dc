"""Header: what one DICOM file says of itself and of its slices, read with mistrust."""

import io
import struct
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from inspire_med.errors import InputError
from inspire_med.imaging.dicom.known import is_dicom
from inspire_med.imaging.dicom.planes import TAGS, Plane, planes_of
from inspire_med.imaging.stored import reason_of, refuse_absent, truncated

# Values that break DICOM's rules are common in hospitals, and none is believed unchecked.
config.settings.reading_validation_mode = config.IGNORE
_KEPT = 2**14  # headers of one process
_WRONG = (
    InvalidDicomError, BytesLengthException, AttributeError, EOFError, IndexError, KeyError,
    MemoryError, NotImplementedError, OSError, OverflowError, RecursionError, TypeError,
    ValueError, struct.error,
)  # fmt: skip
_OWN_TAGS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "StudyDate",
    "PatientID", "Modality", "SeriesDescription", "ProtocolName", "ContrastBolusAgent",
    "ImageType", "PhotometricInterpretation", "SamplesPerPixel", "BitsAllocated",
    "SeriesNumber",
)  # fmt: skip


@dataclass(frozen=True)
class DicomFile:
    """One file. The patient's name is not read.

    Attributes:
        path: The file.
        kind: UID of what it is (its SOP class).
        uid: Its own.
        series_uid: Its series'.
        study_uid: Its study's.
        study_date: As YYYYMMDD; empty where it is not said.
        patient_id: The patient's number; empty where it is not said.
        modality: MR, CT, ...
        number: Its series' number in the study; empty where it is not said.
        description: The series' name.
        protocol: The protocol's name.
        contrast: The agent that was given; empty where none is named.
        image_type: Such as ORIGINAL, PRIMARY, M.
        is_grey: Whether a voxel is one number.
        item_bytes: Of one voxel.
        transfer_syntax: UID of how its voxels are stored.
        planes: Its slices in the file's order; none where it does not say where they lie.
    """

    path: Path
    kind: str
    uid: str
    series_uid: str
    study_uid: str
    study_date: str
    patient_id: str
    modality: str
    number: str
    description: str
    protocol: str
    contrast: str
    image_type: tuple[str, ...]
    is_grey: bool
    item_bytes: int
    transfer_syntax: str
    planes: tuple[Plane, ...]


def read_header(path: Path) -> DicomFile:
    """Read a file's header; its voxels are not touched.

    Raises:
        InputError: If it is missing, empty, no DICOM or broken; if it is a mosaic that does not say
            how its slices lie.
    """
    refuse_absent(path)
    status = path.stat()
    return _read(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=_KEPT)
def _read(path: Path, size: int, *_look: int) -> DicomFile:
    if not is_dicom(path):
        raise InputError(f"{path}: not a DICOM file (its mark is missing); export it again.")
    try:
        syntax = str(read_file_meta_info(path).get("TransferSyntaxUID", ""))
        if syntax == DeflatedExplicitVRLittleEndian:
            raise InputError(
                f"{path}: its header is compressed (transfer syntax {syntax}), which is not read; "
                "export it uncompressed."
            )
        with path.open("rb") as raw, _Within(raw, size) as stream:
            tags = [int(Tag(name)) for name in (*_OWN_TAGS, *TAGS)]
            content = dcmread(stream, stop_before_pixels=True, specific_tags=tags)
        with warnings.catch_warnings():  # of odd text; nothing that matters is believed unchecked
            warnings.simplefilter("ignore")
            header = _said(path, syntax, content)
        if not header.kind or not header.series_uid:
            raise truncated(path, "it says no series")
        return header
    except InputError:
        raise
    except _WRONG as error:
        raise InputError(
            f"{path}: not a readable DICOM file ({reason_of(error)}); export it again."
        ) from None


class _Within(io.BufferedReader):
    """A file of which no more is asked for than is there: lengths in headers may be anything."""

    def __init__(self, raw: Any, size: int) -> None:
        super().__init__(raw.raw if isinstance(raw, io.BufferedReader) else raw)
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def _said(path: Path, syntax: str, content: Dataset) -> DicomFile:
    def text(name: str) -> str:
        return " ".join(str(content.get(name) or "").split())

    kinds = content.get("ImageType") or ()
    samples = int(content.get("SamplesPerPixel") or 1)
    grey = samples == 1 and "MONOCHROME" in text("PhotometricInterpretation")
    return DicomFile(
        path=path,
        kind=text("SOPClassUID"),
        uid=text("SOPInstanceUID"),
        series_uid=text("SeriesInstanceUID"),
        study_uid=text("StudyInstanceUID"),
        study_date=text("StudyDate"),
        patient_id=text("PatientID"),
        modality=text("Modality"),
        number=text("SeriesNumber"),
        description=text("SeriesDescription"),
        protocol=text("ProtocolName"),
        contrast=text("ContrastBolusAgent"),
        image_type=tuple(map(str, [kinds] if isinstance(kinds, str) else kinds)),
        is_grey=grey,
        item_bytes=max(1, int(content.get("BitsAllocated") or 16) // 8),
        transfer_syntax=syntax,
        planes=planes_of(path, content),
    )
