"""Views: a page a case to look at it, in a folder of their own."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.align import reference_channel
from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.errors import InputError
from inspire_med.files import write_text
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.masks import Box, bounding_box
from inspire_med.imaging.output import file_names
from inspire_med.imaging.volume import Volume, read_volume
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.predictor import Predictor
from inspire_med.predicting.doubt_files import FOLDER as DOUBT
from inspire_med.reports.viewer_page import Layer, viewer_html
from inspire_med.viz.paint import RGB, colours_for

FOLDER = "view"  # beside the masks


class Views:
    """Writes `<case id>.html` a case.

    Args:
        folder: Of the predictions.
        predictor: What predicts.
        with_doubt: Maps of doubt are written before, and shown.

    Raises:
        InputError: If the model is for pictures.
    """

    def __init__(self, folder: Path, predictor: Predictor, *, with_doubt: bool) -> None:
        if predictor.card.task.spatial_dims == 2:
            raise InputError("--view: is for volumes, and the model is for pictures; leave it out.")
        self._folder = folder
        self._card = predictor.card
        self._with_doubt = with_doubt

    def take(self, case: Case | FoundCase, prediction: Prediction) -> None:
        """Write a case's page: its channels, the mask, and reference and doubt where there are any.

        Raises:
            InputError: As `read_volume` and `read_labels`.
        """
        regions, words = prediction.regions, self._card.task.words
        colours = dict(zip(regions, colours_for(len(regions)), strict=True))
        named = {value: (words.get(r, r), colours[r]) for value, r in _smallest(regions).items()}
        images = {
            name: read_volume(path, case.components.get(name))
            for name, path in case.images.items()
            if name in self._card.channels
        }
        first = images[reference_channel(case.images, images, self._card.preparation)]
        masks = {"Prediction": prediction.labels}
        if case.label is not None:
            masks["Reference"] = read_labels(case.label).labels
        shown = (first.values != 0).astype(np.uint8)
        for mask in masks.values():
            shown |= mask != 0
        box = bounding_box(shown)
        layers = [
            *_in_grey(images, first.grid, box),
            *(_coloured(name, mask, first.grid, box, named) for name, mask in masks.items()),
        ]
        if self._with_doubt:
            name, _ = file_names(case.id, is_picture=False)
            bits = read_volume(self._folder / DOUBT / name)
            layers.append(Layer("Doubt", "map", *_cut(bits.values, bits.grid, box), shown=False))
        legend = {words.get(r, r): "rgb({} {} {})".format(*rgb) for r, rgb in colours.items()}
        page = viewer_html(case.id, layers, legend)
        write_text(self._folder / FOLDER / f"{case.id}.html", page)


def _in_grey(images: Mapping[str, Volume], grid: Grid, box: Box | None) -> Iterator[Layer]:
    """Channels on the case's own grid are cut as its masks are; others stay whole."""
    for number, (name, volume) in enumerate(images.items()):
        own = box if volume.grid.shape == grid.shape else None
        yield Layer(name, "image", *_cut(volume.values, volume.grid, own), shown=number == 0)


def _coloured(
    name: str,
    labels: NDArray[np.uint8],
    grid: Grid,
    box: Box | None,
    named: Mapping[int, tuple[str, RGB]],
) -> Layer:
    return Layer(name, "labels", *_cut(labels, grid, box), named, shown=name == "Prediction")


def _cut(
    values: NDArray[np.generic], grid: Grid, box: Box | None
) -> tuple[NDArray[np.generic], NDArray[np.float64]]:
    """What lies in a box, and where it does."""
    if box is None:
        return values, grid.affine
    affine = grid.affine.copy()
    affine[:3, 3] = (grid.affine @ [*(side.start for side in box), 1])[:3]
    return values[box], affine


def _smallest(regions: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """By label value the smallest region that it is part of: nested ones are coloured within."""
    ordered = sorted(regions, key=lambda name: -len(regions[name]))
    return {value: name for name in ordered for value in regions[name]}
