"""Strip: one case as a row of panels (image, reference, prediction, errors), in plain pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.viz import paint
from inspire_med.viz.planes import Cut, Upright, shown_cut, upright

_GAP, _GAP_GREY = 4, 110  # pixels between panels, and their shade


def case_strip(
    image: NDArray[Any] | None,
    reference: NDArray[Any] | None,
    prediction: NDArray[Any] | None,
    spacing_mm: Sequence[float],
    affine: NDArray[Any] | None = None,
    *,
    side: int = 220,
) -> NDArray[np.uint8]:
    """Image, reference and prediction side by side at the slice with the most reference.

    Args:
        image: `(channels, *spatial)`; three channels of a flat image are taken as RGB, of a volume
            the first is shown. None leaves it out and paints the masks on black.
        reference: `(regions, *spatial)`, or None to leave it out.
        prediction: Likewise.
        spacing_mm: Voxel size along each spatial axis.
        affine: Voxel to RAS+ world (volumes); without it the array is taken as RAS+ already.
        side: Pixels of a panel's longer side.

    Returns:
        `(rows, columns, 3)` RGB.

    Raises:
        ValueError: If shapes do not fit each other, or nothing at all is given.
    """
    masks = {"reference": reference, "prediction": prediction}
    case = upright(_ground(masks) if image is None else image, masks, spacing_mm, affine)
    flat = shown_cut(case)
    picture, size = panel_background(case, flat, side)
    panels = [panel(picture, size, mask) for mask in flat.masks.values()]
    if image is not None:
        panels.insert(0, picture)
    gap = np.full((size[0], _GAP, 3), _GAP_GREY, dtype=np.uint8)
    return np.concatenate([part for each in panels for part in (each, gap)][:-1], axis=1)


def panel_background(
    case: Upright, flat: Cut, side: int
) -> tuple[NDArray[np.uint8], tuple[int, int, int]]:
    """A cut's image alone as RGB with square pixels, and its size."""
    is_rgb = not case.is_volume and case.image.shape[0] == 3
    chosen = slice(0, 3) if is_rgb else slice(0, 1)
    whole = case.image[chosen]
    limits = (0.0, 255.0) if is_rgb and whole.dtype == np.uint8 else paint.window(whole)
    rows, columns = flat.image.shape[1:]
    size = paint.canvas_size((rows, columns), flat.pixel_mm, side)
    return paint.stretch(paint.to_rgb(flat.image[chosen], limits), size), size


def panel(
    picture: NDArray[np.uint8], size: tuple[int, int, int], masks: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The picture with the region masks `(regions, rows, columns)` laid over it."""
    resized = np.stack([paint.stretch_mask(mask, size) for mask in masks])
    return paint.lay_over(picture, resized, paint.colours_for(len(masks)))


def _ground(masks: dict[str, NDArray[Any] | None]) -> NDArray[np.uint8]:
    """Black of the masks' size, `(1, *spatial)`, for cases without an image."""
    for mask in masks.values():
        if mask is not None:
            return np.zeros((1, *np.shape(mask)[1:]), dtype=np.uint8)
    raise ValueError("no image and no masks: nothing to draw.")
