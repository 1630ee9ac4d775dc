"""Command: train one experiment (`python -m inspire_med.train --task isles ...`)."""

import argparse
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace

from inspire_med.command import CommandParser, run_command
from inspire_med.config import TASKS, Task, TrainConfig, task_defaults, with_paths_resolved
from inspire_med.errors import InputError
from inspire_med.files import atomic_path, read_json, write_json

_PACKAGES = ("inspire-med", "torch", "monai", "lightning-fabric", "numpy", "nibabel", "SimpleITK")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, train, and answer with the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = CommandParser(prog="inspire-med train", description="Train one experiment.")
    parser.add_argument("--config", action="config", help="YAML file with any of these options")
    parser.add_class_arguments(TrainConfig, as_group=False)
    task = _task(words)
    if task is not None:
        parser.set_defaults(task_defaults(task))
    return run_command(parser, lambda options: _train(parser, options), words)


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


def _train(parser: CommandParser, options: Namespace) -> None:
    values = vars(parser.instantiate(options))
    values.pop("config", None)
    config = with_paths_resolved(TrainConfig(**values))
    refuse_foreign_folder(config)

    import torch

    from inspire_med.inference.allocator import keep_freed_memory
    from inspire_med.training.experiment import build_experiment, prepare_cases
    from inspire_med.training.loop import train

    keep_freed_memory()
    if config.threads:
        torch.set_num_threads(config.threads)
    experiment = build_experiment(config, say)
    write_run_record(config, experiment.trained.manifest_hash)
    prepare_cases(experiment)
    progress = train(experiment)
    say(f"{progress.step} steps in {progress.elapsed_s / 60:.1f} min; results in {config.run}")


def refuse_foreign_folder(config: TrainConfig) -> None:
    """Write neither into a folder that is no run, nor into a run that is not to be resumed.

    Raises:
        InputError: If it is one of these.
    """
    occupied = config.run.is_file() or (config.run.is_dir() and any(config.run.iterdir()))
    if occupied and config.resume == "never":
        raise InputError(
            f"{config.run}: exists already; choose another --run, or go on with --resume auto."
        )
    if occupied and not (config.run / "run.json").is_file():
        raise InputError(f"{config.run}: holds something that is no run; choose another --run.")


def write_run_record(config: TrainConfig, manifest_hash: str) -> None:
    """Write `config.yaml` and add this session to `run.json`."""
    config.run.mkdir(parents=True, exist_ok=True)
    with atomic_path(config.run / "config.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(_plain(asdict(config)), sort_keys=False))
    record = config.run / "run.json"
    sessions = read_json(record)["sessions"] if record.exists() else []
    sessions.append(
        {
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": sys.argv,
            "commit": _git_commit(),
            "versions": {name: version(name) for name in _PACKAGES} | {"python": sys.version},
            "machine": {"node": platform.node(), "platform": platform.platform()},
        }
    )
    write_json(record, {"format": 1, "manifest_hash": manifest_hash, "sessions": sessions})


def _task(words: Sequence[str]) -> Task | None:
    """The task named on the command line, or in the file given by --config."""
    scan = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    scan.add_argument("--task")
    scan.add_argument("--config", type=Path)
    try:
        found, _ = scan.parse_known_args(words)
    except argparse.ArgumentError:
        return None  # the real parser says what is wrong
    task = found.task
    if task is None and found.config is not None and found.config.is_file():
        try:
            content = yaml.safe_load(found.config.read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return None
        task = content.get("task") if isinstance(content, dict) else None
    return task if task in TASKS else None


def _plain(value: Any) -> Any:
    """The same value in YAML's own types."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _git_commit() -> str | None:
    """Commit of the code, with `+` if the work tree differs; None outside a repository."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
