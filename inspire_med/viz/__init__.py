"""Viz: pictures of cases. Functions return figures or arrays; they never show, save or print."""

from inspire_med.viz.browser import slice_browser
from inspire_med.viz.curves import training_figure
from inspire_med.viz.figures import (
    error_figure,
    orthogonal_figure,
    overlay_figure,
    sheet_figure,
)
from inspire_med.viz.layers import niivue_layers
from inspire_med.viz.maps import arrows_figure, maps_figure
from inspire_med.viz.methods import interval_figure, scatter_figure
from inspire_med.viz.panels import case_panels, method_panels
from inspire_med.viz.slices import slice_figure

__all__ = [
    "arrows_figure",
    "case_panels",
    "error_figure",
    "interval_figure",
    "maps_figure",
    "method_panels",
    "niivue_layers",
    "orthogonal_figure",
    "overlay_figure",
    "scatter_figure",
    "sheet_figure",
    "slice_browser",
    "slice_figure",
    "training_figure",
]
