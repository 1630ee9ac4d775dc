"""Panels: one case as pictures side by side: channels, reference, prediction, errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from inspire_med.viz import paint
from inspire_med.viz.planes import Cut, PlaneName, Upright, shown_cut, upright


@dataclass(frozen=True)
class Panel:
    """One picture with what is written on it.

    Attributes:
        name: What it shows: a channel, `reference`, `prediction`, `errors`.
        pixels: `(rows, columns, 3)` RGB.
        marks: The patient's sides at the picture's left, top, right and bottom, as `R A L P`; empty
            where they are not known.
        place: Where a volume is cut, as `axial slice k = 74`; empty for images.
    """

    name: str
    pixels: NDArray[np.uint8]
    marks: str
    place: str


def case_panels(
    image: NDArray[Any] | None,
    reference: NDArray[Any] | None,
    prediction: NDArray[Any] | None,
    spacing_mm: Sequence[float],
    affine: NDArray[Any] | None = None,
    *,
    channels: Sequence[str] = ("image",),
    side: int = 360,
) -> list[Panel]:
    """The image, the reference and the prediction over it, and where they differ.

    A volume is cut at the axial slice with the most reference (else prediction).

    Args:
        image: `(channels, *spatial)`; three channels of a flat image are RGB. None leaves it out
            and paints the masks on black.
        reference: `(regions, *spatial)`, anything above zero is foreground; None leaves it out.
        prediction: Likewise.
        spacing_mm: Voxel size along each spatial axis, so that proportions are true.
        affine: Voxel to RAS+ world of a volume; the picture is turned by it so that the patient's
            right is on the left and the front on top. Without it the array is taken as RAS+, and
            the sides are not marked.
        channels: Names of a volume's first channels: each has a panel of its own, and masks lie
            over the last of them.
        side: Pixels of a panel's longer side.

    Raises:
        ValueError: If shapes do not fit each other, or nothing at all is given.
    """
    masks = {"reference": reference, "prediction": prediction}
    case = upright(_black(masks) if image is None else image, masks, spacing_mm, affine)
    cut = shown_cut(case)
    shown = channels if case.is_volume else channels[:1]
    pictures = [background(case, cut, number, side) for number in range(len(shown))]
    ground = pictures[-1]
    panels = dict(zip(shown, pictures, strict=True)) if image is not None else {}
    panels |= {name: painted(ground, mask) for name, mask in cut.masks.items()}
    if len(cut.masks) == 2:
        panels["errors"] = errors_painted(ground, *cut.masks.values())
    return [Panel(name, pixels, cut.marks, cut.place) for name, pixels in panels.items()]


def method_panels(
    image: NDArray[Any],
    reference: NDArray[Any],
    predictions: Mapping[str, NDArray[Any]],
    spacing_mm: Sequence[float],
    affine: NDArray[Any] | None = None,
    *,
    side: int = 360,
) -> list[Panel]:
    """The image, the reference over it, and where the prediction of each method differs.

    All at the slice that `case_panels` shows.

    Args:
        image: As for `case_panels`; of a volume its first channel is shown.
        reference: `(regions, *spatial)`.
        predictions: Method to masks, likewise.
        spacing_mm: As for `case_panels`.
        affine: As for `case_panels`.
        side: As for `case_panels`.

    Raises:
        ValueError: If shapes do not fit each other.
    """
    case = upright(image, {"reference": reference, **predictions}, spacing_mm, affine)
    cut = shown_cut(case)
    ground = background(case, cut, 0, side)
    truth = cut.masks["reference"]
    pictures = {"image": ground, "reference": painted(ground, truth)}
    pictures |= {name: errors_painted(ground, truth, cut.masks[name]) for name in predictions}
    return [Panel(name, pixels, cut.marks, cut.place) for name, pixels in pictures.items()]


def plane_panel(case: Upright, plane: PlaneName, side: int) -> Panel:
    """A volume's first channel with its only masks over it, where they are largest."""
    cut = shown_cut(case, plane)
    (masks,) = cut.masks.values()
    return Panel(plane, painted(background(case, cut, 0, side), masks), cut.marks, cut.place)


def draw(axes: Axes, panel: Panel) -> None:
    """Show a panel on axes: pixels, and the patient's sides at the edges."""
    axes.imshow(panel.pixels, interpolation="none")
    axes.set_axis_off()
    places = ((0.015, 0.5), (0.5, 0.985), (0.985, 0.5), (0.5, 0.015))
    sides = (("left", "center"), ("center", "top"), ("right", "center"), ("center", "bottom"))
    for mark, place, (across, up) in zip(panel.marks, places, sides, strict=False):
        axes.text(*place, mark, transform=axes.transAxes, ha=across, va=up, color="white",
                  fontsize=11, bbox={"facecolor": "black", "alpha": 0.45, "linewidth": 0,
                  "pad": 1.5})  # fmt: skip


def background(case: Upright, cut: Cut, channel: int, side: int) -> NDArray[np.uint8]:
    """One channel of a cut (the colours of an image) as RGB with square pixels."""
    is_rgb = not case.is_volume and case.image.shape[0] == 3
    chosen = slice(0, 3) if is_rgb else slice(channel, channel + 1)
    whole = case.image[chosen]
    limits = (0.0, 255.0) if is_rgb and whole.dtype == np.uint8 else paint.window(whole)
    rows, columns = cut.image.shape[1:]
    size = paint.canvas_size((rows, columns), cut.pixel_mm, side)
    return paint.stretch(paint.to_rgb(cut.image[chosen], limits), size)


def painted(picture: NDArray[np.uint8], masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The picture with the region masks `(regions, rows, columns)` laid over it."""
    return _laid_over(picture, list(masks), paint.colours_for(len(masks)))


def errors_painted(
    picture: NDArray[np.uint8], reference: NDArray[np.bool_], prediction: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The picture in grey with what is found, missed and spurious in any of the regions."""
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    found = paint.errors(reference, prediction)
    return _laid_over(grey, list(found.values()), list(paint.ERROR_COLOURS.values()))


def _laid_over(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]], colours: Sequence[paint.RGB]
) -> NDArray[np.uint8]:
    rows, columns, _ = picture.shape
    resized = np.stack([paint.stretch_mask(mask, (rows, columns)) for mask in masks])
    return paint.lay_over(picture, resized, colours)


def _black(masks: dict[str, NDArray[Any] | None]) -> NDArray[np.uint8]:
    """Black of the masks' size, `(1, *spatial)`, for cases without an image."""
    for mask in masks.values():
        if mask is not None:
            return np.zeros((1, *np.shape(mask)[1:]), dtype=np.uint8)
    raise ValueError("no image and no masks: nothing to draw.")
