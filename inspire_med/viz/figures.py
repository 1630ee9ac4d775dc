"""Figures: matplotlib figures of one case or many, built without pyplot and its global state."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from inspire_med.viz import paint
from inspire_med.viz.planes import PLANES, Cut, shown_cut, upright
from inspire_med.viz.strip import panel, panel_background

_SIDE = 360  # pixels of a panel's longer side
_INCH = 2.8  # its size on paper


def overlay_figure(
    image: NDArray[Any],
    reference: NDArray[Any] | None,
    prediction: NDArray[Any] | None,
    regions: Sequence[str],
    spacing_mm: Sequence[float],
    affine: NDArray[Any] | None = None,
    title: str = "",
) -> Figure:
    """The image, the reference and the prediction over it, and where they differ, in one row.

    Args:
        image: `(channels, *spatial)`; three channels of a flat image are RGB, of a volume the
            first is shown, at the axial slice with the most reference (else prediction).
        reference: `(regions, *spatial)`, anything above zero is foreground; None leaves it out.
        prediction: Likewise.
        regions: Names of the regions, in the order of the masks.
        spacing_mm: Voxel size along each spatial axis, so that proportions are true.
        affine: Voxel to RAS+ world of a volume; the picture is turned by it so that the patient's
            right is on the left and the front on top. Without it the array is taken as RAS+.
        title: Written above.

    Raises:
        ValueError: If shapes do not fit each other.
    """
    case = upright(image, {"reference": reference, "prediction": prediction}, spacing_mm, affine)
    flat = shown_cut(case)
    picture, size = panel_background(case, flat, _SIDE)
    panels = {"image": picture}
    panels |= {name: panel(picture, size, mask) for name, mask in flat.masks.items()}
    both = len(flat.masks) == 2
    if both:
        panels["errors"] = _error_panel(picture, size, flat, slice(None))
    figure, axes = _row(len(panels), title)
    for axis, (name, pixels) in zip(axes, panels.items(), strict=True):
        _show(axis, pixels, name, flat.edges)
    _legend(figure, regions, with_errors=both)
    return figure


def orthogonal_figure(
    image: NDArray[Any],
    masks: NDArray[Any],
    regions: Sequence[str],
    spacing_mm: Sequence[float],
    affine: NDArray[Any] | None = None,
    title: str = "",
) -> Figure:
    """Axial, coronal and sagittal view of a volume, each where its masks are largest.

    Args are those of `overlay_figure`, with one set of masks `(regions, i, j, k)`.

    Raises:
        ValueError: If the case is not a volume, or shapes do not fit each other.
    """
    case = upright(image, {"masks": masks}, spacing_mm, affine)
    if not case.is_volume:
        raise ValueError(
            f"image of shape {np.shape(image)}: orthogonal views need a volume; "
            "use overlay_figure for flat images."
        )
    figure, axes = _row(len(PLANES), title)
    for axis, plane in zip(axes, PLANES, strict=True):
        flat = shown_cut(case, plane)
        picture, size = panel_background(case, flat, _SIDE)
        _show(axis, panel(picture, size, flat.masks["masks"]), plane, flat.edges)
    _legend(figure, regions, with_errors=False)
    return figure


def error_figure(
    image: NDArray[Any],
    reference: NDArray[Any],
    prediction: NDArray[Any],
    regions: Sequence[str],
    spacing_mm: Sequence[float],
    affine: NDArray[Any] | None = None,
    title: str = "",
) -> Figure:
    """Error map of every region: found, missed and spurious pixels, one panel a region.

    Args are those of `overlay_figure`; both masks are needed.

    Raises:
        ValueError: If shapes do not fit each other.
    """
    case = upright(image, {"reference": reference, "prediction": prediction}, spacing_mm, affine)
    flat = shown_cut(case)
    picture, size = panel_background(case, flat, _SIDE)
    figure, axes = _row(len(regions), title)
    for number, (axis, region) in enumerate(zip(axes, regions, strict=True)):
        pixels = _error_panel(picture, size, flat, slice(number, number + 1))
        _show(axis, pixels, region, flat.edges)
    _legend(figure, (), with_errors=True)
    return figure


def sheet_figure(strips: Sequence[NDArray[np.uint8]], titles: Sequence[str]) -> Figure:
    """A sheet of cases, one strip (of `case_strip`) under the other, each with its title.

    Raises:
        ValueError: If there are no strips, or not one title for each.
    """
    if not strips or len(strips) != len(titles):
        raise ValueError(f"{len(strips)} strips with {len(titles)} titles: need one for each.")
    width = max(strip.shape[1] for strip in strips) / 100
    height = sum(strip.shape[0] * width * 100 / strip.shape[1] for strip in strips) / 100
    figure = Figure(figsize=(width, height + 0.35 * len(strips)), layout="constrained")
    for axis, pixels, title in zip(
        np.ravel(figure.subplots(len(strips), 1)), strips, titles, strict=True
    ):
        _show(axis, pixels, title, None)
    return figure


def _error_panel(
    picture: NDArray[np.uint8], size: tuple[int, int, int], flat: Cut, chosen: slice
) -> NDArray[np.uint8]:
    """Errors of the union of the chosen regions over a greyed picture."""
    found = paint.errors(
        np.any(flat.masks["reference"][chosen], axis=0, keepdims=True)[0],
        np.any(flat.masks["prediction"][chosen], axis=0, keepdims=True)[0],
    )
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    resized = np.stack([paint.stretch_mask(mask, size) for mask in found.values()])
    return paint.lay_over(grey, resized, list(paint.ERROR_COLOURS.values()))


def _row(count: int, title: str) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(_INCH * count, _INCH + 0.7), layout="constrained", dpi=110)
    if title:
        figure.suptitle(title, fontsize=10)
    return figure, list(np.ravel(figure.subplots(1, count, squeeze=False)))


def _show(axis: Axes, pixels: NDArray[np.uint8], name: str, edges: tuple[str, str] | None) -> None:
    axis.imshow(pixels, interpolation="nearest")
    axis.set_axis_off()
    axis.set_title(name, fontsize=9)
    for text, place in zip(edges or (), ((0.03, 0.5), (0.5, 0.97)), strict=False):
        axis.text(*place, text, transform=axis.transAxes, color="white", fontsize=8,
                  ha="center", va="center")  # fmt: skip


def _legend(figure: Figure, regions: Sequence[str], *, with_errors: bool) -> None:
    colours = dict(zip(regions, paint.colours_for(len(regions)), strict=True))
    if with_errors:
        colours |= paint.ERROR_COLOURS
    handles = [Patch(color=paint.hex_colour(rgb), label=name)
               for name, rgb in colours.items()]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8,
                  frameon=False)  # fmt: skip
