"""Planes: flat cuts of a case, right side up, with the size a pixel has in the patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspire_med.imaging.masks import bounding_box
from inspire_med.imaging.orientation import Turn

PlaneName = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[PlaneName, ...] = ("axial", "coronal", "sagittal")

# The RAS+ axis a plane is cut across, and the sides at the picture's left, top, right and bottom.
_CUT_AXIS: dict[PlaneName, int] = {"axial": 2, "coronal": 1, "sagittal": 0}
_MARKS: dict[PlaneName, str] = {"axial": "RALP", "coronal": "RSLI", "sagittal": "ASPI"}


@dataclass(frozen=True)
class Upright:
    """The arrays of one case turned for the eye.

    Volumes are in RAS+ voxel order (first axis to the patient's right, second to the front, third
    up), images keep rows and columns as they are.

    Attributes:
        image: `(channels, *spatial)`.
        masks: Sets of region masks by name (`"reference"`, `"prediction"`), `(regions, *spatial)`.
        spacing_mm: Voxel size along each spatial axis.
        turn: How the file's axes became these; None where directions are not known, so that they
            are not written on the picture.
    """

    image: NDArray[Any]
    masks: dict[str, NDArray[np.bool_]]
    spacing_mm: tuple[float, ...]
    turn: Turn | None = None

    @property
    def is_volume(self) -> bool:
        """Whether the case is 3-D."""
        return len(self.spacing_mm) == 3


@dataclass(frozen=True)
class Cut:
    """One flat picture, row 0 on top.

    Attributes:
        image: `(channels, rows, columns)`.
        masks: As in `Upright`, `(regions, rows, columns)`.
        pixel_mm: (height, width) of a pixel.
        marks: The patient's sides at left, top, right and bottom; empty where not known.
        place: Where a volume is cut: the plane, and the voxel index in the file's own axes.
    """

    image: NDArray[Any]
    masks: dict[str, NDArray[np.bool_]]
    pixel_mm: tuple[float, float]
    marks: str = ""
    place: str = ""


def upright(
    image: NDArray[Any],
    masks: dict[str, NDArray[Any] | None],
    spacing_mm: Sequence[float],
    affine: NDArray[Any] | None,
) -> Upright:
    """Turn a case's arrays to RAS+ by its affine (volumes only); masks that are None are left out.

    Raises:
        ValueError: If an array's spatial shape differs from the image's, or spacing does not fit.
    """
    image = np.asarray(image)
    kept = {name: np.asarray(mask) > 0 for name, mask in masks.items() if mask is not None}
    _check_shapes(image, kept, spacing_mm)
    spacing = tuple(float(size) for size in spacing_mm)
    if affine is None or len(spacing) == 2:
        return Upright(image, kept, spacing)
    turn = Turn.to("RAS", np.asarray(affine, dtype=float))
    return Upright(
        turn.apply(image),
        {name: turn.apply(mask) for name, mask in kept.items()},
        tuple(spacing[axis] for axis in turn.axes),
        turn,
    )


def busiest_cut(case: Upright, plane: PlaneName = "axial") -> Cut:
    """Cut where the most foreground lies: of the first set of masks that has any, else midway."""
    if not case.is_volume:
        height, width = case.spacing_mm
        return Cut(case.image, case.masks, (height, width))
    return cut_at(case, plane, busiest_index(case, plane))


def busiest_index(case: Upright, plane: PlaneName) -> int:
    """Where a volume holds the most foreground across a plane, as `busiest_cut` has it."""
    axis = _CUT_AXIS[plane]
    for mask in case.masks.values():
        areas = mask.any(axis=0).sum(axis=tuple(other for other in range(3) if other != axis))
        if areas.max() > 0:
            return int(areas.argmax())
    return case.image.shape[axis + 1] // 2


def slice_count(case: Upright, plane: PlaneName) -> int:
    """How many slices a volume has across a plane."""
    return case.image.shape[_CUT_AXIS[plane] + 1]


def in_file(case: Upright, plane: PlaneName, index: int) -> int:
    """A slice's number along the file's own axis by its index in the turned array, or back."""
    mirrored = case.turn is not None and case.turn.mirrored[_CUT_AXIS[plane]]
    return slice_count(case, plane) - 1 - index if mirrored else index


def cut_at(case: Upright, plane: PlaneName, index: int) -> Cut:
    """Cut a volume across `plane` at `index`, as a radiologist looks at it.

    The patient's right is on the picture's left; front (axial) or head (others) is on top; a
    sagittal picture looks to the left.
    """
    axis = _CUT_AXIS[plane]
    turn = case.turn or Turn.none(3)
    width, height = (size for other, size in enumerate(case.spacing_mm) if other != axis)
    return Cut(
        _flat(case.image, axis, index),
        {name: _flat(mask, axis, index) for name, mask in case.masks.items()},
        (height, width),
        _MARKS[plane] if case.turn else "",
        f"{plane} slice {'ijk'[turn.axes[axis]]} = {in_file(case, plane, index)}",
    )


def shown_cut(case: Upright, plane: PlaneName = "axial") -> Cut:
    """The busiest cut, of a volume without the empty frame around the head."""
    flat = busiest_cut(case, plane)
    return _trimmed(flat) if case.is_volume else flat


def _trimmed(flat: Cut, margin: int = 4) -> Cut:
    """A cut without the empty frame around head and masks, but for `margin` pixels."""
    content = (flat.image != 0).any(axis=0)
    for mask in flat.masks.values():
        content |= mask.any(axis=0)
    box = bounding_box(content)
    if box is None:
        return flat
    rows, columns = (slice(max(0, side.start - margin), side.stop + margin) for side in box)
    masks = {name: mask[:, rows, columns] for name, mask in flat.masks.items()}
    return replace(flat, image=flat.image[:, rows, columns], masks=masks)


def _flat(array: NDArray[Any], axis: int, index: int) -> NDArray[Any]:
    """`(n, i, j, k)` -> `(n, rows, columns)`: both remaining axes point up and left."""
    return np.take(array, index, axis=axis + 1).swapaxes(-1, -2)[..., ::-1, ::-1]


def _check_shapes(
    image: NDArray[Any], masks: dict[str, NDArray[Any]], spacing_mm: Sequence[float]
) -> None:
    spatial = image.shape[1:]
    if len(spatial) not in (2, 3) or len(spacing_mm) != len(spatial):
        raise ValueError(
            f"image of shape {image.shape} with spacing_mm={tuple(spacing_mm)}: expected "
            "(channels, *spatial) with 2 or 3 spatial axes and one spacing for each."
        )
    for name, mask in masks.items():
        if mask.shape[1:] != spatial:
            raise ValueError(
                f"{name} of shape {mask.shape} on an image of shape {image.shape}: expected "
                f"(regions, {', '.join(map(str, spatial))})."
            )
