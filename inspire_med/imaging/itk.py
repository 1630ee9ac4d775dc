"""ITK: MetaImage (.mha, .mhd) and NRRD (.nrrd, .nhdr), opened by SimpleITK with mistrust.

ITK counts (x, y, z) in LPS+ millimetres; what leaves this file is in RAS+.
"""

import math
import re
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import DTypeLike, NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.stored import (
    Header,
    Stored,
    not_grey,
    reason_of,
    refuse_absent,
    refuse_affine,
    refuse_promise,
    truncated,
)

ITK_SUFFIXES = (".mha", ".mhd", ".nrrd", ".nhdr")
_READERS = {".mha": "MetaImageIO", ".mhd": "MetaImageIO"}
_TYPES = {
    sitk.sitkInt8: np.dtype("int8"),
    sitk.sitkUInt8: np.dtype("uint8"),
    sitk.sitkInt16: np.dtype("int16"),
    sitk.sitkUInt16: np.dtype("uint16"),
    sitk.sitkInt32: np.dtype("int32"),
    sitk.sitkUInt32: np.dtype("uint32"),
    sitk.sitkInt64: np.dtype("int64"),
    sitk.sitkUInt64: np.dtype("uint64"),
    sitk.sitkFloat32: np.dtype("float32"),
    sitk.sitkFloat64: np.dtype("float64"),
}
_LONGEST = 2**16  # bytes within which a header names its data file
_LONGEST_NAME = 255  # bytes; file systems ask for no more
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_DIMENSIONS = re.compile(rb"NDims\s*[=:]?\s*(\S*)")
_DATA_FILE = re.compile(rb"^(?:ElementDataFile\s*=|data ?file:)[ \t]*(.*?)[ \t\r]*$", re.I | re.M)
_UNITS = re.compile(rb"^(?:DistanceUnits\s*=|(?:space )?units:)[ \t]*(.*?)[ \t\r]*$", re.I | re.M)
_RAW = re.compile(rb"^(?:CompressedData\s*=\s*False|encoding:\s*raw)[ \t\r]*$", re.I | re.M)
_PACKED = re.compile(rb"^CompressedData\s*=\s*True", re.I | re.M)
_ASCII = re.compile(rb"^BinaryData\s*=\s*False", re.I | re.M)


def open_itk(path: Path) -> Stored:
    """Open a file: its header read and checked, its voxels not read.

    Raises:
        InputError: If the file is missing, empty, not of its kind, too small for what its header
            promises, or names voxels in other folders; if its voxels are not grey; if its lengths
            are not millimetres; if its header says nowhere where they lie.
    """
    refuse_absent(path)
    text = _header_text(path)
    data = _data_file(path, text)
    reader = _reader(path)
    shape = tuple(int(size) for size in reader.GetSize())
    kind = refuse_colours(path, reader)
    raw = bool(_RAW.search(text)) and not _ASCII.search(text)
    voxels, item = math.prod(shape), kind.itemsize
    held = data.stat().st_size - (len(text) if data == path else 0)
    refuse_promise(path, voxels, item, held=held, packed=not raw)
    affine = affine_of(reader)
    refuse_affine(path, affine)
    header = header_of(affine)
    least = voxels * item if _PACKED.search(text) else 0
    read = partial(_read, path, data, least)
    return Stored(path, shape, affine, header, kind.name, "mm", data, read)


def refuse_colours(path: Path, image: sitk.ImageFileReader | sitk.Image) -> np.dtype[Any]:
    """The type of an image's voxels, which are one number each.

    Raises:
        InputError: If they are not.
    """
    kind = _TYPES.get(image.GetPixelID())
    if kind is None:
        raise not_grey(path)
    return kind


