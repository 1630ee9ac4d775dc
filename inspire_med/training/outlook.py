"""Outlook: how long a run will take and how much memory, by trying a few of its steps."""

import time
from dataclasses import dataclass

import torch

from inspire_med.training.experiment import Experiment
from inspire_med.training.journal import peak_memory_gib
from inspire_med.training.loop import compute_gradients

_STEPS = 3  # the first is slower than any other and does not count


@dataclass(frozen=True)
class Outlook:
    """What a run needs.

    Args:
        step_s: Seconds of a step, without waiting for data.
        memory_gib: Peak memory of the training process: of the GPU where there is one, else
            resident.
        run_s: Seconds of all steps that are left; None where time, not steps, limits the run.
    """

    step_s: float
    memory_gib: float
    run_s: float | None


def try_steps(experiment: Experiment) -> Outlook:
    """Measure a few training steps on noise of the run's own shape; the network learns nothing."""
    fabric, network = experiment.fabric, experiment.trained.supervised
    model = fabric.setup_module(network)
    image = torch.rand(experiment.image_shape)
    regions = len(experiment.trained.card.regions)
    target = (image[:, :1] > 0.9).float().expand(-1, regions, *image.shape[2:])
    seconds: list[float] = []
    for _ in range(_STEPS):
        started = time.perf_counter()
        compute_gradients(experiment, model, {"image": image, "target": target})
        network.zero_grad()
        seconds.append(time.perf_counter() - started)
    step_s = min(seconds[1:])
    most, progress = experiment.config.max_steps, experiment.progress
    left = None if most is None else max(0, most + progress.extra_steps - progress.step)
    return Outlook(step_s, peak_memory_gib(), None if left is None else left * step_s)
