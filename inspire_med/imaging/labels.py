"""Masks: label maps read from NIfTI and image files, with a sentence for whatever is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.images import IMAGE_SUFFIXES, read_mask_image
from inspire_med.imaging.nifti import is_nifti, read_nifti


@dataclass(frozen=True)
class LabelMap:
    """One mask as the measures need it.

    Attributes:
        labels: `(*spatial)`, whole numbers from 0; NIfTI in the file's voxel order, images as rows
            and columns.
        spacing_mm: Voxel size along each axis; 1 (pixel) for images.
        affine: Voxel to world, or None for images and arrays.
        name: Where it came from, for messages.
        note: What the reader had to decide, in one sentence; empty where nothing.
    """

    labels: NDArray[Any]
    spacing_mm: tuple[float, ...]
    affine: NDArray[np.float64] | None
    name: str
    note: str = ""


def read_label_map(path: Path) -> LabelMap:
    """Read a mask file: labels from NIfTI, foreground 1 from images binarised at 128.

    Raises:
        InputError: If the file is missing, unreadable, truncated, of another kind, does not hold
            whole non-negative labels, or lies nowhere by its affine.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path.")
    if is_nifti(path):
        return _labels_of(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        labels, note = read_mask_image(path)
        return LabelMap(labels, (1.0, 1.0), None, str(path), note)
    raise InputError(
        f"{path}: not a mask file; give .nii, .nii.gz or an image ({', '.join(IMAGE_SUFFIXES)})."
    )


def label_map_of(array: NDArray[Any], spacing_mm: Sequence[float] | None, name: str) -> LabelMap:
    """Take an array as a label map.

    Raises:
        InputError: If it is not 2-D or 3-D, lacks a spacing, or does not hold labels.
    """
    if spacing_mm is None:
        raise InputError(f"{name}: an array has no spacing of its own; pass spacing_mm.")
    spacing = tuple(float(size) for size in spacing_mm)
    return LabelMap(_whole(_spatial(array, name), name), _checked(spacing, array, name), None, name)


def _labels_of(path: Path) -> LabelMap:
    volume, name = read_nifti(path), str(path)
    labels = _whole(_spatial(volume.values, name), name)
    spacing = _checked(volume.sizes[: labels.ndim], labels, name)
    return LabelMap(labels, spacing, volume.affine, name)


def _spatial(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Drop trailing axes of length one beyond the third."""
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(
            f"{name}: shape {array.shape} is not one mask; give one 2-D or 3-D label map a file."
        )
    return array


def _whole(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Labels as unsigned integers, after checking that they are labels."""
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name}: stored as {array.dtype}; give whole-number labels.")
    if array.dtype.kind == "f":
        _refuse_fractions(array, name)
    low, high = array.min(), array.max()
    if low < 0:
        raise InputError(f"{name}: holds negative values (lowest {low:g}); labels start at 0.")
    if high > np.iinfo(np.uint16).max:
        raise InputError(f"{name}: holds {high:g}, too large for a label; is it an image?")
    return array.astype(np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16, copy=False)


def _refuse_fractions(array: NDArray[Any], name: str) -> None:
    if not np.isfinite(array).all():
        raise InputError(f"{name}: holds NaN or infinite voxels; write whole-number labels.")
    if (array == np.rint(array)).all():
        return
    if array.min() >= 0 and array.max() <= 1:
        raise InputError(
            f"{name}: holds fractions between 0 and 1, probabilities rather than labels; "
            "threshold them first."
        )
    raise InputError(f"{name}: holds values that are not whole numbers; labels are expected.")


def _checked(spacing: tuple[float, ...], array: NDArray[Any], name: str) -> tuple[float, ...]:
    if len(spacing) != array.ndim or not all(np.isfinite(size) and size > 0 for size in spacing):
        raise InputError(
            f"{name}: spacing {spacing} for shape {array.shape}; one positive size an axis is "
            "needed, mend the header."
        )
    return spacing