def affine_of(image: sitk.ImageFileReader | sitk.Image) -> NDArray[np.float64]:
    """From voxel (i, j, k) to RAS+ millimetres, (4, 4); of an image of two axes too."""
    dims = image.GetDimension()
    direction = np.eye(max(dims, 3))
    direction[:dims, :dims] = np.reshape(image.GetDirection(), (dims, dims))
    spacing = np.array([*image.GetSpacing(), 1.0, 1.0])[:3]
    affine = np.eye(4)
    affine[:3, :3] = direction[:3, :3] * spacing
    affine[:3, 3] = np.array([*image.GetOrigin(), 0.0, 0.0])[:3]
    return _LPS_TO_RAS @ affine


def header_of(affine: NDArray[np.float64]) -> Header:
    """What NIfTI says of an image of ITK's."""
    return Header(affine.tolist(), qform_code=1, sform_code=1, units=["mm", "unknown"])


def _header_text(path: Path) -> bytes:
    """What stands before the voxels.

    Raises:
        InputError: If it gives lengths in another unit than mm, or no number of dimensions.
    """
    with path.open("rb") as stream:
        text = stream.read(_LONGEST)
    ends = re.search(rb"ElementDataFile[^\n]*\n|\r?\n\r?\n", text)
    text = text[: ends.end()] if ends else text
    dimensions = _DIMENSIONS.findall(text)
    if any(not re.fullmatch(rb"[1-9]", each) for each in dimensions):  # ITK's process would crash
        raise InputError(
            f"{path}: a header of {dimensions[0].decode(errors='replace')!r} dimensions; export "
            "it again, or as .nii.gz."
        )
    units = _UNITS.search(text)
    if units and set(re.findall(rb"\w+", units[1])) - {b"mm", b"none"}:
        raise InputError(
            f"{path}: gives lengths in {units[1].decode(errors='replace')}; export it in mm."
        )
    return text


def _data_file(path: Path, text: bytes) -> Path:
    """The file that the voxels stand in.

    Raises:
        InputError: If it is not one file of the same folder: a header that was sent must not make
            us read something else.
    """
    found = _DATA_FILE.search(text)
    name = found[1].decode(errors="replace") if found else "LOCAL"
    if name.upper() == "LOCAL":
        return path
    is_name = name and Path(name).name == name and len(name.encode()) <= _LONGEST_NAME
    if not is_name or name.upper().startswith("LIST") or "%" in name:
        raise InputError(
            f"{path}: its voxels stand in {name!r}, not in one file beside it; convert it to "
            ".nii.gz."
        )
    data = path.with_name(name)
    if not data.is_file():
        raise InputError(f"{path}: its voxels stand in {name}, which is not there; add it.")
    return data


def _reader(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_READERS.get(path.suffix.lower(), "NrrdImageIO"))
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(
            f"{path}: not a readable {path.suffix.lower()} file ({_reason(error)}); export it "
            "again, or as .nii.gz."
        ) from None
    return reader


def _read(path: Path, data: Path, least: int, dtype: DTypeLike) -> NDArray[Any]:
    if least:
        _refuse_short_stream(path, data, least)
    try:
        image = _reader(path).Execute()
    except RuntimeError as error:
        raise truncated(path, _reason(error)) from None
    return np.asarray(sitk.GetArrayFromImage(image).T, dtype=dtype)


def _refuse_short_stream(path: Path, data: Path, least: int) -> None:
    """ITK hands on unwritten memory where a compressed MetaImage unpacks to less than it says."""
    stream = data.read_bytes()
    start = _DATA_FILE.search(stream) if data == path else None
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # zlib's or gzip's wrapping
    try:
        length = len(unpacker.decompress(stream[start.end() + 1 if start else 0 :], least))
    except zlib.error as error:
        raise truncated(path, error) from None
    if length < least:
        raise truncated(path, f"{length} bytes of voxels where {least} are promised")


def _reason(error: RuntimeError) -> str:
    """The last line of ITK's complaint, which is about the file rather than about ITK."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return reason_of(lines[-1].strip()) if lines else "unknown"
