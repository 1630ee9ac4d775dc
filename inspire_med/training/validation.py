"""Validation: mean Dice over the validation cases, which the ranks share out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.prepare import Prepared
from inspire_med.evaluation.measures.overlap import count, dice
from inspire_med.imaging.masks import labels_from_regions, region_masks
from inspire_med.inference.sliding_window import HALF, region_probabilities
from inspire_med.inference.windows import Windows
from inspire_med.training.experiment import Experiment
from inspire_med.training.log import Log
from inspire_med.training.ranks import share_buffers, sum_over_ranks
from inspire_med.viz import overlay_figure

_PICTURES = 3  # sample pictures at each validation
_OVERLAP = 0.25  # share of a window that its neighbour covers as well


def validate(
    experiment: Experiment, log: Log, step: int, interrupted: Callable[[], bool]
) -> dict[str, Any] | None:
    """Mean Dice of each region over the validation cases, on the grid of the prepared cases.

    Every case is scored once, by one rank. Both masks empty counts 1. The scores to report are
    `evaluate`'s, on the cases' own grids.

    Args:
        experiment: The run.
        log: Gets the sample pictures.
        step: Steps done so far.
        interrupted: Asked by all ranks together before each round of cases; an answer of yes ends
            the validation without a result.
    """
    fabric, cases = experiment.fabric, experiment.validation_cases
    regions = experiment.trained.card.regions
    predictor = experiment.trained.predictor
    share_buffers(predictor)
    scores = torch.zeros(len(cases), len(regions), dtype=torch.float64, device=fabric.device)
    predictor.eval()
    try:
        for turn in range(math.ceil(len(cases) / fabric.world_size)):
            if interrupted():
                return None
            log.validating(step, turn * fabric.world_size + 1, len(cases))
            index = turn * fabric.world_size + fabric.global_rank
            if index < len(cases):
                picture = index < _PICTURES and fabric.is_global_zero
                values = _score(experiment, cases[index], log if picture else None, step)
                scores[index] = torch.tensor(values, dtype=torch.float64)
    finally:
        predictor.train()
    means = sum_over_ranks(scores).mean(0).tolist()
    return {
        "step": step,
        "dice": dict(zip(regions, means, strict=True)),
        "mean_dice": sum(means) / len(means),
        "n": len(cases),
    }


def _score(experiment: Experiment, case: Case, log: Log | None, step: int) -> list[float]:
    """Dice of each region of one case."""
    trained = experiment.trained
    card = trained.card
    prepared = experiment.store.load(case)
    image = prepared.image_tensor()
    windows = Windows.over(image.shape[1:], card.patch_size, _OVERLAP)
    answer = np.zeros((len(card.regions), *image.shape[1:]), np.uint16)
    region_probabilities(trained.predictor, image, windows, answer, precision=card.precision)
    labels = labels_from_regions(answer > HALF, card.regions)
    masks = region_masks(labels, card.regions)  # what the mask that is written will say
    # Behind the regions may stand what was judged; elsewhere no mask counts.
    target, judged = np.split(np.asarray(prepared.target) > 0, [len(card.regions)])
    masks &= judged.all(axis=0)
    if log is not None:
        _picture(log, prepared, target, masks, list(card.regions), case.id, step)
    return [dice(count(t, m)) for t, m in zip(target, masks, strict=True)]


def _picture(
    log: Log,
    prepared: Prepared,
    target: NDArray[np.bool_],
    masks: NDArray[np.bool_],
    regions: list[str],
    name: str,
    step: int,
) -> None:
    view = prepared.placement.view  # None of pictures, which are the right way up
    figure = overlay_figure(
        prepared.image_tensor().numpy(),
        target,
        masks,
        regions,
        (1.0, 1.0) if view is None else view.spacing_mm,
        affine=None if view is None else view.affine,
        title=name,
    )
    log.picture(name, figure, step)
