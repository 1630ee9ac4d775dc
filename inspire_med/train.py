"""Command: train one experiment (`python -m inspire_med.train --task isles ...`)."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import refused, run_command, say
from inspire_med.cli.options import training_config, training_parser, with_own_config
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.planned import (
    STOPPED_PLANNING,
    asked_options,
    by_plan,
    known_plan,
    made_plan,
)
from inspire_med.cli.run_folder import (
    goes_on_by,
    refuse_foreign_folder,
    refuse_other_options,
    write_session,
)
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import remove_half_written

if TYPE_CHECKING:
    from inspire_med.cases.manifest import Manifest
    from inspire_med.cases.planning.plan import Plan
    from inspire_med.training.experiment import Experiment
    from inspire_med.training.launch import Launcher
    from inspire_med.training.log import Log
    from inspire_med.training.state import Progress
    from inspire_med.training.stopping import Signals

_OTHERS_LEAVE_S = 3.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, train, and answer with the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--"]:  # torchrun takes --run for its own --run-path unless this stands before
        words = words[1:]
    try:
        words = with_own_config(words)
    except InputError as error:
        return refused("inspire-med train", error)
    parser = training_parser(words)
    return run_command(parser, lambda options: _train(parser, options, words), words)


def _train(parser: CommandParser, options: Namespace, words: Sequence[str]) -> int:
    config = training_config(parser, options)
    if config.fold == "each":
        from inspire_med.comparing.every_fold import train_every_fold

        return train_every_fold(parser, config, words)
    return _train_one(parser, config, words)


def _train_one(parser: CommandParser, config: TrainConfig, words: Sequence[str]) -> int:
    from inspire_med.training.launch import find_launcher
    from inspire_med.training.ranks import LOST, AgreedError, is_lost_rank
    from inspire_med.training.stopping import STOPPED, SignalledError

    launcher = find_launcher(config.devices)
    world = launcher.here * launcher.machines
    with ExitStack() as held:
        try:
            experiment, manifest, plan, signals = _begun(parser, config, words, launcher, held)
        except InputError:
            if launcher.local_rank:
                return 2  # every rank of a machine finds the same fault, and the first one says it
            raise
        except SignalledError:
            say(STOPPED_PLANNING)
            return STOPPED
        try:
            progress = _run(experiment, manifest, plan, signals)
        except AgreedError:
            if launcher.rank:
                return 2
            raise
        except RuntimeError as error:
            if world == 1 or not is_lost_rank(error):
                raise
            say(f"rank {launcher.rank} ends because another rank did; its message says why.")
            return LOST
    if not progress.signalled or launcher.rank:
        return 0
    if world > 1:
        time.sleep(_OTHERS_LEAVE_S)  # a launcher kills who is left when it sees this status
    return STOPPED


def _begun(
    parser: CommandParser,
    config: TrainConfig,
    words: Sequence[str],
    launcher: "Launcher",
    held: ExitStack,
) -> "tuple[Experiment, Manifest, Plan | None, Signals]":
    """What is to be trained, in a folder that is held; from here on signals wait for a step's end.

    The folder is looked at before the minutes that a plan may take.
    """
    from inspire_med.training.initial_checks import check_initial
    from inspire_med.training.request import check_request
    from inspire_med.training.stopping import Signals, locked

    world = launcher.here * launcher.machines
    manifest = check_request(config, world)
    check_initial(config, manifest)
    config = replace(config, task=manifest.task.name)
    if launcher.rank == 0:
        refuse_foreign_folder(config)
        held.enter_context(locked(config.run))
    asked = asked_options(parser, words, manifest.task)
    plan = _plan(config, manifest, launcher, asked)
    config = by_plan(config, plan, asked)
    check_request(config, world)
    refuse_other_options(config)
    signals = held.enter_context(Signals())
    return _build(config, manifest, launcher), manifest, plan, signals


def _plan(
    config: TrainConfig, manifest: "Manifest", launcher: "Launcher", asked: frozenset[str]
) -> "Plan | None":
    """The run's plan; where it is not known yet, the first rank makes it."""
    from inspire_med.training.launch import launch

    world = launcher.here * launcher.machines
    known, plan = known_plan(config, manifest, say if launcher.rank == 0 else lambda _: None)
    if known:
        return plan
    if launcher.rank == 0:
        plan = made_plan(config, manifest, asked, processes=world, say=say)
    return launch(launcher).broadcast(plan) if world > 1 else plan


def _build(config: TrainConfig, manifest: "Manifest", launcher: "Launcher") -> "Experiment":
    from inspire_med.inference.allocator import keep_freed_memory
    from inspire_med.training.experiment import build_experiment

    keep_freed_memory()
    hears = say if launcher.rank == 0 else lambda _: None
    return build_experiment(config, manifest, launcher, hears)


def _run(
    experiment: "Experiment", manifest: "Manifest", plan: "Plan | None", signals: "Signals"
) -> "Progress":
    from inspire_med.training.log import Log
    from inspire_med.training.loop import train
    from inspire_med.training.movable import write_movable
    from inspire_med.training.ranks import leave

    config, main = experiment.config, experiment.fabric.is_global_zero
    if not _prepared(experiment, signals):
        return replace(experiment.progress, signalled=True)
    if config.only_prepare:
        if main:
            say(write_movable(config, manifest, plan))
        leave()
        return experiment.progress
    if main:
        write_session(config, experiment.trained.manifest_hash, plan, say)
    with _run_log(config, experiment.progress) if main else Log() as log:
        progress = train(experiment, log, signals)
    leave()
    if main:
        ended = "done:" if experiment.spent() >= 1 else "stopped after"
        how = "stopped by a signal after" if progress.signalled else ended
        minutes = progress.elapsed_s / 60
        say(f"{how} {progress.step} steps in {minutes:.1f} min; results in {config.run}")
        if experiment.spent() < 1:
            say(goes_on_by(config.run))
    return progress


def _prepared(experiment: "Experiment", signals: "Signals") -> bool:
    """Bring the cases into the store; a signal that comes meanwhile is answered with no."""
    from inspire_med.training.experiment import prepare_cases
    from inspire_med.training.foreground import refuse_nothing_to_learn
    from inspire_med.training.stopping import SignalledError

    config, main = experiment.config, experiment.fabric.is_global_zero
    hears = say if main else lambda _: None
    if main:
        for folder in (config.run, config.run / "checkpoints", config.run / "samples"):
            remove_half_written(folder)
    try:
        prepare_cases(experiment, signals, hears)
    except SignalledError:
        hears(
            "stopped by a signal while cases were prepared; the same command goes on, those in "
            f"{config.store} remain"
        )
        return False
    refuse_nothing_to_learn(experiment, hears)
    return True


def _run_log(config: TrainConfig, progress: "Progress") -> "Log":
    from inspire_med.training.log import RunLog
    from inspire_med.training.trackers import TRACKERS, TensorBoard

    others = [TRACKERS[name](config.run, config.to_json()) for name in config.track]
    return RunLog(config.run, progress, [TensorBoard(config.run, progress.step), *others])


if __name__ == "__main__":
    raise SystemExit(main())
