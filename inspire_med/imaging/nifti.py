"""NIfTI: files (.nii, .nii.gz, .hdr with .img) opened with a sentence for whatever is wrong.

Where voxels lie is said up to three times. As the standard and nibabel have it, the matrix (sform)
decides where its code is not 0, else the quaternion (qform), else the voxel size (pixdim) alone,
with the volume's centre at the origin and i counted from right to left. What does not decide is not
read, with one exception: a voxel size that contradicts the matrix is refused, since some programs
measure by one and some by the other. ITK has it otherwise: it takes the quaternion where both have
a code above 0 and the matrix no scanner's; mirrors axes whose voxel size is negative; and without
any code counts j from front to back, with the first voxel at the origin.
"""

import gzip
import logging
import math
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling
from nibabel.wrapstruct import WrapStructError
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

_HEADERS = {  # by the place and text of their mark; of pairs, the voxels stand in an .img
    (344, b"n+1\0"): Nifti1Header,
    (344, b"ni1\0"): Nifti1PairHeader,
    (4, b"n+2\0"): Nifti2Header,
    (4, b"ni2\0"): Nifti2PairHeader,
}
_SHORTEST, _LONGEST = 348, 540  # bytes of NIfTI-1's and NIfTI-2's headers
_SLACK = 2**20  # bytes after the voxels that are put up with
_AT_ONCE = 2**20  # voxels that are read at a time, so that no second copy of all is held
_UNITS = {1: "meter", 2: "mm", 3: "micron"}  # NIfTI's codes of lengths
_TO_MM = {1: 1000.0, 3: 0.001}  # unknown units are mm
_SIZES_APART = 0.01  # of a voxel: affine and pixdim may differ by rounding to two decimals
_TOO_LONG = 1.001  # quaternions up to this length are rounded rather than wrong
_SILENT = logging.Logger("inspire_med.nifti", logging.CRITICAL + 1)


def open_nifti(path: Path) -> Stored:
    """Open a file: its header read and checked, its voxels not read.

    Raises:
        InputError: If the file is missing, empty, no NIfTI, wrongly named, or too small for what
            its header promises; if its voxels are not grey; if its header says nowhere, or of two
            voxel sizes, where they lie.
    """
    refuse_absent(path)
    header, sizes = _read_header(path)
    data = path if header.is_single else path.with_suffix(".img")
    if not data.is_file():
        raise InputError(f"{path}: its voxels stand in {data.name}, which is not there; add it.")
    try:
        shape = tuple(int(size) for size in header.get_data_shape())
        dtype, offset = header.get_data_dtype(), int(header.get_data_offset())
        slope, intercept = header.get_slope_inter()
    except (HeaderDataError, ValueError, OverflowError, KeyError) as error:
        raise _no_nifti(path, error) from None
    if header.is_single and offset < header.sizeof_hdr:  # nibabel takes 0, and reads the header
        raise _no_nifti(path, f"its voxels begin within the header, at {offset}")
    if dtype.kind not in "iuf":
        raise not_grey(path)
    if len(shape) < 2 or min(shape) < 1:
        raise InputError(f"{path}: its shape {shape} is not that of a volume; export it again.")
    packed, held = _is_packed(path), data.stat().st_size
    voxels = math.prod(shape)
    refuse_promise(path, voxels, dtype.itemsize, held=held, packed=packed, before=offset)
    affine, told = _placed(path, header, sizes, min(len(shape), 3))
    read = partial(_read, path, data, _Layout(shape, dtype, offset, slope, intercept))
    return Stored(path, shape, affine, told, dtype.name, _unit(header), data, read)


def _read_header(path: Path) -> tuple[Any, NDArray[np.float64]]:
    """The header, mended where nibabel knows how, and the voxel sizes as they were before."""
    try:
        _check_name(path)
        with (gzip.open if _is_packed(path) else open)(path, "rb") as stream:
            block = stream.read(_LONGEST)
        if len(block) < _SHORTEST:
            raise truncated(path, "it ends within the header")
        kind = _kind(path, block)
        header = kind(block[: kind.sizeof_hdr], check=False)
        sizes = np.asarray(header["pixdim"][1:4], dtype=np.float64)
        header.check_fix(logger=_SILENT, error_level=40)
    except InputError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise truncated(path, error) from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; mend its rights.") from None
    except (HeaderDataError, WrapStructError, OSError, ValueError, OverflowError) as error:
        raise _no_nifti(path, error) from None
    return header, sizes


def _check_name(path: Path) -> None:
    with path.open("rb") as handle:
        zipped = handle.read(2) == b"\x1f\x8b"
    if _is_packed(path) and not zipped:
        raise InputError(f"{path}: named .gz but not compressed; rename it to .nii or compress it.")
    if zipped and not _is_packed(path):
        raise InputError(f"{path}: compressed but not named .gz; rename it to .nii.gz.")


