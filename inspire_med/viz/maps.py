"""Maps: what a network makes of an image, laid over the image: shares, changes, displacements."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inspire_med.viz import paint
from inspire_med.viz.planes import cut_at, upright

_INCH = 2.8  # a panel's size on paper
_ARROWS = 24  # along the longer side of a panel


def maps_figure(
    image: NDArray[Any],
    maps: Mapping[str, NDArray[Any]],
    *,
    limits: tuple[float, float] | None = None,
    index: int | None = None,
    title: str = "",
) -> Figure:
    """The image, and each map over it in grey, under a scale of colours.

    Args:
        image: `(channels, *spatial)`; three channels of a flat image are colours, else the first is
            shown, from its 1st to its 99.5th percentile.
        maps: Name to `(*spatial)`, of the image's size.
        limits: Values of the darkest and the brightest colour of all maps; where the first is below
            zero, the scale runs from blue over white to red. None gives each map a scale of its
            own, from zero to the largest value that is seen.
        index: Of a volume, the slice across its last axis; None is the middle one.
        title: Written above.

    Raises:
        ValueError: If a map is of another size than the image.
    """
    image = np.asarray(image)
    flat = {name: _flat(np.asarray(each)[None], image, index)[0] for name, each in maps.items()}
    picture = _picture(image, index)
    figure, panels = _panels(picture, list(flat), title)
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    for axes, each in zip(panels, flat.values(), strict=True):
        low, high = limits or (0.0, max(float(each.max()), 1e-6))
        colours = "RdBu_r" if low < 0 else "magma"
        axes.imshow(grey)
        shown = axes.imshow(each, cmap=colours, vmin=low, vmax=high, alpha=0.65)
        figure.colorbar(shown, ax=axes, shrink=0.8, fraction=0.05, pad=0.02).ax.tick_params(
            labelsize=7
        )
    return figure


def arrows_figure(
    image: NDArray[Any],
    flows: Mapping[str, NDArray[Any]],
    *,
    index: int | None = None,
    magnified: float | None = None,
    title: str = "",
) -> Figure:
    """Where features come from: arrows from the place they are taken to the place they are put.

    A flow takes what is at p + flow(p) and puts it at p, as `blocks.warp` does. Beneath each
    panel's name stand the mean and the largest length that is seen, and how arrows are drawn.

    Args:
        image: As for `maps_figure`.
        flows: Name to `(dims, *spatial)` of the image's size, in its pixels, the axes in its order;
            of volumes what moves within the slice is shown.
        index: As for `maps_figure`.
        magnified: How many times as long as they are arrows are drawn, back from where they point
            to. None makes one in twenty of a panel longer than the way to the next arrow.
        title: Written above.

    Raises:
        ValueError: If a flow is of another size than the image.
    """
    image = np.asarray(image)
    picture = _picture(image, index)
    figure, panels = _panels(picture, list(flows), title)
    for axes, (name, flow) in zip(panels, flows.items(), strict=True):
        down, across = _within(_flat(np.asarray(flow), image, index), image.ndim == 4)
        length = np.hypot(down, across)
        stride = max(1, max(length.shape) // _ARROWS)
        usual = float(np.percentile(length, 95))
        times = magnified or (stride / usual if usual > 0 else 1.0)
        rows, columns = (slice(stride // 2, None, stride),) * 2
        y, x = np.mgrid[: length.shape[0], : length.shape[1]][:, rows, columns]
        axes.imshow(picture)
        # `pivot="tip"`: an arrow ends at p; as long as it is, it begins at p + flow(p).
        axes.quiver(x, y, -times * across[rows, columns], -times * down[rows, columns],
                    length[rows, columns], pivot="tip", angles="xy", scale_units="xy", scale=1,
                    cmap="autumn_r", width=0.006, headwidth=4)  # fmt: skip
        lengths = f"mean {length.mean():,.1f}, largest {length.max():,.1f} px"
        axes.set_title(f"{name}\n{lengths}, drawn × {times:.2g}", fontsize=8)
    return figure


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
