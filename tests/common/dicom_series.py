"""Series of DICOM files as scanners write them, made of arrays and affines."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_plain(
    folder: Path, values: np.ndarray, affine: np.ndarray, names: Sequence[str] = (), **said: Any
) -> list[Path]:
    """Write values (i, j, k) on a grid in RAS+ mm, one file a slice; answers with their paths.

    Args:
        folder: Where to.
        values: Integers.
        affine: Voxel to RAS+ mm.
        names: Of the files; by default by their number.
        said: Attributes of all; a list of as many values as slices gives each its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    common = _series(said)
    names = names or [f"{index:04d}.dcm" for index in range(values.shape[2])]
    for index, name in enumerate(names):
        dataset = _image(values[..., index].T, affine, MR)
        for position, value in _place(affine, index).items():
            setattr(dataset, position, value)
        dataset.InstanceNumber = index + 1
        for key, value in (common | said).items():
            own = isinstance(value, list) and len(value) == values.shape[2]
            setattr(dataset, key, value[index] if own else value)
        save(dataset, folder / name)
    return [folder / name for name in names]


def write_enhanced(path: Path, values: np.ndarray, affine: np.ndarray, **said: Any) -> Path:
    """Write values (i, j, k) or (i, j, k, b) as one enhanced file; `b_values` names the fourth."""
    path.parent.mkdir(parents=True, exist_ok=True)
    b_values = said.pop("b_values", None)
    scaling = said.pop("scaling", None)
    volumes = values[..., None] if values.ndim == 3 else values
    frames = np.concatenate([volumes[..., b].T for b in range(volumes.shape[3])])
    dataset = _image(frames, affine, ENHANCED_MR)
    dataset.NumberOfFrames = len(frames)
    lps = _TO_LPS @ affine
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    sizes = np.linalg.norm(lps[:3, :3], axis=0)
    measures.PixelSpacing = [_text(sizes[1]), _text(sizes[0])]
    measures.SliceThickness = measures.SpacingBetweenSlices = _text(sizes[2])
    orientation.ImageOrientationPatient = _place(affine, 0)["ImageOrientationPatient"]
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    dataset.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for number in range(len(frames)):
        volume, index = divmod(number, values.shape[2])
        group, place, content = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = _place(affine, index)["ImagePositionPatient"]
        content.DimensionIndexValues = [index + 1, volume + 1]
        content.StackID, content.InStackPositionNumber = "1", index + 1
        content.TemporalPositionIndex = 1
        group.PlanePositionSequence, group.FrameContentSequence = [place], [content]
        if b_values is not None:
            diffusion = Dataset()
            diffusion.DiffusionBValue = float(b_values[volume])
            group.MRDiffusionSequence = [diffusion]
        if scaling is not None:
            change = Dataset()
            change.RescaleSlope, change.RescaleIntercept = map(_text, scaling[number])
            change.RescaleType = "US"
            group.PixelValueTransformationSequence = [change]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    for key, value in (_series(said) | said).items():
        setattr(dataset, key, value)
    return save(dataset, path)


