"""Geometry: where the slices of a volume lie together, or why they make none up.

highdicom answers such a question too, by None where there is no regular volume; what a person can
mend has to be named, so that slices are looked at here.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.dicom.parts import height, normal
from inspire_med.imaging.dicom.planes import Plane
from inspire_med.wording import counted

_UNEVEN = 0.01  # of the distance between slices, as highdicom has it
_ROUNDED_MM = 0.01
_TILTED = 0.5  # degrees between the way from slice to slice and their normal
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def affine_of(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Voxel (column, row, slice) to RAS+ millimetres, (4, 4).

    Args:
        planes: Of one volume, two or more, sorted along their normal.

    Raises:
        InputError: If slices are missing, there twice, uneven, of several sizes, or sheared by a
            tilted gantry.
    """
    _refuse_other_sizes(planes)
    _refuse_twice(planes)
    _refuse_gaps(planes)
    places = np.array([plane.position_mm for plane in planes])
    step = (places[-1] - places[0]) / (len(planes) - 1)
    _refuse_tilt(planes, step)
    first = planes[0]
    between_rows, between_columns = first.spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = np.array(first.orientation[:3]) * between_columns
    affine[:3, 1] = np.array(first.orientation[3:]) * between_rows
    affine[:3, 2] = step
    affine[:3, 3] = places[0]
    return _LPS_TO_RAS @ affine


def _refuse_other_sizes(planes: Sequence[Plane]) -> None:
    first = planes[0]
    for plane in planes:
        alike = np.allclose(plane.spacing_mm, first.spacing_mm, rtol=1e-4, atol=0)
        if plane.size != first.size or not alike:
            raise InputError(
                f"{plane.path}: a slice of {_size(plane)}, and {first.path.name} of the same "
                f"series is of {_size(first)}; keep the slices of one size."
            )


def _size(plane: Plane) -> str:
    high, wide = plane.spacing_mm
    return f"{plane.size[0]} x {plane.size[1]} voxels of {high:.4g} x {wide:.4g} mm"


def _refuse_twice(planes: Sequence[Plane]) -> None:
    for first, second in itertools.pairwise(planes):
        if height(second) - height(first) < _ROUNDED_MM:
            raise InputError(
                f"{second.path}: the same slice as {first.path.name}, at {height(first):.2f} mm "
                "along the normal, and no tag tells them apart; keep one of them."
            )


def _refuse_gaps(planes: Sequence[Plane]) -> None:
    heights = np.array([height(plane) for plane in planes])
    steps = np.diff(heights)
    usual = float(np.median(steps))
    odd = np.flatnonzero(np.abs(steps - usual) > max(_UNEVEN * usual, _ROUNDED_MM))
    if not odd.size:
        return
    place = int(odd[0])
    missing = round(float(steps[place]) / usual) - 1
    between = f"between {heights[place]:.2f} and {heights[place + 1]:.2f} mm along the normal"
    if missing > 0:
        raise InputError(
            f"{planes[place].path}: {counted(missing, 'slice')} missing {between}, where others "
            f"are {usual:.4g} mm apart; export the whole series again."
        )
    raise InputError(
        f"{planes[place].path}: slices {steps[place]:.4g} mm apart {between}, and others "
        f"{usual:.4g} mm; export a series of evenly spaced slices."
    )


def _refuse_tilt(planes: Sequence[Plane], step: NDArray[np.float64]) -> None:
    cosine = float(normal(planes[0]) @ step / np.linalg.norm(step))
    tilt = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if tilt > _TILTED:
        raise InputError(
            f"{planes[0].path}: its slices are sheared by a gantry tilted by {tilt:.1f} degrees; "
            "convert the series with dcm2niix, which undoes that."
        )
