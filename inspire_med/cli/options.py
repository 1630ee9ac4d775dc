"""Options: the words of a command line made into the Config of a training run."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

import yaml
from jsonargparse import Namespace

from inspire_med.cli.parser import CommandParser
from inspire_med.config import TASKS, Task, TrainConfig, task_defaults, with_paths_resolved


def training_parser(words: Sequence[str]) -> CommandParser:
    """The parser of `train`, with the defaults of the task that the words name."""
    parser = CommandParser(prog="inspire-med train", description="Train one experiment.")
    add_training_options(parser, words)
    return parser


def add_training_options(
    parser: CommandParser, words: Sequence[str], *, without: Collection[str] = ()
) -> None:
    """Give a parser the options of a training, with the defaults of the task that the words name.

    Args:
        parser: Gets them.
        words: The command line.
        without: Names of those it is not to have.
    """
    parser.add_argument("--config", action="config", help="YAML file with any of these options")
    parser.add_class_arguments(TrainConfig, as_group=False, skip=set(without))
    task = _task(words)
    if task is not None:
        parser.set_defaults(task_defaults(task))


def training_config(parser: CommandParser, options: Namespace) -> TrainConfig:
    """What the parser found, with absolute paths."""
    values = vars(parser.instantiate(options))
    values.pop("config", None)
    return with_paths_resolved(TrainConfig(**values))


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
