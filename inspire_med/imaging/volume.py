"""Volume: a scan in memory with its grid, read from its file and written where it lies."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import nibabel as nib
import numpy as np
from nibabel.openers import ImageOpener
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.files import atomic_path
from inspire_med.imaging.dicom.known import claims_dicom, require_extra
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.itk import ITK_SUFFIXES, open_itk
from inspire_med.imaging.nifti import open_nifti
from inspire_med.imaging.stored import Header, Stored
from inspire_med.wording import counted

_NIFTI_SUFFIXES = (".nii.gz", ".nii", ".hdr")
VOLUME_SUFFIXES = (*_NIFTI_SUFFIXES, *ITK_SUFFIXES)


@dataclass(frozen=True)
class Volume:
    """A volume in memory: `values` (i, j, k), the grid they lie on, its file's header or None."""

    values: NDArray[np.float32]
    grid: Grid
    header: Header | None


def is_volume(path: Path) -> bool:
    """Is a file a volume by its name?"""
    return path.name.lower().endswith(VOLUME_SUFFIXES)


def bare_name(path: Path) -> str:
    """File name without the suffix of a volume, or the last one."""
    name = path.name
    for suffix in VOLUME_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def open_volume(path: Path) -> Stored:
    """Open a volume of any format: its header read and checked, its voxels not read.

    A file of a DICOM series stands for the whole of it.

    Raises:
        InputError: As `open_nifti`, `open_itk` and `open_dicom`; also if its name is no volume's,
            or if it is DICOM and what reads that is not installed.
    """
    name = path.name.lower()
    if name.endswith(_NIFTI_SUFFIXES):
        return open_nifti(path)
    if name.endswith(ITK_SUFFIXES):
        return open_itk(path)
    if claims_dicom(path):
        require_extra(path)
        from inspire_med.imaging.dicom.reading import open_dicom

        return open_dicom(path)
    raise InputError(
        f"{path}: not a volume's name ({', '.join(VOLUME_SUFFIXES)}, .dcm); convert it to .nii.gz, "
        "or give the header beside it."
    )


def files_of(path: Path) -> tuple[Path, ...]:
    """The file, and the one beside it that its voxels stand in if it is a header alone.

    Of a DICOM series it is all of its files.

    Raises:
        InputError: As `open_volume`.
    """
    if claims_dicom(path):
        require_extra(path)
        from inspire_med.imaging.dicom.reading import files_of_series

        return files_of_series(path)
    return tuple(dict.fromkeys((path, open_volume(path).data)))


def read_grid(path: Path, component: int | None = None) -> Grid:
    """Read where the voxels lie; none of them is read.

    Args:
        path: A volume.
        component: Index along the fourth axis, for files that hold several channels.

    Raises:
        InputError: As `open_volume`; also if the file has less than three axes, does not hold that
            component, or holds several and none was asked for.
    """
    stored = open_volume(path)
    _check_component(path, _components(stored), component)
    return Grid(stored.shape[:3], stored.affine)


def count_components(path: Path) -> int:
    """How many volumes of one grid a file holds.

    Raises:
        InputError: As `open_volume`; also if it has less than three axes.
    """
    return _components(open_volume(path))


def read_volume(path: Path, component: int | None = None) -> Volume:
    """Read one volume as float32; slope and intercept are applied.

    Args:
        path: A volume.
        component: Index along the fourth axis, for files that hold several channels.

    Raises:
        InputError: As `read_grid`; also if the file is truncated or corrupt, or if a voxel is NaN
            or infinite.
    """
    stored = open_volume(path)
    count = _components(stored)
    _check_component(path, count, component)
    grid = Grid(stored.shape[:3], stored.affine)
    values = stored.read(np.float32).reshape(*grid.shape, count)[..., component or 0]
    if count > 1:
        values = values.copy(order="F")  # a view would keep all the others
    broken = values.size - int(np.count_nonzero(np.isfinite(values)))
    if broken:
        raise InputError(
            f"{path}: NaN or infinite in {counted(broken, 'voxel')}; export the file again, or "
            "leave the case out."
        )
    return Volume(values, grid, stored.header)


def write_volume(path: Path, array: NDArray[Any], grid: Grid, header: Header | None = None) -> None:
    """Write (i, j, k) on a grid, as NIfTI.

    Args:
        path: Ends in .nii or .nii.gz.
        array: The voxels; their dtype is the file's.
        grid: Where they lie.
        header: Of the file that gave the grid: codes and units are written as they were there.
    """
    image = nib.Nifti1Image(array, grid.affine)
    _say(image, grid, header)
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


class Volumes(Protocol):
    """Volumes of one shape by their place: a list, an array, or what makes each when asked."""

    def __getitem__(self, index: int, /) -> NDArray[np.float32]: ...

    def __len__(self) -> int: ...


def write_volumes(path: Path, volumes: Volumes, grid: Grid, header: Header | None = None) -> None:
    """Write volumes (i, j, k) of one grid along a fourth axis; else as `write_volume`.

    They are asked for one after another, so that they need not be in memory together.
    """
    shape = (*grid.shape, len(volumes))
    image = nib.Nifti1Image(np.broadcast_to(np.float32(0), shape), grid.affine)
    _say(image, grid, header)
    image.header.set_slope_inter(1, 0)
    with atomic_path(path) as temporary, ImageOpener(str(temporary), "wb") as file:
        image.header.write_to(file)
        for index in range(len(volumes)):
            for plane in volumes[index].astype(np.float32, copy=False).T:  # i is fastest in a file
                file.write(plane.tobytes())


def write_pair(path: Path, array: NDArray[Any], grid: Grid, header: Header | None = None) -> None:
    """Write a volume as NIfTI in two files, .hdr and .img; arguments as for `write_volume`."""
    image = nib.Nifti1Pair(array, grid.affine)
    _say(image, grid, header)
    nib.save(image, path)


def _say(image: nib.Nifti1Pair, grid: Grid, header: Header | None) -> None:
    """Write into an image's header what another file's said."""
    if header is None:
        image.header.set_xyzt_units("mm")
        return
    image.header.set_xyzt_units(*header.units)
    image.set_sform(grid.affine, code=header.sform_code)
    if header.qform is not None:
        image.set_qform(np.asarray(header.qform), code=header.qform_code)


def _components(stored: Stored) -> int:
    """How many volumes lie on the file's grid."""
    shape = stored.shape
    if len(shape) < 3 or any(size != 1 for size in shape[4:]):
        raise InputError(
            f"{stored.path}: its shape {shape} is not that of a volume; export it again."
        )
    return math.prod(shape[3:])


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
