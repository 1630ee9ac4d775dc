"""NIfTI: the volumes of a case with the grids they lie on; masks that land where the scan lies."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.files import atomic_path
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.nifti import open_nifti, read_values


def read_grid(path: Path) -> Grid:
    """Read the header alone.

    Raises:
        InputError: As `open_nifti`; also if the file does not hold grey values in three axes or
            more, or is without a usable affine.
    """
    return _grid(path, open_nifti(path))


def read_channel_grid(path: Path, component: int | None) -> Grid:
    """As `read_grid`, for one volume of the file.

    Raises:
        InputError: As `read_grid`; also if the file does not hold that volume, or holds several and
            none was asked for.
    """
    return _checked(path, read_grid(path), component)


def read_volume(path: Path, component: int | None = None) -> tuple[NDArray[np.float32], Grid]:
    """Read one volume as float32 (i, j, k) with its grid; slope and intercept are applied.

    Args:
        path: A .nii or .nii.gz file.
        component: Index along the fourth axis, for files that hold several channels.

    Raises:
        InputError: As `read_channel_grid`; also if the file is truncated or corrupt, or if a voxel
            is NaN or infinite.
    """
    image = open_nifti(path)
    grid = _checked(path, _grid(path, image), component)
    data = read_values(path, image, np.float32)
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


def _checked(path: Path, grid: Grid, component: int | None) -> Grid:
    """Is the volume that is asked for in the file?"""
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


def _grid(path: Path, image: Any) -> Grid:
    """Shape, affine and codes, after the checks that cost nothing."""
    header = image.header
    if header.get_data_dtype().kind not in "iuf":
        raise InputError(
            f"{path}: its voxels are colours or complex numbers; export one grey value a voxel."
        )
    shape = tuple(int(size) for size in image.shape)
    if len(shape) < 3 or min(shape) < 1 or any(size != 1 for size in shape[4:]):
        raise InputError(f"{path}: its shape {shape} is not that of a volume; export it again.")
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
