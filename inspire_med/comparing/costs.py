"""Costs: what a network takes: parameters, operations, time, memory."""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from inspire_med.cases.manifest import Manifest
from inspire_med.comparing.job import Job, inference_s, progress_of
from inspire_med.comparing.schedule import Schedule
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.networks import UNet, build_network
from inspire_med.training.network import model_card, refuse_more_levels


@dataclass(frozen=True)
class Size:
    """What a network is before it is trained.

    Attributes:
        parameters: Trainable numbers.
        forward_flops: Operations of one forward pass of one training patch: two a multiplication
            with addition, as torch counts convolutions and matrix products; the rest is not.
    """

    parameters: int
    forward_flops: int


@dataclass(frozen=True)
class Effort:
    """What training and using a network took, over all its jobs.

    Attributes:
        steps: Mean number of optimizer steps of a training.
        training_s: Mean seconds of a training, with validations.
        step_s: Median seconds of a step, with the wait for data.
        memory_gib: Peak memory of the training process: of the GPU where there is one, else
            resident; None for runs whose log does not have it.
        inference_s: Median seconds of a prediction, from reading the case to its mask.
    """

    steps: float
    training_s: float
    step_s: float
    memory_gib: float | None
    inference_s: float


def sizes_of(schedule: Schedule) -> dict[str, Size]:
    """Measure every variant, before anything is trained.

    Raises:
        InputError: If there is no such network, it does not take the training patch, or has fewer
            levels than are to be supervised.
    """
    sizes: dict[str, Size] = {}
    for variant in schedule.variants:
        with variant.at_fault():
            sizes[variant.name] = _size_of(variant.of(schedule.config), schedule.manifest)
    return sizes


def _size_of(config: TrainConfig, manifest: Manifest) -> Size:
    card = model_card(config, manifest)
    network = build_network(card.network).eval()
    if isinstance(network, UNet):
        refuse_more_levels(config.network.deep_supervision, network)
    patch = torch.zeros(1, len(card.channels), *card.patch_size)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(patch)
    except RuntimeError as error:
        size = " x ".join(map(str, card.patch_size))
        raise InputError(
            f"network: fails on a training patch of {size} ({str(error).splitlines()[0]}); choose "
            "another size or network."
        ) from error
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Size(parameters, counter.get_total_flops())


def effort_of(jobs: Sequence[Job]) -> Effort:
    """What the jobs of one network took; all of them are done."""
    steps = [list(_steps(job.run / "log.jsonl")) for job in jobs]
    memory = [line["memory_gib"] for lines in steps for line in lines if "memory_gib" in line]
    elapsed = [progress.elapsed_s for job in jobs if (progress := progress_of(job)) is not None]
    return Effort(
        steps=statistics.mean(map(len, steps)),
        training_s=statistics.mean(elapsed),
        step_s=statistics.median(line["step_s"] for lines in steps for line in lines),
        memory_gib=max(memory, default=None),
        inference_s=statistics.median(s for job in jobs for s in inference_s(job).values()),
    )


def facts_of(size: Size, effort: Effort) -> dict[str, str]:
    """The costs in words, for a table."""
    memory = "–" if effort.memory_gib is None else f"{effort.memory_gib:.2f} GiB"
    return {
        "Parameters": f"{size.parameters:,}",
        "Forward pass": f"{size.forward_flops / 1e9:.3g} GFLOPs",
        "Step": f"{effort.step_s:.3g} s",
        "Steps": f"{effort.steps:,.0f}",
        "Training": f"{effort.training_s / 60:.1f} min",
        "Peak memory": memory,
        "Inference": f"{effort.inference_s:.3g} s a case",
    }


def _steps(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text().splitlines():
        record = json.loads(line)
        if record["kind"] == "step":
            yield record
