"""Mend volume: a scan or label at fault made right in memory, as far as its file says how."""

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.cases.align import elsewhere_sentence, lie_alike, turn_beside
from inspire_med.cases.checking.background import number_of_nothing
from inspire_med.cases.checking.mend_labels import whole_labels
from inspire_med.errors import InputError
from inspire_med.imaging.dicom.known import claims_dicom
from inspire_med.imaging.grid import Grid, grids_overlap
from inspire_med.imaging.itk import ITK_SUFFIXES
from inspire_med.imaging.resample import nearest_to, resample_to, to_itk
from inspire_med.imaging.stored import Header, Stored
from inspire_med.imaging.volume import open_volume, write_pair, write_volume
from inspire_med.wording import counted

_KEPT = 0.75  # of a label's volume must stay, or its header does not say where it lies
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Mended:
    """A file as it should be.

    Args:
        done: What was done to it, in words; nothing if it was right.
        save: Writes it to a path of the same ending; what else it needs, beside that.
    """

    done: tuple[str, ...]
    save: Callable[[Path], None]


@dataclass(frozen=True)
class Place:
    """Where a case's volumes must lie.

    Args:
        path: The reference's file.
        grid: Its grid.
        codes: The orientation that is usual in its set, such as LPS; None leaves a file its own.
    """

    path: Path
    grid: Grid
    codes: str | None

    @classmethod
    def of(cls, path: Path, codes: str | None) -> "Place":
        """The place that a case's reference gives it.

        Raises:
            InputError: As `open_volume`.
        """
        with _by_true_name(path) as name:
            stored = _opened(name, path)
        return cls(path, Grid(stored.shape[:3], stored.affine), codes)


def mend_scan(path: Path, place: Place, *, on_grid: bool) -> Mended:
    """A channel without NaN, on its case's grid, in its set's orientation, with lengths in mm.

    Args:
        path: Its file.
        place: Where it must lie.
        on_grid: Whether it must lie on the reference's grid.

    Raises:
        InputError: If there is no way, or nothing to see is left.
    """
    stored, values, done = _read(path)
    grid = Grid(stored.shape[:3], stored.affine)
    header: Header | None = stored.header
    if not on_grid or lie_alike(grid, place.grid):
        own = grid
    elif not grids_overlap(grid, place.grid):
        raise InputError(elsewhere_sentence(path, place.path))
    else:
        parts = np.moveaxis(values.reshape(*grid.shape, -1), -1, 0)
        sampled = [resample_to(part, grid, place.grid) for part in parts]
        values = sampled[0] if values.ndim == 3 else np.stack(sampled, axis=-1)
        own, header = place.grid, None
        done.append(f"resampled linearly to the grid of {place.path.name}")
    if values.min() == values.max():
        raise InputError(f"{path}: every voxel is {values.min():g}; export it again.")
    return _turned(path, values, own, header, place, done)


def mend_label(
    path: Path, place: Place, values: Collection[int], ignore: int | None = None
) -> Mended:
    """A label of whole numbers that may occur, on its case's grid, in its set's orientation.

    Args:
        path: Its file.
        place: Where it must lie.
        values: What may occur in it.
        ignore: Label value where nobody has judged, as nobody has beyond the label's own grid.

    Raises:
        InputError: If there is no way that does not guess.
    """
    stored, array, done = _read(path)
    if array.ndim == 4:
        if array.shape[3] != 1:
            raise InputError(f"{path}: shape {array.shape} is not one mask; give one label a file.")
        array = array[..., 0]
    labels, said = whole_labels(array, values, str(path))
    done += said
    grid, header = Grid(labels.shape, stored.affine), stored.header
    if lie_alike(grid, place.grid):
        return _turned(path, labels, grid, header, place, done)
    moved = nearest_to(labels, grid, place.grid, outside=0 if ignore is None else ignore)
    kept, before = (
        np.count_nonzero((array != 0) & (array != ignore)) * abs(np.linalg.det(on.affine))
        for array, on in ((moved, place.grid), (labels, grid))
    )
    if kept < _KEPT * before:
        raise InputError(
            f"{path}: by its header {1 - kept / before:.0%} of its label lies outside of "
            f"{place.path.name}; write the header that is true."
        )
    done.append(f"resampled to the grid of {place.path.name}, nearest neighbour")
    return _turned(path, moved, place.grid, None, place, done)


def _turned(
    path: Path,
    values: NDArray[Any],
    grid: Grid,
    header: Header | None,
    place: Place,
    done: list[str],
) -> Mended:
    if place.codes is not None:
        turn = turn_beside(grid, place.grid, place.codes)
        turned = turn.grid(grid)
        if not np.allclose(turned.affine, grid.affine):
            lead = np.moveaxis(values, (0, 1, 2), (-3, -2, -1))
            values = np.moveaxis(turn.apply(lead), (-3, -2, -1), (0, 1, 2))
            grid, header = turned, None
            done.append(f"axes put in the order {place.codes}")
    return Mended(tuple(done), partial(_save, np.ascontiguousarray(values), grid, header))


def _read(path: Path) -> tuple[Stored, NDArray[Any], list[str]]:
    """A file's header and voxels, finite and under a name that is true, and what that took."""
    done: list[str] = []
    with _by_true_name(path) as name:
        if name != path:
            done.append("compressed as its name says" if _is_zipped(path.name) else "unpacked")
        stored = _opened(name, path)
        values = stored.read(None)
    if stored.unit in ("meter", "micron"):
        done.append(f"lengths turned from {stored.unit}s to millimetres")
    finite = np.isfinite(values)
    broken = values.size - int(np.count_nonzero(finite))
    if broken:
        nothing = number_of_nothing(values[finite])
        values = np.where(finite, values, np.asarray(nothing, values.dtype))
        done.append(f"NaN or infinite in {counted(broken, 'voxel')}, set to {nothing}")
    return stored, values, done


def _opened(name: Path, path: Path) -> Stored:
    try:
        stored = open_volume(name)
    except InputError as error:
        raise InputError(str(error).replace(str(name), str(path))) from None
    if len(stored.shape) not in (3, 4):
        raise InputError(
            f"{path}: its shape {stored.shape} is not that of a volume; export it again."
        )
    return stored


@contextmanager
def _by_true_name(path: Path) -> Generator[Path]:
    """A NIfTI file by a name that says truly whether it is compressed."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == _GZIP
    if path.name.lower().endswith(ITK_SUFFIXES) or zipped == _is_zipped(path.name):
        yield path
        return
    with TemporaryDirectory() as folder:
        link = Path(folder) / ("volume.nii.gz" if zipped else "volume.nii")
        link.symlink_to(path.resolve())
        yield link


def _is_zipped(name: str) -> bool:
    return name.lower().endswith(".gz")


def _save(values: NDArray[Any], grid: Grid, header: Header | None, path: Path) -> None:
    """Write a volume in the format of its name; where that is a header's, its voxels beside it.

    Raises:
        InputError: If that format cannot hold it.
    """
    if claims_dicom(path):
        raise InputError(
            f"{path}: a DICOM series is not written anew; convert it to .nii.gz with dcm2niix, and "
            "repair that."
        )
    if path.suffix.lower() == ".hdr":
        write_pair(path, values, grid, header)
    elif not path.name.lower().endswith(ITK_SUFFIXES):
        write_volume(path, values, grid, header)
    elif values.ndim == 3:
        sitk.WriteImage(to_itk(values, grid), str(path), useCompression=True)
    else:
        raise InputError(f"{path}: holds several volumes; convert it to .nii.gz.")
