"""Resample: a prediction brought onto its reference's grid, where the user asks for it."""

from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to
from numpy.typing import NDArray
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grid import GRID_TOLERANCE_MM, corner_distance_mm
from inspire_med.imaging.labels import LabelMap


def on_grid_of(reference: LabelMap, prediction: LabelMap) -> LabelMap:
    """Labels of `prediction` at the voxel centres of `reference`, nearest neighbour; 0 outside.

    Volumes meet where their affines put them; images show the same view at another size. A map
    already on the grid comes back as it is.

    Raises:
        InputError: If shapes differ, and nothing says where a volume lies; or if an affine says it
            of a plane or a line alone.
    """
    if _on_one_grid(reference, prediction):
        return prediction
    if reference.affine is not None and prediction.affine is not None:
        _refuse_singular(reference)
        _refuse_singular(prediction)
        labels = _at_voxels_of(reference, prediction)
    elif len(reference.labels.shape) == len(prediction.labels.shape) == 2:
        height, width = reference.labels.shape
        picture = Image.fromarray(prediction.labels)
        labels = np.asarray(picture.resize((width, height), Image.Resampling.NEAREST))
    else:
        raise InputError(
            f"{prediction.name}: shape {prediction.labels.shape}, but its reference "
            f"{reference.name} has {reference.labels.shape}, and no affine says where it lies; "
            "write it on the case's own grid."
        )
    note = f"{prediction.name}: resampled onto its reference's grid, nearest neighbour."
    return replace(
        prediction,
        labels=labels,
        spacing_mm=reference.spacing_mm,
        affine=reference.affine,
        note=f"{prediction.note} {note}".strip(),
    )


def _on_one_grid(reference: LabelMap, prediction: LabelMap) -> bool:
    if reference.labels.shape != prediction.labels.shape:
        return False
    if reference.affine is None or prediction.affine is None:
        return True
    apart = corner_distance_mm(reference.affine, prediction.affine, reference.labels.shape)
    return apart <= GRID_TOLERANCE_MM


def _refuse_singular(one: LabelMap) -> None:
    assert one.affine is not None
    if np.linalg.matrix_rank(one.affine[:3, :3]) < 3:
        raise InputError(
            f"{one.name}: its affine is singular, so its voxels have no places of their own; mend "
            "the header, or evaluate without --resample."
        )


def _at_voxels_of(reference: LabelMap, prediction: LabelMap) -> NDArray[Any]:
    """Labels where the reference's voxels lie; a flat file is a volume of one slice."""
    source: Any = nib.Nifti1Image(_lifted(prediction.labels), prediction.affine)
    target = (_lifted(reference.labels).shape, reference.affine)
    # grid-constant: a voxel reaches half its size beyond its centre, at the border too
    moved: Any = resample_from_to(source, target, order=0, mode="grid-constant", cval=0)
    labels = np.asarray(moved.dataobj).astype(prediction.labels.dtype)
    return labels.reshape(reference.labels.shape)


def _lifted(labels: NDArray[Any]) -> NDArray[Any]:
    return labels[..., np.newaxis] if labels.ndim == 2 else labels
