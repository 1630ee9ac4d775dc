"""Command: train one experiment (`python -m inspire_med.train --task isles ...`)."""

import platform
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING

import yaml
from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.options import training_config, training_parser, with_own_config
from inspire_med.cli.parser import CommandParser
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import read_json, remove_half_written, write_json, write_text
from inspire_med.provenance import code_commit

if TYPE_CHECKING:
    from inspire_med.cases.manifest import Manifest
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
    words = with_own_config(words)
    parser = training_parser(words)
    return run_command(parser, lambda options: _train(parser, options), words)


def _train(parser: CommandParser, options: Namespace) -> int:
    config = training_config(parser, options)

    from inspire_med.training.experiment import check_request
    from inspire_med.training.launch import find_launcher
    from inspire_med.training.ranks import LOST, AgreedError, is_lost_rank
    from inspire_med.training.stopping import STOPPED, Signals, locked

    launcher = find_launcher(config.devices)
    world = launcher.here * launcher.machines
    with ExitStack() as held:
        try:
            manifest = check_request(config, world)
            config = replace(config, task=manifest.task.name)
            if launcher.rank == 0:
                refuse_foreign_folder(config)
                held.enter_context(locked(config.run))
            signals = held.enter_context(Signals())
            experiment = _build(config, manifest, launcher)
        except InputError:
            if launcher.local_rank:
                return 2  # every rank of a machine finds the same fault, and the first one says it
            raise
        try:
            progress = _run(experiment, signals)
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


def _build(config: TrainConfig, manifest: "Manifest", launcher: "Launcher") -> "Experiment":
    from inspire_med.inference.allocator import keep_freed_memory
    from inspire_med.training.experiment import build_experiment

    keep_freed_memory()
    hears = say if launcher.rank == 0 else lambda _: None
    return build_experiment(config, manifest, launcher, hears)


def _run(experiment: "Experiment", signals: "Signals") -> "Progress":
    from inspire_med.training.experiment import prepare_cases
    from inspire_med.training.log import Log
    from inspire_med.training.loop import train
    from inspire_med.training.ranks import leave
    from inspire_med.training.stopping import SignalledError

    config, main = experiment.config, experiment.fabric.is_global_zero
    if main:
        for folder in (config.run, config.run / "checkpoints", config.run / "samples"):
            remove_half_written(folder)
        write_run_record(config, experiment.trained.manifest_hash)
    try:
        prepare_cases(experiment, signals)
    except SignalledError:
        if main:
            say(f"stopped by a signal while cases were prepared; those in {config.store} remain")
        return replace(experiment.progress, signalled=True)
    with _run_log(config, experiment.progress) if main else Log() as log:
        progress = train(experiment, log, signals)
    leave()
    if main:
        ended = "done:" if experiment.spent() >= 1 else "stopped after"
        how = "stopped by a signal after" if progress.signalled else ended
        minutes = progress.elapsed_s / 60
        say(f"{how} {progress.step} steps in {minutes:.1f} min; results in {config.run}")
    return progress


def _run_log(config: TrainConfig, progress: "Progress") -> "Log":
    from inspire_med.training.log import RunLog
    from inspire_med.training.trackers import TRACKERS, TensorBoard

    others = [TRACKERS[name](config.run, config.to_json()) for name in config.track]
    return RunLog(config.run, progress, [TensorBoard(config.run, progress.step), *others])


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


def refuse_foreign_folder(config: TrainConfig) -> None:
    """Write neither into a folder that is no run, nor into a run that is not to be resumed.

    Raises:
        InputError: If it is one of these.
    """
    files = [file.name for file in config.run.iterdir()] if config.run.is_dir() else []
    # What a run leaves that ended before it could write its record.
    begun = [name for name in files if name in ("lock", "lost") or name.startswith(".tmp-")]
    occupied = config.run.is_file() or len(files) > len(begun)
    if occupied and config.resume == "never":
        raise InputError(
            f"{config.run}: exists already; choose another --run, or go on with --resume auto."
        )
    if occupied and not (config.run / "run.json").is_file():
        raise InputError(f"{config.run}: holds something that is no run; choose another --run.")


def write_run_record(config: TrainConfig, manifest_hash: str) -> None:
    """Add this session to `run.json`, by which a folder is known as a run; write `config.yaml`."""
    from inspire_med.cli.machine import PACKAGES

    record = config.run / "run.json"
    sessions = read_json(record)["sessions"] if record.exists() else []
    sessions.append(
        {
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": sys.argv,
            "commit": code_commit(),
            "versions": {name: version(name) for name in PACKAGES} | {"python": sys.version},
            "machine": {"node": platform.node(), "platform": platform.platform()},
        }
    )
    write_json(record, {"format": 1, "manifest_hash": manifest_hash, "sessions": sessions})
    write_text(config.run / "config.yaml", yaml.safe_dump(config.to_json(), sort_keys=False))


if __name__ == "__main__":
    raise SystemExit(main())
