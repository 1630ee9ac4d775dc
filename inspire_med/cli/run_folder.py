"""Run folder: what it says of itself, and who may write into it.

`config.yaml` holds the options that the run was begun with and is written once. `run.json` holds a
record of each session; what a session was asked for otherwise stands there as "changed".
"""

import platform
import shlex
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from inspire_med.cases.planning.plan import Plan, plan_in_record
from inspire_med.config import TrainConfig, dotted, with_present_names
from inspire_med.errors import InputError
from inspire_med.files import read_json, read_yaml, write_json, write_text
from inspire_med.provenance import code_commit
from inspire_med.training.recipe import refuse_difference, refuse_other_recipe

if TYPE_CHECKING:
    from inspire_med.training.initial import Initial

_CONFIG, _RECORD = "config.yaml", "run.json"
_OF_THE_COMMAND = {"run", "resume"}
_OF_EVERY_FOLD = ("max_steps", "max_time", "validations", "precision")  # free in a run of one


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
    if occupied and not (config.run / _RECORD).is_file():
        raise InputError(f"{config.run}: holds something that is no run; choose another --run.")


def refuse_other_options(config: TrainConfig) -> None:
    """Go on with a run only by options that teach it what it was begun with.

    Raises:
        InputError: Names the first difference.
    """
    file = config.run / _CONFIG
    if (config.run / _RECORD).is_file() and file.is_file():
        refuse_other_recipe(config.run, file, options_in(file), config.to_json())


def refuse_unlike_folds(config: TrainConfig, manifest_hash: str, initial: "Initial | None") -> None:
    """Go on with a cross-validation only as it was begun: all of its folds are trained alike.

    Args:
        config: Its options.
        manifest_hash: Of the data set.
        initial: The model that a fold is still to begin with, if one is.

    Raises:
        InputError: Names the first difference.
    """
    file, record = config.run / _CONFIG, config.run / _RECORD
    if not record.is_file() or not file.is_file():
        return
    refuse_other_options(config)
    before = read_json(record)
    begun = before.get("manifest_hash")
    if begun != manifest_hash:
        raise InputError(
            f"{config.run}: trained on the data set {str(begun)[:12]}, but the manifest is "
            f"{manifest_hash[:12]}; use the same manifest or another --run."
        )
    others = before.get("init")
    if others is not None and initial is not None and initial.sha256 != others["sha256"]:
        raise InputError(
            f"--init: {config.init} is not the model any more that the folds of {config.run} began "
            f"with (sha256 {others['sha256'][:12]}); bring that back, or choose another "
            "--run."
        )
    written, asked = (
        {name: options.get(name) for name in _OF_EVERY_FOLD}
        for options in (options_in(file), config.to_json())
    )
    way_out = f"`inspire-med train --run {config.run}` alone goes on; or choose another --run"
    refuse_difference(file, written, asked, way_out)


def plan_of_run(run: Path) -> tuple[bool, Plan | None]:
    """Whether the folder holds a run that has begun, and the plan it was begun with."""
    record = run / _RECORD
    if not record.is_file():
        return False, None
    planned = read_json(record).get("planned")
    return True, None if planned is None else plan_in_record(planned, record)


def goes_on_by(run: Path) -> str:
    """How a run that was stopped goes on, in words."""
    return f"it goes on by: inspire-med train --run {shlex.quote(str(run))}"


def write_session(
    config: TrainConfig, manifest_hash: str, plan: Plan | None, say: Callable[[str], None]
) -> None:
    """Add this session to `run.json`, by which a folder is known as a run.

    The first session writes `config.yaml`.

    Args:
        config: The session's options.
        manifest_hash: Of the data set.
        plan: That the run goes by, which it keeps.
        say: Hears which options are not those of `config.yaml`.
    """
    from inspire_med.cli.machine import PACKAGES

    file, record = config.run / _CONFIG, config.run / _RECORD
    asked = config.to_json()
    begun = dotted(options_in(file) if file.exists() else asked)
    changed = {
        name: value
        for name, value in dotted(asked).items()
        if name not in _OF_THE_COMMAND and begun.get(name) != value
    }
    before = read_json(record) if record.exists() else {}
    sessions = before.get("sessions", [])
    planned = {} if plan is None else {"planned": plan.to_json()}
    sessions.append(
        {
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": sys.argv,
            "changed": changed,
            "commit": code_commit(),
            "versions": {name: version(name) for name in PACKAGES} | {"python": sys.version},
            "machine": {"node": platform.node(), "platform": platform.platform()},
        }
    )
    head = {"format": 1, "manifest_hash": manifest_hash, **planned, **_beginning(config, before)}
    write_json(record, {**head, "sessions": sessions})
    if not file.exists():
        write_text(file, yaml.safe_dump(asked, sort_keys=False))
    for name, value in changed.items():
        say(f"other than in {file}: {name} = {value}")


def _beginning(config: TrainConfig, before: Mapping[str, Any]) -> dict[str, Any]:
    """The model that a run begins with, or, by its record, has begun with.

    A cross-validation begins once, with the model of all folds.
    """
    from inspire_med.training.initial import initial_of

    kept = {"init": before["init"]} if "init" in before else {}
    if kept and config.fold == "each":
        return kept
    initial = initial_of(config)
    return kept if initial is None else {"init": initial.to_json()}


def last_options(run: Path) -> tuple[Path, dict[str, Any]] | None:
    """What a run was last asked for: its `config.yaml`, and what changed since, by dotted name.

    None if the folder is no run.
    """
    file, record = run / _CONFIG, run / _RECORD
    if not file.is_file():
        return None
    sessions = read_json(record)["sessions"] if record.is_file() else []
    changed: dict[str, Any] = {}
    for name, value in sessions[-1].get("changed", {}).items() if sessions else ():
        section, _, option = name.rpartition(".")
        (changed.setdefault(section, {}) if section else changed)[option] = value
    return file, dotted(with_present_names(changed))


def options_in(file: Path) -> dict[str, Any]:
    """The options in a run's `config.yaml`, by name, nested.

    Raises:
        InputError: If it holds something else.
    """
    options = read_yaml(file)
    if not isinstance(options, dict):
        raise InputError(f"{file}: does not hold a run's options; choose another --run.")
    return with_present_names(options)
