"""Experiment: the parts of one run, built from its Config."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import Progress as ProgressBar
from torch import Tensor

from inspire_med.cases.augment import augmentation
from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.patches import Sampling, TrainingSamples
from inspire_med.cases.store import Store
from inspire_med.config import OptimizerConfig, TrainConfig
from inspire_med.inference.model import ModelCard
from inspire_med.inference.precision import Precision, choose_precision
from inspire_med.losses import SegmentationLoss
from inspire_med.memory import bytes_of
from inspire_med.tasks.task import Preparation
from inspire_med.training.budget import Budget, budget_of
from inspire_med.training.checkpoint import card_of_run, load_checkpoint, precision_of_run
from inspire_med.training.launch import Launcher, launch
from inspire_med.training.loader import BatchLoader
from inspire_med.training.network import build_trained, model_card
from inspire_med.training.optimizer import scaled_to_batch
from inspire_med.training.ranks import sum_over_ranks
from inspire_med.training.scales import resized, scaled_sizes
from inspire_med.training.state import Progress, Trained
from inspire_med.training.stopping import SignalledError, Signals
from inspire_med.wording import counted


@dataclass(frozen=True)
class Experiment:
    """All that `train` needs.

    Args:
        config: The resolved options.
        fabric: Device, precision, and the other ranks.
        store: Prepared cases.
        samples: Training samples.
        validation_cases: Cases to validate on.
        criterion: The loss.
        optimizer: The optimizer's options, the learning rate scaled if that was asked for.
        trained: Network, optimizer and what describes them.
        progress: Where the run goes on from.
    """

    config: TrainConfig
    fabric: Fabric
    store: Store
    samples: TrainingSamples
    validation_cases: Sequence[Case]
    criterion: SegmentationLoss
    optimizer: OptimizerConfig
    trained: Trained
    progress: Progress

    def spent(self) -> float:
        """Share of the budget spent, with room left for the validation at the end."""
        progress = self.progress
        return self._budget().spent(progress.step, progress.elapsed_s + progress.validation_s)

    def left_s(self, step_s: float) -> float:
        """Seconds to the end of the run, at `step_s` a step and the longest validation so far."""
        progress = self.progress
        validations = self.config.validations - progress.validations
        return self._budget().left_s(
            progress.step,
            progress.elapsed_s,
            step_s=step_s,
            validations_s=validations * progress.validation_s,
        )

    def validations_due(self) -> int:
        """Validations that the spent share of the budget asks for; none without cases for them."""
        if not self.validation_cases:
            return 0
        # A share such as 0.29, times 100, is a hair less than 29.
        return math.floor(self.spent() * self.config.validations + 1e-9)

    def _budget(self) -> Budget:
        return budget_of(self.config).extended(self.progress.extra_steps, self.progress.extra_s)

    @property
    def image_shapes(self) -> list[tuple[int, ...]]:
        """(samples, channels, *spatial) of this rank's share of a step at each scale."""
        samples = math.ceil(self.config.data.batch_size / self.fabric.world_size)
        return [(samples, len(self.trained.card.channels), *size) for size in self._sizes]

    @property
    def _sizes(self) -> list[tuple[int, ...]]:
        card = self.trained.card
        strides = card.network.get("strides")
        return scaled_sizes(card.patch_size, self.config.data.scales, strides)

    def scaled(self, batch: Tensor) -> Tensor:
        """The next step's images or targets on this rank's device, at that step's scale."""
        seed, step = self.config.seed, self.progress.step
        # A target comes as bytes: a quarter of what workers, queue and device hand over.
        return resized(self.on_device(batch).float(), self._sizes, seed=seed, step=step)

    def describe_step(self) -> list[dict[str, Any]]:
        """Case and patch position of every sample of the next step, over all ranks."""
        first = self.progress.step * self.config.data.batch_size
        return [self.samples.describe(first + k) for k in range(self.config.data.batch_size)]

    def on_device(self, tensor: Tensor) -> Tensor:
        """A batch on this rank's device, in the memory layout that convolutions are fast in."""
        layout = torch.channels_last if tensor.dim() == 4 else torch.channels_last_3d
        return self.fabric.to_device(tensor.contiguous(memory_format=layout))


