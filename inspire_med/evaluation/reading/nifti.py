"""NIfTI: a volume read as it is stored, with a sentence for whatever is wrong."""

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

_DEFLATE_LIMIT = 1032  # no gzip stream grows by more
_UNREADABLE = (
    EOFError,
    HeaderDataError,
    ImageFileError,
    MemoryError,
    OSError,
    OverflowError,
    ValueError,
    zlib.error,
)


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


def read_nifti(path: Path, dtype: DTypeLike = None) -> Volume:
    """Read a file that is there.

    Args:
        path: A volume.
        dtype: What its values are to be; None leaves them as they are stored.

    Raises:
        InputError: If it is unreadable, cut short, holds less than its header promises, or its
            affine is not finite.
    """
    try:
        image: Any = nib.load(path)
        promised = int(np.prod(image.shape, dtype=float)) * image.get_data_dtype().itemsize
        if promised > path.stat().st_size * _DEFLATE_LIMIT:
            raise EOFError
        values = np.asarray(image.dataobj, dtype=dtype)
        # nibabel replaces a voxel size of 0 by 1 while loading; the caller is to see it
        with ImageOpener(str(path)) as stream:
            sizes = type(image.header).from_fileobj(stream, check=False).get_zooms()
    except _UNREADABLE as error:
        reason = f"{error}".strip().splitlines()[0] if f"{error}".strip() else "cut short"
        raise InputError(
            f"{path}: not a readable NIfTI file ({reason}); it may be truncated, fetch or write "
            "it again."
        ) from None
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all():
        raise InputError(
            f"{path}: its affine holds NaN or infinite numbers, so it lies nowhere; mend the "
            "header."
        )
    return Volume(values, tuple(float(size) for size in sizes), affine)
