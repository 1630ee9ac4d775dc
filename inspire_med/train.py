"""Command: train one experiment (`python -m inspire_med.train --task isles ...`)."""

import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from inspire_med.cli.command import refused, run_command
from inspire_med.cli.options import training_config, training_parser, with_own_config
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.planned import asked_options, by_plan, find_plan, known_plan
from inspire_med.cli.run_folder import (
    refuse_foreign_folder,
    refuse_other_options,
    refuse_unlike_folds,
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
_STOPPED_PLANNING = "stopped by a signal while the run was planned; the same command begins anew"


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
    train = _train_each_fold if config.fold == "each" else _train_one
    return train(parser, config, words)


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
            say(_STOPPED_PLANNING)
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


def _train_each_fold(parser: CommandParser, config: TrainConfig, words: Sequence[str]) -> int:
    """Train with each fold left out, one after the other, each in a process of its own.

    All go by one plan, made from all labelled cases: only networks that are alike predict together.
    """
    from inspire_med.comparing.cross_validation import CrossValidation, check, cross_validate
    from inspire_med.comparing.process import StoppedError
    from inspire_med.comparing.rules import rules_for
    from inspire_med.training.launch import find_launcher
    from inspire_med.training.request import check_request
    from inspire_med.training.stopping import STOPPED, SignalledError, Signals, locked

    outside, processes = find_launcher(), config.devices or 1
    if outside.here * outside.machines > 1:
        if outside.rank:
            return 2
        raise InputError(
            "option --fold: each starts every training itself, but torchrun or srun made several "
            "processes of this command; start it once, with --devices for several a training."
        )
    manifest = check_request(config, processes)
    config = replace(config, task=manifest.task.name)
    whole = CrossValidation(config, manifest, rules_for(manifest.task))
    check(whole)
    refuse_foreign_folder(config)
    asked = asked_options(parser, words, manifest.task)
    with locked(config.run), Signals() as signals:
        try:
            known, plan = known_plan(config, manifest, say)
            plan = plan if known else _made_plan(config, manifest, asked, processes)
            config = by_plan(config, plan, asked)
            check_request(config, processes)
            refuse_unlike_folds(config, manifest.hash)
            remove_half_written(config.run)
            _note_session(config, manifest.hash, plan)
            cross_validate(replace(whole, config=config), signals, say)
        except SignalledError:
            say(_STOPPED_PLANNING)
            return STOPPED
        except StoppedError:
            say(f"stopped by a signal; {_goes_on_by(config)}")
            return STOPPED
    return 0


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
    from inspire_med.training.request import check_request
    from inspire_med.training.stopping import Signals, locked

    world = launcher.here * launcher.machines
    manifest = check_request(config, world)
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
        plan = _made_plan(config, manifest, asked, world)
    return launch(launcher).broadcast(plan) if world > 1 else plan


def _made_plan(
    config: TrainConfig, manifest: "Manifest", asked: frozenset[str], processes: int
) -> "Plan | None":
    from inspire_med.training.stopping import ended_by_signals

    with ended_by_signals():
        return find_plan(config, manifest, asked, processes=processes, say=say)


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
        _note_session(config, experiment.trained.manifest_hash, plan)
    with _run_log(config, experiment.progress) if main else Log() as log:
        progress = train(experiment, log, signals)
    leave()
    if main:
        ended = "done:" if experiment.spent() >= 1 else "stopped after"
        how = "stopped by a signal after" if progress.signalled else ended
        minutes = progress.elapsed_s / 60
        say(f"{how} {progress.step} steps in {minutes:.1f} min; results in {config.run}")
        if experiment.spent() < 1:
            say(_goes_on_by(config))
    return progress


def _note_session(config: TrainConfig, manifest_hash: str, plan: "Plan | None") -> None:
    for name, value in write_session(config, manifest_hash, plan).items():
        say(f"other than in {config.run / 'config.yaml'}: {name} = {value}")


def _goes_on_by(config: TrainConfig) -> str:
    return f"it goes on by: inspire-med train --run {shlex.quote(str(config.run))}"


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


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
