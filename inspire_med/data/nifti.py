"""NIfTI: read volumes that may be broken, write masks that land where the scan lies."""

import gzip
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from inspire_med.data.grid import Grid
from inspire_med.errors import InputError
from inspire_med.evaluation.reading.masks import is_nifti
from inspire_med.files import atomic_path

MAX_VOXELS = 2**30  # 4 GiB as float32; the largest public MRI volumes have 2**25
GZIP_LIMIT = 1032  # DEFLATE cannot pack tighter than this, so a header that promises more is wrong
HEADER = 348  # bytes of the shortest NIfTI header
SNIFFED = 1024  # bytes that nibabel looks at to tell the type
SLACK = 2**20  # bytes after the voxels that are put up with


def read_grid(path: Path) -> Grid:
    """Read the header alone and check what it promises against the size of the file.

    Raises:
        InputError: If the file is missing, empty, no NIfTI, wrongly named, without a usable affine,
            or too small for its header.
    """
    return _grid(path, _open(path))


def read_channel_grid(path: Path, component: int | None) -> Grid:
    """As `read_grid`, for one volume of the file.

    Raises:
        InputError: As `read_grid`; also if the file does not hold that volume, or holds several and
            none was asked for.
    """
    grid = read_grid(path)
    if component is None and grid.components > 1:
        raise InputError(
            f"{path}: holds {grid.components} volumes where one is expected; give one file for "
            "each channel."
        )
    if component is not None and component >= grid.components:
        raise InputError(
            f"{path}: holds {grid.components} volumes and number {component}, counted from 0, is "
            "asked for; give the file of all channels, or prepare the data set again."
        )
    return grid


def read_volume(path: Path, component: int | None = None) -> tuple[NDArray[np.float32], Grid]:
    """Read one volume as float32 (i, j, k) with its grid; slope and intercept are applied.

    Args:
        path: A .nii or .nii.gz file.
        component: Index along the fourth axis, for files that hold several channels.

    Raises:
        InputError: As `read_channel_grid`; also if the file is truncated or corrupt, or if a voxel
            is NaN or infinite.
    """
    grid = read_channel_grid(path, component)
    image = _open(path)
    try:
        if path.name.lower().endswith(".gz"):
            image = type(image).from_bytes(_whole(path, image))
        data = image.get_fdata(caching="unchanged", dtype=np.float32)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise InputError(
            f"{path}: truncated or corrupt ({_first_line(error)}); fetch or export it again."
        ) from None
    data = data.reshape(*grid.shape, grid.components)[..., component or 0]
    broken = data.size - int(np.count_nonzero(np.isfinite(data)))
    if broken:
        raise InputError(
            f"{path}: {broken} voxels are NaN or infinite; export the file again, or leave the "
            "case out."
        )
    return np.ascontiguousarray(data), grid


def write_volume(path: Path, data: NDArray[Any], record: Mapping[str, Any]) -> None:
    """Write (i, j, k) or (i, j, k, region) on the grid of `record`: same affine, codes and units.

    Args:
        path: Ends in .nii or .nii.gz.
        data: The voxels; their dtype is the file's.
        record: Has `affine` and `header` as `Preprocessor.prepare` leaves them.
    """
    header, affine = record["header"], np.asarray(record["affine"], dtype=np.float64)
    image = nib.Nifti1Image(data, affine)
    if header:  # of a file; arrays have none
        image.header.set_xyzt_units(*header["units"])
        image.set_qform(np.asarray(header["qform"]), code=header["qform_code"])
        image.set_sform(np.asarray(header["sform"]), code=header["sform_code"])
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def _open(path: Path) -> Any:
    """Nibabel's image, header read and voxels not."""
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
        return nib.load(path)
    except InputError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: truncated or corrupt ({_first_line(error)}); fetch or export it again."
        ) from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; mend its rights.") from None
    except (ImageFileError, HeaderDataError, OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: not a NIfTI file ({_first_line(error)}); export it as .nii.gz."
        ) from None


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


def _grid(path: Path, image: Any) -> Grid:
    """Shape, affine and codes, after the checks that cost nothing."""
    if not isinstance(image, nib.Nifti1Image):
        raise InputError(
            f"{path}: not a NIfTI file ({type(image).__name__}); export it as .nii.gz."
        )
    header = image.header
    if header.get_data_dtype().kind not in "iuf":
        raise InputError(
            f"{path}: its voxels are colours or complex numbers; export one grey value a voxel."
        )
    shape = tuple(int(size) for size in image.shape)
    if len(shape) < 3 or min(shape) < 1 or any(size != 1 for size in shape[4:]):
        raise InputError(f"{path}: its shape {shape} is not that of a volume; export it again.")
    _check_promise(path, image)
    affine = np.asarray(image.affine, dtype=np.float64)
    try:
        qform = np.asarray(image.get_qform(), dtype=np.float64)
    except ValueError:  # quaternions that are no rotation
        qform = np.full((4, 4), np.nan)
    finite = np.isfinite(affine).all() and np.isfinite(qform).all()
    if not finite or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(f"{path}: its header has no usable voxel size or affine; export it again.")
    codes = {
        "qform": qform.tolist(),
        "qform_code": int(header["qform_code"]),
        "sform": image.get_sform().tolist(),
        "sform_code": int(header["sform_code"]),
        "units": _units(header),
    }
    return Grid(shape[:3], affine, math.prod(shape[3:]), codes)


def _units(header: Any) -> list[str]:
    try:
        return list(header.get_xyzt_units())
    except KeyError:  # a code that the standard does not have
        return ["unknown", "unknown"]


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


def _whole(path: Path, image: Any) -> bytes:
    """Decompress to the very end, where the checksum stands that a partial read would skip."""
    voxels = math.prod(image.shape) * image.header.get_data_dtype().itemsize
    with gzip.open(path, "rb") as handle:
        data = handle.read(int(image.dataobj.offset) + voxels)
        if len(handle.read(SLACK)) == SLACK:
            raise ValueError("it holds more than its header says")
    return data


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
