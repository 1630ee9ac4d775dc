"""Maps: what a network makes of an image, laid over the image: shares, changes, displacements."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inspire_med.viz import paint
from inspire_med.viz.planes import cut_at, upright

_INCH = 2.7  # a panel's size on paper
_ARROWS = 24  # along the longer side of a panel


def maps_figure(
    image: NDArray[Any],
    maps: Mapping[str, NDArray[Any]],
    *,
    limits: tuple[float, float] = (0.0, 1.0),
    index: int | None = None,
    title: str = "",
) -> Figure:
    """The image, and each map over it in grey, all maps by one scale of colours.

    Args:
        image: `(channels, *spatial)`; three channels of a flat image are colours, else the first is
            shown, from its 1st to its 99.5th percentile.
        maps: Name to `(*spatial)`, of the image's size.
        limits: Values of the darkest and the brightest colour; where the first is below zero, zero
            is white, and the scale runs from blue to red.
        index: Of a volume, the slice across its last axis; None is the middle one.
        title: Written above.

    Raises:
        ValueError: If a map is of another size than the image.
    """
    image = np.asarray(image)
    flat = {name: _flat(np.asarray(each)[None], image, index)[0] for name, each in maps.items()}
    picture = _picture(image, index)
    figure, panels = _panels(picture, list(flat), title)
    colours = "RdBu_r" if limits[0] < 0 else "magma"
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    shown = None
    for axes, each in zip(panels, flat.values(), strict=True):
        axes.imshow(grey)
        shown = axes.imshow(each, cmap=colours, vmin=limits[0], vmax=limits[1], alpha=0.6)
    if shown is not None:
        figure.colorbar(shown, ax=list(panels), shrink=0.8)
    return figure


def arrows_figure(
    image: NDArray[Any],
    flows: Mapping[str, NDArray[Any]],
    *,
    index: int | None = None,
    magnified: float = 1.0,
    title: str = "",
) -> Figure:
    """Where features come from: arrows from the place they are taken to the place they are put.

    A flow takes what is at p + flow(p) and puts it at p, as `blocks.warp` does. Beneath each
    panel's name stand the mean and the largest length that is seen.

    Args:
        image: As for `maps_figure`.
        flows: Name to `(dims, *spatial)` of the image's size, in its pixels, the axes in its order;
            of volumes what moves within the slice is shown.
        index: As for `maps_figure`.
        magnified: How many times as long as they are arrows are drawn, from where they point to.
        title: Written above.

    Raises:
        ValueError: If a flow is of another size than the image.
    """
    image = np.asarray(image)
    picture = _picture(image, index)
    figure, panels = _panels(picture, list(flows), title)
    for axes, (name, flow) in zip(panels, flows.items(), strict=True):
        down, across = _within(_flat(np.asarray(flow), image, index), image.ndim == 4)
        _draw_arrows(axes, down, across, magnified)
        axes.imshow(picture)
        length = np.hypot(down, across)
        axes.set_title(f"{name}\nmean {length.mean():.2g}, largest {length.max():.2g} px",
                       fontsize=8)  # fmt: skip
    return figure


def _draw_arrows(axes: Axes, down: NDArray[Any], across: NDArray[Any], magnified: float) -> None:
    """Arrows at regular places; `down` and `across` are (rows, columns), in pixels."""
    rows, columns = down.shape
    stride = max(1, max(rows, columns) // _ARROWS)
    y, x = np.mgrid[stride // 2 : rows : stride, stride // 2 : columns : stride]
    v, u = -magnified * down[y, x], -magnified * across[y, x]
    lengths = np.hypot(down[y, x], across[y, x])
    # `pivot="tip"`: an arrow ends at p and begins at p + flow(p).
    axes.quiver(x, y, u, v, lengths, pivot="tip", angles="xy", scale_units="xy", scale=1,
                cmap="autumn_r", width=0.006, headwidth=4)  # fmt: skip


def _panels(picture: NDArray[np.uint8], names: Sequence[str], title: str) -> tuple[Figure, Any]:
    """The picture and an empty panel for each name, in one row."""
    count = 1 + len(names)
    figure = Figure(figsize=(_INCH * count + 0.6, _INCH + 0.8), layout="constrained", dpi=110)
    figure.suptitle(title, fontsize=10)
    first, *others = figure.subplots(1, count, squeeze=False)[0]
    first.imshow(picture)
    for axes, name in zip((first, *others), ("image", *names), strict=True):
        axes.set_title(name, fontsize=8)
        axes.set_axis_off()
    return figure, others


def _picture(image: NDArray[Any], index: int | None) -> NDArray[np.uint8]:
    """`(rows, columns, 3)`; a network's own picture has neither 0 for black nor 255 for white."""
    shown = image[:3] if image.ndim == 3 and len(image) >= 3 else image[:1]
    low, high = np.percentile(shown, [1.0, 99.5])
    return paint.to_rgb(_flat(shown, image, index), (float(low), float(max(high, low + 1e-6))))


def _flat(values: NDArray[Any], image: NDArray[Any], index: int | None) -> NDArray[Any]:
    """Cut `(n, *spatial)` where the image is cut: front on top, right on the left of RAS+."""
    if values.shape[1:] != image.shape[1:]:
        raise ValueError(
            f"a map of {values.shape[1:]} over an image of {image.shape[1:]}: resize it first."
        )
    if image.ndim == 3:
        return values
    at = image.shape[-1] // 2 if index is None else index
    return cut_at(upright(values, {}, (1.0, 1.0, 1.0), None), "axial", at).image


def _within(flow: NDArray[Any], volume: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """What moves down and across in the cut; a cut of a volume has both axes turned around."""
    if not volume:
        return flow[0], flow[1]
    return -flow[1], -flow[0]