def write_mosaic(path: Path, values: np.ndarray, affine: np.ndarray, **said: Any) -> Path:
    """Write values (i, j, k) as Siemens' mosaic, with the header of its own that says how."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns, rows, count = values.shape
    across = int(np.ceil(np.sqrt(count)))
    picture = np.zeros((rows * across, columns * across), values.dtype)
    for index in range(count):
        row, column = index // across * rows, index % across * columns
        picture[row : row + rows, column : column + columns] = values[..., index].T
    dataset = _image(picture, affine, MR)
    lps = _TO_LPS @ affine
    corner = lps @ [-(across - 1) * columns / 2, -(across - 1) * rows / 2, 0, 1]
    for key, value in _place(affine, 0).items():
        setattr(dataset, key, value)
    dataset.ImagePositionPatient = list(map(_text, corner[:3]))
    dataset.SpacingBetweenSlices = dataset.SliceThickness
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    dataset.Manufacturer = "SIEMENS"
    dataset.InstanceNumber = dataset.AcquisitionNumber = 1
    dataset.AcquisitionMatrix = [rows, 0, 0, columns]
    way = lps[:3, 2] / np.linalg.norm(lps[:3, 2])
    tags = {
        "NumberOfImagesInMosaic": ("US", [str(count)]),
        "SliceNormalVector": ("FD", [f"{each:.8f}" for each in way]),
        "ImageOrientationPatient": ("DS", [str(each) for each in dataset.ImageOrientationPatient]),
        "ImagePositionPatient": ("DS", list(map(str, dataset.ImagePositionPatient))),
    }
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x10, "OB", _csa(tags))
    for key, value in (_series(said) | said).items():
        setattr(dataset, key, value)
    return save(dataset, path)


def save(dataset: Dataset, path: Path) -> Path:
    """Write a dataset with the meta header of a file, in the transfer syntax that it names."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax or ExplicitVRLittleEndian
    dataset.file_meta = meta
    dataset.save_as(path, enforce_file_format=True)
    return path


def _series(said: dict[str, Any]) -> dict[str, Any]:
    """What all slices of a series share, with UIDs that follow from what is said."""
    patient = said.get("PatientID", "p1")
    study = said.get("StudyInstanceUID", generate_uid(entropy_srcs=[patient]))
    name = said.get("SeriesDescription", "t2_tse_tra")
    return {
        "PatientID": patient, "PatientName": "Doe^Jane", "StudyInstanceUID": study,
        "StudyDate": "20200102", "StudyTime": "101500", "SeriesDescription": name,
        "SeriesInstanceUID": generate_uid(entropy_srcs=[study, name]),
        "FrameOfReferenceUID": generate_uid(entropy_srcs=[study, "frame"]),
        "SeriesNumber": 1, "StudyID": "1", "AccessionNumber": "",
    }  # fmt: skip


def _image(pixels: np.ndarray, affine: np.ndarray, kind: str) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, generate_uid()
    dataset.Modality, dataset.Manufacturer = "MR", "Made"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    dataset.PatientBirthDate = dataset.PatientSex = dataset.ReferringPhysicianName = ""
    dataset.ScanningSequence, dataset.SequenceVariant = "SE", "NONE"
    dataset.ScanOptions, dataset.MRAcquisitionType = "", "2D"
    dataset.PatientPosition = "HFS"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    return dataset


def _place(affine: np.ndarray, index: int) -> dict[str, Any]:
    lps = _TO_LPS @ affine
    sizes = np.linalg.norm(lps[:3, :3], axis=0)
    cosines = [*(lps[:3, 0] / sizes[0]), *(lps[:3, 1] / sizes[1])]
    return {
        "ImageOrientationPatient": list(map(_text, cosines)),
        "ImagePositionPatient": list(map(_text, (lps @ [0, 0, index, 1])[:3])),
        "PixelSpacing": [_text(sizes[1]), _text(sizes[0])],
        "SliceThickness": _text(sizes[2]),
    }


def _text(value: float) -> str:
    """A number in the sixteen characters that DICOM has for one."""
    return next(text for digits in range(12, 3, -1) if len(text := f"{value:.{digits}g}") <= 16)


def _csa(tags: dict[str, tuple[str, list[str]]]) -> bytes:
    """Siemens' CSA header in its second form."""
    made = b"SV10\4\3\2\1" + struct.pack("<2I", len(tags), 77)
    for name, (kind, values) in tags.items():
        made += struct.pack("<64si4s3i", name.encode(), len(values), kind.encode(), 0, 6, 77)
        for value in (values + [""] * 6)[:6]:
            text = value.encode() + b"\0" if value else b""
            made += struct.pack("<4i", len(text), len(text), 77, len(text))
            made += text + b"\0" * (-len(text) % 4)
    return made