def build_experiment(
    config: TrainConfig, manifest: Manifest, launcher: Launcher, say: Callable[[str], None]
) -> Experiment:
    """Build every part of the run, from its last checkpoint if it has one. Nothing is written.

    Args:
        config: The options, with absolute paths, as `check_request` passed them.
        manifest: Its answer, the data set.
        launcher: Of this process and the others, which are started or joined here.
        say: Hears what was chosen by itself.

    Raises:
        InputError: If the fold or the network is at fault, or if the run's checkpoints are of
            another data set, network or recipe, or damaged.
    """
    train_cases, validation_cases = _cases(config, manifest)
    card = model_card(config, manifest)
    fabric = launch(launcher)
    if config.threads:  # several processes on a machine have shared its cores out by now
        torch.set_num_threads(config.threads)
    precision: Precision = fabric.broadcast(
        _precision(config, card.network["spatial_dims"], fabric, say)
    )
    waits = config.network.second_pass_from > 0
    fabric, card = launch(launcher, precision, unused=waits), replace(card, precision=precision)
    optimizer = scaled_to_batch(config.optimizer, config.data.batch_size, say)
    store = _store(config, card)
    card = replace(card, preparation=_preparation(config, card, store, train_cases, fabric))
    trained = build_trained(config, card, manifest.hash, fabric, say)
    store = _store(config, card)
    samples = TrainingSamples(
        store,
        train_cases,
        sampling=Sampling(card.patch_size, config.data.foreground, config.data.balance),
        seed=config.seed,
        length=sys.maxsize,
        augment=augmentation(
            manifest.task.augmentation, config.data.augment, config.data.drop_channels
        ),
    )
    return Experiment(
        config=config,
        fabric=fabric,
        store=store,
        samples=samples,
        validation_cases=validation_cases,
        criterion=SegmentationLoss(config.loss, total=sum_over_ranks),
        optimizer=optimizer,
        trained=trained,
        progress=load_checkpoint(config.run / "checkpoints", trained) or Progress(),
    )


def _cases(config: TrainConfig, manifest: Manifest) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """Those to train on, and those to validate on."""
    fold = config.fold
    training, validation = manifest.fold(fold if isinstance(fold, int) else None)
    return training, () if fold == "none" else validation


def training_loader(experiment: Experiment) -> BatchLoader:
    """This rank's batches from the next step on."""
    fabric, data = experiment.fabric, experiment.config.data
    return BatchLoader(
        experiment.samples,
        batch_size=data.batch_size,
        first_step=experiment.progress.step,
        workers=data.workers,
        rank=fabric.global_rank,
        world=fabric.world_size,
        pin_memory=fabric.device.type == "cuda",
    )


def prepare_cases(experiment: Experiment, signals: Signals, say: Callable[[str], None]) -> None:
    """Bring this rank's share of the run's cases into the store, with a progress bar on rank 0.

    Args:
        experiment: The run.
        signals: What the system sends.
        say: Hears of cases whose files are not here.

    Raises:
        SignalledError: If a signal came meanwhile; what is prepared is kept.
    """
    fabric = experiment.fabric
    every = {c.id: c for c in (*experiment.samples.cases, *experiment.validation_cases)}
    cases = list(every.values())[fabric.global_rank :: fabric.world_size]
    alone = sum(experiment.store.holds_alone(case) for case in every.values())
    if alone:
        say(f"{counted(alone, 'case')} of {len(every):,} taken from the store alone: no files here")
    console = Console(stderr=True, quiet=not fabric.is_global_zero)
    with ProgressBar(console=console, transient=True) as bar:
        task = bar.add_task("preparing cases", total=len(cases))

        def go_on(done: int, total: int) -> None:
            bar.update(task, completed=done)
            if signals.received is not None:
                raise SignalledError

        workers = max(experiment.config.data.workers, 1)
        experiment.store.prepare_all(cases, workers, go_on, tuple(every.values()))
    fabric.barrier()


def _store(config: TrainConfig, card: ModelCard) -> Store:
    limit = None if config.store_limit is None else bytes_of(config.store_limit, "--store_limit")
    return Store(config.store_folder, card.preparation, card.channels, card.regions, limit)


def _preparation(
    config: TrainConfig, card: ModelCard, store: Store, cases: Sequence[Case], fabric: Fabric
) -> Preparation:
    """The card's, with what `ct` needs to know of the training fold, found by the first rank.

    A run that has begun keeps its intensities: before weights had normalisations, the task's.
    """
    preparation = card.preparation
    before = card_of_run(config.run / "checkpoints")
    if before is not None:
        kept = before.preparation
        return replace(
            preparation,
            intensity=kept.intensity,
            intensity_statistics=kept.intensity_statistics,
        )
    if preparation.intensity != "ct":
        return preparation
    statistics = None
    if fabric.is_global_zero:
        statistics = store.statistics(cases)
    return replace(preparation, intensity_statistics=fabric.broadcast(statistics))


def _precision(
    config: TrainConfig, spatial_dims: int, fabric: Fabric, say: Callable[[str], None]
) -> Precision:
    """The precision asked for, or the run's from before, or the best of a trial on this device."""
    if config.precision != "auto":
        return config.precision
    before = precision_of_run(config.run / "checkpoints")
    if before is not None:  # a timing must not decide whether a run can go on
        return before
    choice = choose_precision(spatial_dims, fabric.device)
    say(f"precision {choice.name} ({choice.reason})")
    return choice.name
