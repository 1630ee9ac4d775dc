"""Loop: a run as one page of verbs."""

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from inspire_med.data.preprocess import Prepared
from inspire_med.data.restore import labels_from_regions
from inspire_med.evaluation.case import region_masks
from inspire_med.evaluation.overlap import count, dice
from inspire_med.inference.sliding_window import region_probabilities
from inspire_med.losses import SegmentationLoss
from inspire_med.training.budget import Budget
from inspire_med.training.checkpoint import Progress, save_best, save_checkpoint
from inspire_med.training.experiment import Experiment, training_loader
from inspire_med.training.journal import Journal
from inspire_med.training.optimizer import learning_rate, set_learning_rate
from inspire_med.viz import overlay_figure

_PICTURES = 3  # sample pictures at each validation


def train(experiment: Experiment) -> Progress:
    """Train until the budget is spent, from where the run's last checkpoint left it.

    Raises:
        FloatingPointError: If the loss is not finite; names the cases of the batch.
    """
    config, trained = experiment.config, experiment.trained
    budget, progress = experiment.budget, experiment.progress
    folder = config.run / "checkpoints"
    # A budget that was enlarged since has room for validations again.
    done = math.floor(_spent(budget, progress) * config.validations)
    progress.validations = min(progress.validations, done)
    model, optimizer = experiment.fabric.setup(trained.supervised, trained.optimizer)
    batches = iter(training_loader(experiment, progress.step))
    clock = _Clock(progress.elapsed_s)
    saved_s = clock.elapsed_s()

    with Journal(config.run, progress.step) as journal:
        while (spent := _spent(budget, progress)) < 1:
            set_learning_rate(trained.optimizer, learning_rate(config.optimizer, spent))
            record = train_step(experiment, model, optimizer, batches)
            progress.step += 1
            progress.elapsed_s = clock.elapsed_s()
            spent = _spent(budget, progress)
            lr = trained.optimizer.param_groups[0]["lr"]
            journal.step({"step": progress.step, "lr": lr, **record}, spent, progress.elapsed_s)
            if spent >= (progress.validations + 1) / config.validations:
                progress.validations = math.floor(spent * config.validations)
                validate_and_keep_best(experiment, progress, journal)
                progress.elapsed_s = clock.elapsed_s()
            if progress.elapsed_s - saved_s > 60 * config.save_every:
                save_checkpoint(folder, trained, progress)
                saved_s = progress.elapsed_s
        save_checkpoint(folder, trained, progress)
    return progress


def train_step(
    experiment: Experiment, model: nn.Module, optimizer: Optimizer, batches: Iterator[Any]
) -> dict[str, Any]:
    """One optimizer step; answers with the loss and where the time went, in seconds."""
    started = time.perf_counter()
    batch = next(batches)
    waited_s = time.perf_counter() - started
    image, target = _to_device(experiment, batch["image"]), _to_device(experiment, batch["target"])

    loss = SegmentationLoss()(model(image), target)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise FloatingPointError(f"loss is {value} on the cases {', '.join(batch['id'])}")
    optimizer.zero_grad()
    experiment.fabric.backward(loss)
    clip = experiment.config.optimizer.clip_norm
    # In fp16 an overflow is how the scaler finds its scale; it skips that step by itself.
    strict = experiment.trained.card.precision != "16-mixed"
    norm = experiment.fabric.clip_gradients(
        model, optimizer, max_norm=clip, error_if_nonfinite=strict
    )
    optimizer.step()
    return {
        "loss": value,
        "gradient_norm": float(norm) if norm is not None else None,
        "step_s": time.perf_counter() - started,
        "data_wait_s": waited_s,
    }


def validate_and_keep_best(experiment: Experiment, progress: Progress, journal: Journal) -> None:
    """Validate; keep the checkpoint as `best` if no earlier one scored as high."""
    record = validate(experiment, journal, progress.step)
    journal.validation(record)
    progress.validation_s = max(progress.validation_s, record["seconds"])
    score = record["mean_dice"]
    if score is not None and (progress.best_score is None or score > progress.best_score):
        progress.best_score = score
        save_best(experiment.config.run / "checkpoints", experiment.trained, progress)


def validate(experiment: Experiment, journal: Journal, step: int) -> dict[str, Any]:
    """Mean Dice of each region over the validation cases, on the grid of the prepared cases.

    Both masks empty counts 1. The scores to report are `evaluate`'s, on the cases' own grids.
    """
    started = time.perf_counter()
    card, network = experiment.trained.card, experiment.trained.network
    network.eval()
    scores: list[list[float]] = []
    for index, case in enumerate(experiment.validation_cases):
        prepared = experiment.store.load(case)
        image = prepared.image_tensor()
        probabilities = region_probabilities(
            network, image, card.patch_size, precision=card.precision, overlap=0.25
        )
        labels = labels_from_regions((probabilities > 0.5).cpu().numpy(), card.regions)
        masks = region_masks(labels, card.regions)  # what the mask that is written will say
        target = np.asarray(prepared.target) > 0
        scores.append([dice(count(t, m)) for t, m in zip(target, masks, strict=True)])
        if index < _PICTURES:
            affine = prepared.record.get("affine")  # volumes only: pictures are the right way up
            figure = overlay_figure(
                image.numpy(),
                target,
                masks,
                list(card.regions),
                _spacing_mm(prepared),
                affine=None if affine is None else np.asarray(affine),
                title=case.id,
            )
            journal.picture(case.id, figure, step)
    network.train()
    means = np.asarray(scores).mean(axis=0)
    return {
        "step": step,
        "dice": {name: float(value) for name, value in zip(card.regions, means, strict=True)},
        "mean_dice": float(means.mean()),
        "n": len(scores),
        "seconds": time.perf_counter() - started,
    }


def _spacing_mm(prepared: Prepared) -> list[float]:
    """Voxel size on the grid of the prepared case."""
    record = prepared.record
    extents = zip(record["box"], record["spacing_mm"], record["size"], strict=True)
    return [(high - low) * spacing / size for (low, high), spacing, size in extents]


def _spent(budget: Budget, progress: Progress) -> float:
    """Share of the budget spent, with room left for the validation at the end."""
    return budget.spent(progress.step, progress.elapsed_s + progress.validation_s)


def _to_device(experiment: Experiment, tensor: Tensor) -> Tensor:
    layout = torch.channels_last if tensor.dim() == 4 else torch.channels_last_3d
    return experiment.fabric.to_device(tensor.contiguous(memory_format=layout))


class _Clock:
    """Seconds of a run over all its sessions."""

    def __init__(self, before_s: float):
        self._started = time.monotonic() - before_s

    def elapsed_s(self) -> float:
        return time.monotonic() - self._started
