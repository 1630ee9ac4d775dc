"""Overlays: a picture a case with the outlines of its mask, in a folder of their own."""

from pathlib import Path

import numpy as np
from PIL import Image

from inspire_med.cases.align import reference_channel
from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.files import atomic_path
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import region_masks
from inspire_med.imaging.picture import read_picture
from inspire_med.imaging.volume import read_volume
from inspire_med.inference.model import ModelCard
from inspire_med.inference.prediction import Prediction
from inspire_med.viz.figures import orthogonal_figure
from inspire_med.viz.paint import colours_for, lay_over

FOLDER = "overlays"  # beside the masks, among which evaluate takes every picture for a case


def write_overlay(
    folder: Path, case: Case | FoundCase, prediction: Prediction, card: ModelCard
) -> None:
    """Write `<case id>.png`: a picture in its own pixels, a volume cut three ways.

    A volume is cut where most of the mask lies, in its middle where there is none; the channel is
    the one whose grid is the case's own.

    Args:
        folder: Of the predictions.
        case: What was predicted.
        prediction: Of it.
        card: Of the model.

    Raises:
        InputError: As `read_picture` and `read_volume`.
    """
    masks = region_masks(prediction.labels, prediction.regions)
    channel = reference_channel(case.images, card.channels, card.preparation)
    file, affine = case.images[channel], prediction.placement.affine
    with atomic_path(folder / FOLDER / f"{case.id}.png") as temporary:
        if affine is None:
            painted = lay_over(read_picture(file), masks, colours_for(len(masks)))
            Image.fromarray(painted).save(temporary)
            return
        values = read_volume(file, case.components.get(channel)).values
        words = [card.task.words.get(region, region) for region in prediction.regions]
        spacing = Grid(prediction.placement.shape, affine).spacing_mm
        figure = orthogonal_figure(values[np.newaxis], masks, words, spacing, affine, case.id)
        figure.savefig(temporary)
