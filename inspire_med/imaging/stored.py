"""Stored: a volume's file, opened with mistrust and not yet read; the same for every format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from inspire_med.errors import InputError

MAX_VOXELS = 2**30  # 4 GiB as float32; the largest public MRI volumes have 2**25
GZIP_LIMIT = 1032  # DEFLATE cannot pack tighter than this, so a header that promises more is wrong
_FARTHEST_MM = 1e9  # no patient is as large, and squares are far from overflowing


@dataclass(frozen=True)
class Header:
    """What a file says beside its grid, JSON-able: a file written with it says the same.

    Attributes:
        qform: Voxel to world in mm by NIfTI's quaternion, (4, 4); None where it is of no use.
        qform_code: The space it leads to, by NIfTI's codes; 0 where it says nothing.
        sform_code: Likewise of the matrix, which is the grid's affine unless this is 0.
        units: Of space and of time.
    """

    qform: Sequence[Sequence[float]] | None
    qform_code: int
    sform_code: int
    units: Sequence[str]


@dataclass(frozen=True)
class Stored:
    """A file whose header was read and believed.

    Attributes:
        path: The file.
        shape: Voxels along all of its axes, (i, j, k) first.
        affine: Voxel to RAS+ millimetres, (4, 4), finite and not singular.
        header: What else it says.
        kind: The type that its numbers are stored as, such as int16.
        unit: Of the lengths in the file itself: mm, meter, micron or unknown.
        data: The file that the voxels stand in: `path`, or one beside it.
        read: Reads all voxels with slope and intercept, as their dtype or as the one given.

    Raises:
        InputError: By `read`, if the file is truncated or corrupt.
    """

    path: Path
    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    header: Header
    kind: str
    unit: str
    data: Path
    read: Callable[[DTypeLike], NDArray[Any]]


def refuse_absent(path: Path) -> None:
    """Refuse a file that is missing or empty.

    Raises:
        InputError: If it is.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; fetch or export it again.")


def refuse_promise(
    path: Path, voxels: int, item_bytes: int, *, held: int, packed: bool, before: int = 0
) -> None:
    """Refuse a header that says more than is there or than is read, before anything is allocated.

    Args:
        path: The file.
        voxels: That its header promises.
        item_bytes: Of one voxel.
        held: Bytes that may be voxels.
        packed: Whether they are compressed.
        before: Bytes in front of the voxels, once unpacked.

    Raises:
        InputError: If it does.
    """
    if before + voxels * item_bytes > held * (GZIP_LIMIT if packed else 1):
        raise InputError(
            f"{path}: the header promises {voxels * item_bytes} bytes of voxels and the file of "
            f"{path.stat().st_size} bytes cannot hold them; fetch or export it again."
        )
    if voxels > MAX_VOXELS:
        raise InputError(
            f"{path}: {voxels} voxels are more than the {MAX_VOXELS} that are read; crop or "
            "resample it."
        )


def refuse_affine(path: Path, affine: NDArray[np.float64]) -> None:
    """Refuse an affine that puts voxels nowhere, or all of them onto a plane.

    Raises:
        InputError: If it does.
    """
    usable = bool((np.abs(affine) < _FARTHEST_MM).all())  # NaN is not
    sizes = np.linalg.norm(affine[:3, :3], axis=0) if usable else np.zeros(3)
    if not (sizes > 0).all() or abs(np.linalg.det(affine[:3, :3] / sizes)) < 1e-6:
        raise InputError(f"{path}: its header has no usable voxel size or affine; export it again.")


def not_grey(path: Path) -> InputError:
    """For voxels that are not one number each."""
    return InputError(
        f"{path}: its voxels are colours, vectors or complex numbers; export one grey value a "
        "voxel."
    )


def truncated(path: Path, reason: BaseException | str) -> InputError:
    """For a file whose voxels cannot be read to their end."""
    why = reason_of(reason)
    return InputError(f"{path}: truncated or corrupt ({why}); fetch or export it again.")


def reason_of(error: BaseException | str) -> str:
    """A library's complaint, in half a line."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
