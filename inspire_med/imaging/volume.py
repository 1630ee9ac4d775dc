"""Volume: a scan in memory with its grid, read from its file and written where it lies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.files import atomic_path
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.nifti import open_nifti, read_values


@dataclass(frozen=True)
class Header:
    """What a file says beside its grid, JSON-able: a file written with it is placed as that one.

    Attributes:
        qform: Voxel to world by the quaternion, (4, 4).
        qform_code: The space it leads to, by NIfTI's codes; 0 where it says nothing.
        sform: Voxel to world by the matrix, (4, 4).
        sform_code: Likewise.
        units: Of space and of time.
    """

    qform: Sequence[Sequence[float]]
    qform_code: int
    sform: Sequence[Sequence[float]]
    sform_code: int
    units: Sequence[str]


@dataclass(frozen=True)
class Volume:
    """A volume in memory: `values` (i, j, k), the grid they lie on, the header of their file."""

    values: NDArray[np.float32]
    grid: Grid
    header: Header


def read_grid(path: Path, component: int | None = None) -> Grid:
    """Read where the voxels lie; none of them is read.

    Args:
        path: A .nii or .nii.gz file.
        component: Index along the fourth axis, for files that hold several channels.

    Raises:
        InputError: As `open_nifti`; also if the file does not hold grey values in three axes or
            more, is without a usable affine, does not hold that component, or holds several and
            none was asked for.
    """
    grid, count = _grid(path, open_nifti(path))
    _check_component(path, count, component)
    return grid


def count_components(path: Path) -> int:
    """How many volumes of one grid a file holds.

    Raises:
        InputError: As `read_grid`.
    """
    return _grid(path, open_nifti(path))[1]


def read_volume(path: Path, component: int | None = None) -> Volume:
    """Read one volume as float32; slope and intercept are applied.

    Args:
        path: A .nii or .nii.gz file.
        component: Index along the fourth axis, for files that hold several channels.

    Raises:
        InputError: As `read_grid`; also if the file is truncated or corrupt, or if a voxel is NaN
            or infinite.
    """
    image = open_nifti(path)
    grid, count = _grid(path, image)
    _check_component(path, count, component)
    header = _header(image)
    values = read_values(path, image, np.float32).reshape(*grid.shape, count)[..., component or 0]
    broken = values.size - int(np.count_nonzero(np.isfinite(values)))
    if broken:
        raise InputError(
            f"{path}: {broken} voxels are NaN or infinite; export the file again, or leave the "
            "case out."
        )
    return Volume(np.ascontiguousarray(values), grid, header)


def write_volume(path: Path, array: NDArray[Any], grid: Grid, header: Header | None) -> None:
    """Write (i, j, k) or (i, j, k, region) on a grid.

    Args:
        path: Ends in .nii or .nii.gz.
        array: The voxels; their dtype is the file's.
        grid: Where they lie.
        header: Of the file that gave the grid: codes and units are written as they were there.
    """
    image = nib.Nifti1Image(array, grid.affine)
    if header is not None:
        image.header.set_xyzt_units(*header.units)
        image.set_qform(np.asarray(header.qform), code=header.qform_code)
        image.set_sform(np.asarray(header.sform), code=header.sform_code)
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def _check_component(path: Path, count: int, component: int | None) -> None:
    """Is the volume that is asked for in the file?"""
    if component is None and count > 1:
        raise InputError(
            f"{path}: holds {count} volumes where one is expected; give one file for each channel."
        )
    if component is not None and component >= count:
        raise InputError(
            f"{path}: holds {count} volumes and number {component}, counted from 0, is asked for; "
            "give the file of all channels, or prepare the data set again."
        )


def _grid(path: Path, image: Any) -> tuple[Grid, int]:
    """The grid, and how many volumes lie on it, after the checks that cost nothing."""
    if image.header.get_data_dtype().kind not in "iuf":
        raise InputError(
            f"{path}: its voxels are colours or complex numbers; export one grey value a voxel."
        )
    shape = tuple(int(size) for size in image.shape)
    if len(shape) < 3 or min(shape) < 1 or any(size != 1 for size in shape[4:]):
        raise InputError(f"{path}: its shape {shape} is not that of a volume; export it again.")
    affine = np.asarray(image.affine, dtype=np.float64)
    finite = np.isfinite(affine).all() and np.isfinite(_qform(image)).all()
    if not finite or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(f"{path}: its header has no usable voxel size or affine; export it again.")
    return Grid(shape[:3], affine), math.prod(shape[3:])


def _header(image: Any) -> Header:
    header = image.header
    return Header(
        _qform(image).tolist(),
        int(header["qform_code"]),
        image.get_sform().tolist(),
        int(header["sform_code"]),
        _units(header),
    )


def _qform(image: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(image.get_qform(), dtype=np.float64)
    except ValueError:  # quaternions that are no rotation
        return np.full((4, 4), np.nan)


def _units(header: Any) -> list[str]:
    try:
        return list(header.get_xyzt_units())
    except KeyError:  # a code that the standard does not have
        return ["unknown", "unknown"]
