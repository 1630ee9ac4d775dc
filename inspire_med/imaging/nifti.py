"""NIfTI: volumes that may be broken, read with a sentence for whatever is wrong."""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import ImageOpener
from nibabel.spatialimages import HeaderDataError
from numpy.typing import DTypeLike, NDArray

from inspire_med.errors import InputError

NIFTI_SUFFIXES = (".nii.gz", ".nii")
MAX_VOXELS = 2**30  # 4 GiB as float32; the largest public MRI volumes have 2**25
GZIP_LIMIT = 1032  # DEFLATE cannot pack tighter than this, so a header that promises more is wrong
HEADER = 348  # bytes of the shortest NIfTI header
SNIFFED = 1024  # bytes that nibabel looks at to tell the type
SLACK = 2**20  # bytes after the voxels that are put up with


@dataclass(frozen=True)
class Volume:
    """What a file holds.

    Attributes:
        values: All axes of the file, in its voxel order.
        sizes: Voxel size along each axis as the header has it, be it 0 or NaN.
        affine: Voxel to world in mm, (4, 4), finite.
    """

    values: NDArray[Any]
    sizes: tuple[float, ...]
    affine: NDArray[np.float64]


def is_nifti(path: Path) -> bool:
    """Is a file a volume by its name?"""
    return path.name.lower().endswith(NIFTI_SUFFIXES)


def read_nifti(path: Path, dtype: DTypeLike = None) -> Volume:
    """Read a file as it is stored.

    Args:
        path: A volume.
        dtype: What its values are to be; None leaves them as they are stored.

    Raises:
        InputError: As `open_nifti` and `read_values`; also if its affine is not finite.
    """
    image = open_nifti(path)
    values = read_values(path, image, dtype)
    # nibabel replaces a voxel size of 0 by 1 while loading; the caller is to see it
    with ImageOpener(str(path)) as stream:
        sizes = type(image.header).from_fileobj(stream, check=False).get_zooms()
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all():
        raise InputError(
            f"{path}: its affine holds NaN or infinite numbers, so it lies nowhere; mend the "
            "header."
        )
    return Volume(values, tuple(float(size) for size in sizes), affine)


def open_nifti(path: Path) -> Any:
    """Open a file as nibabel's image: the header read and checked, the voxels not read.

    Raises:
        InputError: If the file is missing, empty, no NIfTI, wrongly named, or too small for what
            its header promises.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; fetch or export it again.")
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        _check_suffix(path)
        with opener(path, "rb") as handle:
            if len(handle.read(SNIFFED)) < HEADER:
                raise EOFError("it ends within the header")
        image = nib.load(path)
    except InputError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _truncated(path, error) from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; mend its rights.") from None
    except (ImageFileError, HeaderDataError, OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: not a NIfTI file ({_first_line(error)}); export it as .nii.gz."
        ) from None
    if not isinstance(image, nib.Nifti1Image):
        raise InputError(
            f"{path}: not a NIfTI file ({type(image).__name__}); export it as .nii.gz."
        )
    _check_promise(path, image)
    return image


def read_values(path: Path, image: Any, dtype: DTypeLike = None) -> NDArray[Any]:
    """Read all voxels of an opened file; slope and intercept are applied.

    Raises:
        InputError: If the file is truncated or corrupt.
    """
    try:
        if path.name.lower().endswith(".gz"):
            image = type(image).from_bytes(_decompressed(path, image))
        return np.asarray(image.dataobj, dtype=dtype)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise _truncated(path, error) from None


def _check_suffix(path: Path) -> None:
    if not is_nifti(path):
        raise InputError(f"{path}: not a .nii or .nii.gz file; convert it to NIfTI.")
    with path.open("rb") as handle:
        zipped = handle.read(2) == b"\x1f\x8b"
    named_zipped = path.name.lower().endswith(".gz")
    if named_zipped and not zipped:
        raise InputError(f"{path}: named .gz but not compressed; rename it to .nii or compress it.")
    if zipped and not named_zipped:
        raise InputError(f"{path}: compressed but not named .gz; rename it to .nii.gz.")


def _check_promise(path: Path, image: Any) -> None:
    """The header's size against the file's, before anything is allocated."""
    voxels = math.prod(map(int, image.shape))
    promised = voxels * image.header.get_data_dtype().itemsize
    size = path.stat().st_size
    zipped = path.name.lower().endswith(".gz")
    held = size * GZIP_LIMIT if zipped else size - int(image.dataobj.offset)
    if promised > held:
        raise InputError(
            f"{path}: the header promises {promised} bytes of voxels and the file of {size} bytes "
            "cannot hold them; fetch or export it again."
        )
    if voxels > MAX_VOXELS:
        raise InputError(
            f"{path}: {voxels} voxels are more than the {MAX_VOXELS} that are read; crop or "
            "resample it."
        )


def _decompressed(path: Path, image: Any) -> bytes:
    """Decompress to the very end, where the checksum stands that a partial read would skip."""
    voxels = math.prod(image.shape) * image.header.get_data_dtype().itemsize
    with gzip.open(path, "rb") as handle:
        data = handle.read(int(image.dataobj.offset) + voxels)
        if len(handle.read(SLACK)) == SLACK:
            raise ValueError("it holds more than its header says")
    return data


def _truncated(path: Path, error: BaseException) -> InputError:
    return InputError(
        f"{path}: truncated or corrupt ({_first_line(error)}); fetch or export it again."
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
