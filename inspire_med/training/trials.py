"""Trials: real training steps of candidates, in a process of its own that may run out of memory."""

import gc
import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from lightning_fabric.plugins.environments import LightningEnvironment

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.means import Means, Need, voxels_at_once
from inspire_med.cases.planning.plan import Plan
from inspire_med.config import TrainConfig, with_options
from inspire_med.config_checks import unread_sizes
from inspire_med.inference.allocator import keep_freed_memory
from inspire_med.training.experiment import build_experiment
from inspire_med.training.launch import Launcher
from inspire_med.training.step import Trial, try_steps
from inspire_med.training.stopping import ctrl_c_stays_here
from inspire_med.workers import without_main


class Trials:
    """Tries training steps; leave it by `with`. What they prepare goes with it.

    The process serves as long as steps grow: it never gives memory back, so that a smaller step
    after a larger one wants a new one.

    Args:
        config: Options of the training.
        manifest: The data set; of one case of it the shapes are not looked at, but the channels.
        means: How many cores and processes share a step.
    """

    def __init__(self, config: TrainConfig, manifest: Manifest, means: Means) -> None:
        self._folder = TemporaryDirectory()
        labelled = next(case for case in manifest.cases if case.label is not None)
        if means.gpu and not torch.cuda.is_available() and config.precision == "auto":
            config = replace(config, precision="bf16-mixed")  # as a GPU's would be
        self._manifest = replace(manifest, cases=(labelled,))
        self._config = replace(
            config,
            run=Path("none"),
            store=Path(self._folder.name),
            fold="all",
            devices=None,
            threads=1,  # those of several spin while they wait, on a busy machine for long
            max_steps=config.max_steps or 1,
        )
        self._means = means
        self._pool: ProcessPoolExecutor | None = None
        self._processes: list[BaseProcess] = []
        self._most = 0

    def __enter__(self) -> "Trials":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # nobody waits for the step that is under way
            for process in self._processes:
                process.kill()
        self._end()
        self._folder.cleanup()

    def try_step(self, plan: Plan) -> Need | None:
        """Measure a step of a plan; None where it found no room.

        Raises:
            InputError: If the network cannot be made.
        """
        shares = self._means.shares
        voxels = voxels_at_once(plan, shares)
        if voxels < self._most:
            self._end()
        self._most = max(self._most, voxels)
        share = shares.samples(plan.batch_size)
        try:
            with without_main():
                job = self._submit(self._at(plan, share))
            trial = job.result()
        except BrokenProcessPool:  # ended from outside, as happens when memory runs out
            self._end()
            return None
        if trial is None:
            return None
        on_gpu = self._means.gpu and torch.cuda.is_available()
        seconds = trial.step_s if on_gpu else trial.core_s * shares.here / self._means.cores
        return Need(trial.memory_gib, seconds)

    def _at(self, plan: Plan, batch_size: int) -> TrainConfig:
        unread = unread_sizes(self._config.network)
        options = {name: value for name, value in plan.options().items() if name not in unread}
        return with_options(self._config, {**options, "data.batch_size": batch_size})

    def _submit(self, config: TrainConfig) -> Future[Trial | None]:
        before = active_children()
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        with ctrl_c_stays_here():  # the pool's own helper, begun above, would let it through
            job = self._pool.submit(_tried, config, self._manifest, self._means.gpu)
        self._processes += [each for each in active_children() if each not in before]
        return job

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool, self._most = None, 0


def _tried(config: TrainConfig, manifest: Manifest, gpu: bool) -> Trial | None:
    """In the process of its own: a few steps; None where they find no room."""
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what is planned for has none
    keep_freed_memory()
    alone = Launcher(LightningEnvironment(), 0, 0, 1, 1)
    if torch.cuda.is_available():
        gc.collect()  # else what an earlier step left in cycles would count
        torch.cuda.reset_peak_memory_stats()
    try:
        return try_steps(build_experiment(config, manifest, alone, lambda text: None))
    except torch.OutOfMemoryError:
        return None
    except RuntimeError as error:
        if "can't allocate memory" in str(error):  # of the CPU; torch has no class for it
            return None
        raise
