"""Slices: one cut of a case to leaf through, with contours and an error map."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from inspire_med.viz import paint
from inspire_med.viz.panels import Panel, background, draw, errors_painted
from inspire_med.viz.planes import (
    Cut,
    PlaneName,
    Upright,
    busiest_cut,
    cut_at,
    in_file,
)

LINES = {"reference": "solid", "prediction": "dashed"}
_SIDE = 480  # pixels of a panel's longer side
_INCH = 4.2  # its size on paper


def slice_figure(
    case: Upright,
    regions: Sequence[str],
    plane: PlaneName = "axial",
    number: int | None = None,
    *,
    title: str = "",
) -> Figure:
    """Contours of the masks over one slice; beside it an error map where there are two.

    A reference has solid lines, a prediction dashed ones, in the colour of the region.

    Args:
        case: As `upright` gives it, masks called `reference` and `prediction`, or one of them.
        regions: Names of the masks in their order.
        plane: Across which a volume is cut; not read of an image.
        number: Of the slice along the file's own axis, as other viewers count; None takes the one
            with the most foreground.
        title: Written above.
    """
    cut = (
        busiest_cut(case, plane)
        if number is None or not case.is_volume
        else cut_at(case, plane, in_file(case, plane, number))
    )
    picture = background(case, cut, 0, _SIDE)
    panels = [Panel("contours", picture, cut.marks, cut.place)]
    if len(cut.masks) == 2:
        painted = errors_painted(picture, *cut.masks.values())
        panels.append(Panel("errors", painted, cut.marks, cut.place))
    figure = Figure(figsize=(_INCH * len(panels), _INCH + 0.9), layout="constrained", dpi=100)
    figure.suptitle(" · ".join(filter(None, (title, cut.place))), fontsize=10)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        draw(axes, panel)
        axes.set_title(panel.name, fontsize=9)
    draw_contours(figure.axes[0], cut, picture.shape[:2])
    _legend(figure, cut, regions)
    return figure


def draw_contours(axes: Axes, cut: Cut, size: tuple[int, ...]) -> None:
    """Draw the outlines of a cut's masks on axes that show it at `size` rows and columns."""
    for name, masks in cut.masks.items():
        for mask, colour in zip(masks, paint.colours_for(len(masks)), strict=True):
            if not mask.any():
                continue  # matplotlib warns of contours that are not there
            rows, columns = mask.shape
            down, across = size[0] / rows, size[1] / columns
            # A frame of nothing, so that an outline closes at the border of the picture.
            framed = np.pad(mask, 1).astype(np.float32)
            x = (np.arange(-1, columns + 1) + 0.5) * across - 0.5
            y = (np.arange(-1, rows + 1) + 0.5) * down - 0.5
            axes.contour(x, y, framed, [0.5], colors=[paint.hex_colour(colour)],
                         linestyles=LINES[name], linewidths=1.4)  # fmt: skip
    axes.set(xlim=(-0.5, size[1] - 0.5), ylim=(size[0] - 0.5, -0.5))


def _legend(figure: Figure, cut: Cut, regions: Sequence[str]) -> None:
    colours = zip(regions, paint.colours_for(len(regions)), strict=True)
    handles: list[Any] = [Patch(color=paint.hex_colour(rgb), label=name) for name, rgb in colours]
    handles += [Line2D([], [], color="0.4", ls=LINES[name], label=name) for name in cut.masks]
    if len(cut.masks) == 2:
        errors = paint.ERROR_COLOURS.items()
        handles += [Patch(color=paint.hex_colour(rgb), label=name) for name, rgb in errors]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4),
                  fontsize=8, frameon=False)  # fmt: skip