def _kind(path: Path, block: bytes) -> Any:
    for (place, mark), kind in _HEADERS.items():
        if block[place:].startswith(mark):
            return kind
    if path.suffix.lower() == ".hdr":
        raise InputError(
            f"{path}: an Analyze header, which does not say where left is; convert it to .nii.gz "
            "with the program that wrote it."
        )
    raise _no_nifti(path, "its mark is missing")


def _placed(
    path: Path, header: Any, sizes: NDArray[np.float64], axes: int
) -> tuple[NDArray[np.float64], Header]:
    """Voxel to RAS+ millimetres by the part of the header that decides, and what else it says."""
    scale = _TO_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    codes = int(header["qform_code"]), int(header["sform_code"])
    qform = _scaled(_qform(header), scale) if codes[0] > 0 else None
    if codes[1] > 0:
        affine = _scaled(header.get_sform(), scale)
    else:
        affine = _scaled(header.get_base_affine(), scale) if qform is None else qform
        if not (sizes[:axes] > 0).all():
            raise InputError(
                f"{path}: its header has no usable voxel size (pixdim {_listed(sizes)}); write "
                "the true one, or an sform."
            )
    refuse_affine(path, affine)
    if codes[1] > 0:
        _refuse_two_sizes(path, affine, scale * abs(sizes[:axes]))
    # a quaternion is scaled by pixdim: with a size below 0 it is another one
    if qform is None or not (np.isfinite(qform).all() and (sizes[:axes] > 0).all()):
        return affine, Header(None, 0, codes[1], _units(header))
    return affine, Header(qform.tolist(), codes[0], codes[1], _units(header))


def _scaled(affine: Any, scale: float) -> NDArray[np.float64]:
    affine = np.array(affine, dtype=np.float64)
    affine[:3] *= scale
    return affine


def _qform(header: Any) -> NDArray[np.float64]:
    """The quaternion's affine; NaN where it is no rotation."""
    length = math.hypot(*(float(header[f"quatern_{axis}"]) for axis in "bcd"))
    if 1 < length < _TOO_LONG:
        for axis in "bcd":
            header[f"quatern_{axis}"] /= length
    try:
        return np.asarray(header.get_qform(), dtype=np.float64)
    except (ValueError, HeaderDataError):
        return np.full((4, 4), np.nan)


def _refuse_two_sizes(path: Path, affine: NDArray[np.float64], sizes: NDArray[np.float64]) -> None:
    own = np.linalg.norm(affine[:3, :3], axis=0)[: len(sizes)]
    said = np.isfinite(sizes) & (sizes > 0)
    if (np.abs(own - sizes)[said] > _SIZES_APART * own[said]).any():
        raise InputError(
            f"{path}: its affine says voxels of {_listed(own)} mm and its pixdim of "
            f"{_listed(sizes)} mm; find out which is true and write both so."
        )


def _units(header: Any) -> list[str]:
    """Of space and time, as they are after the conversion to millimetres."""
    try:
        _, time = header.get_xyzt_units()
    except KeyError:  # a code that the standard does not have
        return ["unknown", "unknown"]
    return ["unknown" if _unit(header) == "unknown" else "mm", time]


def _unit(header: Any) -> str:
    """Of the lengths as the file has them."""
    return _UNITS.get(int(header["xyzt_units"]) & 7, "unknown")


@dataclass(frozen=True)
class _Layout:
    """How voxels stand in a file: from `offset` on, i fastest."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float | None
    intercept: float | None

    def scaled(self, stored: bytes) -> NDArray[Any]:
        """The values of some voxels, of a type that holds them once they are scaled."""
        return apply_read_scaling(np.frombuffer(stored, self.dtype), self.slope, self.intercept)


def _read(path: Path, data: Path, layout: _Layout, dtype: DTypeLike) -> NDArray[Any]:
    packed, voxels = _is_packed(path), math.prod(layout.shape)
    kind = layout.scaled(bytes(layout.dtype.itemsize)).dtype if dtype is None else dtype
    values = np.empty(voxels, kind)
    try:
        with (gzip.open if packed else open)(data, "rb") as file:
            file.seek(layout.offset)
            for start in range(0, voxels, _AT_ONCE):
                part = values[start : start + _AT_ONCE]
                stored = file.read(len(part) * layout.dtype.itemsize)
                if len(stored) < len(part) * layout.dtype.itemsize:
                    raise EOFError("it ends within its voxels")
                with np.errstate(over="ignore"):  # what is too large becomes infinite: refused
                    part[:] = layout.scaled(stored)
            # To the very end, where the checksum stands that would be skipped else.
            if packed and len(file.read(_SLACK)) == _SLACK:
                raise ValueError("it holds more than its header says")
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise truncated(path, error) from None
    return values.reshape(layout.shape, order="F")


def _is_packed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _listed(sizes: NDArray[np.float64]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)


def _no_nifti(path: Path, error: BaseException | str) -> InputError:
    return InputError(f"{path}: not a NIfTI file ({reason_of(error)}); export it as .nii.gz.")
