"""Figures: matplotlib figures of one case or many, built without pyplot and its global state."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure, FigureBase
from matplotlib.patches import Patch
from numpy.typing import NDArray

from inspire_med.viz import paint
from inspire_med.viz.panels import (
    Panel,
    background,
    case_panels,
    draw,
    errors_painted,
    plane_panel,
)
from inspire_med.viz.planes import PLANES, shown_cut, upright

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
    """The panels of a case in one row.

    Args are those of `case_panels`, of a volume its first channel is shown; `regions` are the names
    of the masks in their order, `title` is written above.

    Raises:
        ValueError: If shapes do not fit each other.
    """
    panels = case_panels(image, reference, prediction, spacing_mm, affine, side=_SIDE)
    figure = _row(panels, title)
    _legend(figure, regions, with_errors=panels[-1].name == "errors")
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
    figure = _row([plane_panel(case, plane, _SIDE) for plane in PLANES], title)
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
    cut = shown_cut(case)
    picture = background(case, cut, 0, _SIDE)
    masks = cut.masks["reference"], cut.masks["prediction"]
    panels = [
        Panel(
            region, errors_painted(picture, *(each[[at]] for each in masks)), cut.marks, cut.place
        )
        for at, region in enumerate(regions)
    ]
    figure = _row(panels, title)
    _legend(figure, (), with_errors=True)
    return figure


def sheet_figure(cases: Mapping[str, Sequence[Panel]]) -> Figure:
    """A sheet of cases, the panels of each in a row under its name.

    Raises:
        ValueError: If there are no cases.
    """
    if not cases:
        raise ValueError("no cases: nothing to draw.")
    most = max(map(len, cases.values()))
    figure = Figure(figsize=(_INCH * most, (_INCH + 0.7) * len(cases)), layout="constrained")
    rows = figure.subfigures(len(cases), 1, squeeze=False)[:, 0]
    for row, (name, panels) in zip(rows, cases.items(), strict=True):
        _fill(row, panels, name)
    return figure


def _row(panels: Sequence[Panel], title: str) -> Figure:
    figure = Figure(figsize=(_INCH * len(panels), _INCH + 0.9), layout="constrained", dpi=110)
    _fill(figure, panels, title)
    return figure


def _fill(figure: FigureBase, panels: Sequence[Panel], title: str) -> None:
    """Panels side by side, under a title and where a volume is cut, if that is the same in all."""
    places = {panel.place for panel in panels}
    shared = "".join(places) if len(places) == 1 else ""
    above = " · ".join(filter(None, (title, shared)))
    if above:
        figure.suptitle(above, fontsize=10)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        draw(axes, panel)
        axes.set_title(panel.name if len(places) == 1 else panel.place, fontsize=9)


def _legend(figure: Figure, regions: Sequence[str], *, with_errors: bool) -> None:
    colours = dict(zip(regions, paint.colours_for(len(regions)), strict=True))
    if with_errors:
        colours |= paint.ERROR_COLOURS
    handles = [Patch(color=paint.hex_colour(rgb), label=name)
               for name, rgb in colours.items()]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8,
                  frameon=False)  # fmt: skip
