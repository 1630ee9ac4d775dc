"""Viz: pictures of cases. Functions return figures or arrays; they never show, save or print."""

from inspire_med.viz.curves import training_figure
from inspire_med.viz.figures import (
    error_figure,
    orthogonal_figure,
    overlay_figure,
    sheet_figure,
)
from inspire_med.viz.panels import case_panels

__all__ = [
    "case_panels",
    "error_figure",
    "orthogonal_figure",
    "overlay_figure",
    "sheet_figure",
    "training_figure",
]
