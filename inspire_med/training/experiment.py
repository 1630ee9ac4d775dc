"""Experiment: the parts of one run, built from its Config."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import Progress as ProgressBar
from torch import nn
from torch.utils.data import DataLoader

from inspire_med.config import TrainConfig, refuse_nonsense
from inspire_med.data.augment import augmentation
from inspire_med.data.case import Case, Manifest
from inspire_med.data.patches import TrainingSamples
from inspire_med.data.preprocess import Preprocessor
from inspire_med.data.store import Store
from inspire_med.errors import InputError
from inspire_med.inference.model import ModelCard
from inspire_med.inference.precision import Precision, choose_precision
from inspire_med.networks import DeepSupervision, build_network, load_encoder_weights
from inspire_med.training.budget import Budget, parse_duration
from inspire_med.training.checkpoint import (
    Progress,
    Trained,
    load_checkpoint,
    precision_of_run,
)
from inspire_med.training.optimizer import make_optimizer


@dataclass(frozen=True)
class Experiment:
    """All that `train` needs.

    Args:
        config: The resolved options.
        budget: How long the run lasts.
        fabric: Device and precision.
        store: Prepared cases.
        train_cases: Cases to learn from.
        validation_cases: Cases to validate on.
        trained: Network, optimizer and what describes them.
        progress: Where the run goes on from.
    """

    config: TrainConfig
    budget: Budget
    fabric: Fabric
    store: Store
    train_cases: Sequence[Case]
    validation_cases: Sequence[Case]
    trained: Trained
    progress: Progress


def build_experiment(config: TrainConfig, say: Callable[[str], None]) -> Experiment:
    """Build every part of the run, from its last checkpoint if it has one. Nothing is written.

    Args:
        config: The options, with absolute paths.
        say: Hears what was chosen by itself.

    Raises:
        InputError: If the manifest, the fold or an option is at fault, or if the run's checkpoints
            are of another data set, network or recipe, or damaged.
    """
    refuse_nonsense(config)
    limit_s = parse_duration(config.max_time) if config.max_time is not None else None
    budget = Budget(config.max_steps, limit_s)
    manifest = Manifest.load(config.manifest)
    if manifest.task != config.task:
        raise InputError(
            f"{config.manifest}: is for task {manifest.task}, not {config.task}; "
            f"pass --task {manifest.task}."
        )
    train_cases, validation_cases = manifest.fold(None if config.fold == "all" else config.fold)
    card = _card(config, manifest, say)
    fabric = Fabric(devices=1, precision=card.precision)
    trained = _trained(config, card, manifest.hash, fabric.device)
    return Experiment(
        config=config,
        budget=budget,
        fabric=fabric,
        store=Store(
            config.store or Path("store"), card.preprocessor(), manifest.channels, manifest.regions
        ),
        train_cases=train_cases,
        validation_cases=validation_cases,
        trained=trained,
        progress=load_checkpoint(config.run / "checkpoints", trained) or Progress(),
    )


def _trained(config: TrainConfig, card: ModelCard, data: str, device: torch.device) -> Trained:
    """Network and optimizer on their device, so that a checkpoint's state lands there too."""
    torch.manual_seed(config.seed)
    network = build_network(card.network)
    if config.network.encoder_weights is not None:
        load_encoder_weights(network, config.network.encoder_weights)
    levels = config.network.deep_supervision
    if levels > len(network.channels):
        raise InputError(
            f"--network.deep_supervision: {levels} is more than the network's "
            f"{len(network.channels)} levels; give fewer."
        )
    supervised: nn.Module = DeepSupervision(network, levels) if levels > 1 else network
    layout = torch.channels_last if network.spatial_dims == 2 else torch.channels_last_3d
    supervised.to(device).to(memory_format=layout)  # pyright: ignore[reportCallIssue]
    recipe = {
        "fold": config.fold,
        "seed": config.seed,
        "data.batch_size": config.data.batch_size,
        "data.augment": config.data.augment,
        "optimizer.name": config.optimizer.name,
        "network.deep_supervision": levels,
    }
    optimizer = make_optimizer(supervised, config.optimizer)
    return Trained(card, network, supervised, optimizer, data, recipe)


def training_loader(experiment: Experiment, first_step: int) -> DataLoader:
    """Batches from `first_step` on, without end; batch s holds the samples s*b ... s*b + b - 1.

    A sample is a pure function of seed and number, so batches do not depend on the workers.
    """
    data = experiment.config.data
    samples = TrainingSamples(
        experiment.store,
        experiment.train_cases,
        patch_size=experiment.trained.card.patch_size,
        seed=experiment.config.seed,
        length=sys.maxsize,
        augment=augmentation(experiment.config.task) if data.augment else None,
    )
    return DataLoader(
        samples,
        batch_sampler=_Batches(first_step, data.batch_size),
        num_workers=data.workers,
        pin_memory=experiment.fabric.device.type == "cuda",
    )


def prepare_cases(experiment: Experiment) -> None:
    """Bring every case of the run into the store, with a progress bar."""
    cases = list(
        {c.id: c for c in (*experiment.train_cases, *experiment.validation_cases)}.values()
    )
    with ProgressBar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("preparing cases", total=len(cases))
        workers = max(experiment.config.data.workers, 1)
        experiment.store.prepare_all(
            cases, workers, lambda done, _: bar.update(task, completed=done)
        )


class _Batches:
    """Consecutive sample numbers in batches, for ever."""

    def __init__(self, first_step: int, batch_size: int):
        self._first_step = first_step
        self._batch_size = batch_size

    def __iter__(self) -> Iterator[list[int]]:
        step = self._first_step
        while True:
            yield list(range(step * self._batch_size, (step + 1) * self._batch_size))
            step += 1


def _card(config: TrainConfig, manifest: Manifest, say: Callable[[str], None]) -> ModelCard:
    preprocessor = Preprocessor.for_task(
        config.task,
        spacing_mm=config.data.spacing_mm,
        image_size=config.data.image_size,
        register=manifest.register,
    )
    spatial_dims = 2 if config.task == "polyp" else 3
    network: dict[str, Any] = {
        "spatial_dims": spatial_dims,
        "in_channels": len(manifest.channels),
        "out_channels": len(manifest.regions),
        "widths": list(config.network.widths),
        "skip": config.network.skip,
        "steps": config.network.steps,
        "norm": config.network.norm,
        "encoder": config.network.encoder,
    }
    return ModelCard(
        task=config.task,
        channels=tuple(manifest.channels),
        regions=dict(manifest.regions),
        network=network,
        preprocess=preprocessor.to_json(),
        patch_size=config.data.patch_size or preprocessor.image_size or (),
        precision=_precision(config, spatial_dims, say),
    )


def _precision(config: TrainConfig, spatial_dims: int, say: Callable[[str], None]) -> Precision:
    if config.precision != "auto":
        return config.precision
    before = precision_of_run(config.run / "checkpoints")
    if before is not None:  # a timing must not decide whether a run can go on
        return before
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    choice = choose_precision(spatial_dims, device)
    say(f"precision {choice.name} ({choice.reason})")
    return choice.name
