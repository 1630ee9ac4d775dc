"""Options: the words of a command line made into the Config of a training run."""

import argparse
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace

from inspire_med.cases.manifest import Manifest
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.run_folder import last_options
from inspire_med.config import (
    TrainConfig,
    dotted,
    with_paths_resolved,
    with_present_names,
)
from inspire_med.errors import InputError
from inspire_med.files import read_yaml
from inspire_med.tasks.find import task_named
from inspire_med.tasks.presets import PRESETS, TRAINING
from inspire_med.tasks.task import Task


class RunParser(CommandParser):
    """A parser that reads the file of options of a run of an older version too."""

    def parse_string(self, content: str, *args: Any, **kwargs: Any) -> Namespace:
        """Read a file's options by their present names."""
        options = yaml.safe_load(content)
        present = with_present_names(options) if isinstance(options, dict) else options
        if present != options:
            content = yaml.safe_dump(present, sort_keys=False)
        return super().parse_string(content, *args, **kwargs)


def training_parser(words: Sequence[str]) -> CommandParser:
    """The parser of `train`, with the defaults of the task that the words name."""
    parser = RunParser(prog="inspire-med train", description="Train one experiment.")
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
        with suppress(InputError):  # said by `prepare`, or where the manifest's task is compared
            refuse_odd_training(task)
            parser.set_defaults(task_defaults(task))
    initial = _stated(words)["init"]
    if isinstance(initial, str):
        with suppress(InputError):  # said where the model is read
            parser.set_defaults(network_of_model(Path(initial)))


def refuse_odd_training(task: Task) -> None:
    """Read a task's own options of `train` as a command line would be.

    Raises:
        InputError: If one of them is unknown or of another type.
    """
    try:
        _read_as_words(dotted(with_present_names(task.training)))
    except InputError as error:
        raise InputError(f"task {task.name}: field training: {error}") from None


def typed_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `train` by their dotted names, with the types they have in a Config.

    Raises:
        InputError: If one of them is unknown or of another type.
    """
    config = _read_as_words(options)
    return {name: attrgetter(name)(config) for name in options}


def task_defaults(task: Task) -> dict[str, Any]:
    """The options that a task changes, by their dotted names."""
    preparation = task.preparation
    sizes = {"data.image_size": preparation.image_size, "data.spacing_mm": preparation.spacing_mm}
    network = {name: each for name, each in PRESETS[task.network].items() if name != "spatial_dims"}
    return {
        "task": task.name,
        "data.image_size": None,
        "data.spacing_mm": None,
        **dotted(TRAINING[task.network]),
        **{name: size for name, size in sizes.items() if size is not None},
        **dotted({"network": network}),
        **dotted(with_present_names(task.training)),
    }


def network_of_model(place: Path) -> dict[str, Any]:
    """The options that give a run the network of the model that it begins with, dotted.

    Raises:
        InputError: If there is no such model.
    """
    from inspire_med.training.initial import network_options  # takes torch, a second

    return network_options(place)


def with_own_config(words: Sequence[str]) -> list[str]:
    """Let `--run DIR` alone go on with a run: its own options come before the words.

    Raises:
        InputError: If there is nothing to go on with, or the run's files cannot be read.
    """
    found = _scanned(words)
    if found["run"] is None or found["manifest"] is not None or found["config"] is not None:
        return list(words)
    own = words_of_run(Path(found["run"]))
    only_asks = any(word in ("-h", "--help") or word.startswith("--print_config") for word in words)
    if not own and not only_asks:
        raise InputError(
            f"option --run: {found['run']} is no run to go on with; check the path, or give "
            "--manifest to begin one there."
        )
    return [*own, *words]


def words_of_run(run: Path) -> list[str]:
    """The command line that goes on as a run was last asked for; empty if it is no run."""
    last = last_options(run)
    if last is None:
        return []
    config, changed = last
    again = ["--config", str(config), "--resume", "auto"]  # what it forbade at first, too
    return [*again, *(f"--{name}={_written(changed[name])}" for name in changed)]


def training_config(parser: CommandParser, options: Namespace) -> TrainConfig:
    """What the parser found, with absolute paths."""
    values = vars(parser.instantiate(options))
    values.pop("config", None)
    return with_paths_resolved(TrainConfig(**values))


def _read_as_words(options: Mapping[str, Any]) -> TrainConfig:
    """A training with these options, by their dotted names, as a command line would be read."""
    parser = CommandParser(prog="inspire-med train")
    parser.add_class_arguments(TrainConfig, as_group=False)
    given = {"manifest": "m", "run": "r", **options}
    words = [f"--{name}={_written(value)}" for name, value in given.items()]
    return training_config(parser, parser.parse_args(words))


def _task(words: Sequence[str]) -> Task | None:
    """The task that the command line, or the file given by --config, names or has a manifest of."""
    stated = _stated(words)
    finders: dict[str, Callable[[str], Task]] = {
        "manifest": lambda path: Manifest.load(path).task,  # maybe an edition of the task
        "task": task_named,
    }
    for name, find in finders.items():
        word = stated[name]
        if isinstance(word, str):
            with suppress(InputError):  # said where the option is read
                return find(word)
    return None


def _stated(words: Sequence[str]) -> dict[str, Any]:
    """Options that decide on others' defaults, by the words or else by the file of --config."""
    found = _scanned(words)
    content: Any = None
    if found["config"] is not None:
        with suppress(InputError):  # said where the option is read
            content = read_yaml(Path(found["config"]))
    stated = content if isinstance(content, dict) else {}
    return {name: word or stated.get(name) for name, word in found.items()}


def _scanned(words: Sequence[str]) -> dict[str, str | None]:
    """The options that decide on the others' defaults, before the real parser sees the words."""
    scan = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    names = ("task", "manifest", "config", "run", "init")
    for name in names:
        scan.add_argument(f"--{name}")
    try:
        return vars(scan.parse_known_args(words)[0])
    except argparse.ArgumentError:
        return dict.fromkeys(names)  # the real parser says what is wrong


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
