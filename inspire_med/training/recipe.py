"""Recipe: the options that decide on what is learned; a run keeps them from its first step on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspire_med.config import TrainConfig, dotted, with_present_names
from inspire_med.errors import InputError

# What a run may go on with otherwise. The data set is compared by its hash, the precision that was
# chosen by the checkpoint's card, a plan by the options that it stands for.
_FREE = frozenset(
    {
        *("manifest", "task", "run", "store", "store_limit", "only_prepare"),
        *("resume", "precision", "plan", "allow_leak"),
        *("max_steps", "max_time", "validations", "save_every", "save_every_steps"),
        *("max_nonfinite", "devices", "threads", "compile", "track"),
        *("data.workers", "network.recompute"),
    }
)


def recipe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Of all options of a run, by name, nested, those that decide on what is learned, dotted."""
    return {name: value for name, value in every_option(options).items() if name not in _FREE}


def every_option(options: Mapping[str, Any]) -> dict[str, Any]:
    """All options, dotted; one that an older version did not have yet has its default.

    Args:
        options: Those of a run or a comparison, by name, nested.
    """
    usual = TrainConfig(manifest=Path(), run=Path()).to_json()
    return dotted(usual) | dotted(with_present_names(options))


def refuse_other_recipe(
    run: Path, place: Path, written: Mapping[str, Any], asked: Mapping[str, Any]
) -> None:
    """Refuse to go on with a run by options that would teach it something else.

    Args:
        run: Its folder.
        place: File or folder that tells its options, for the message.
        written: All its options.
        asked: All options that are asked for.

    Raises:
        InputError: Names the first difference.
    """
    way_out = f"`inspire-med train --run {run}` alone goes on as it was; or choose another --run"
    refuse_difference(place, recipe(written), recipe(asked), way_out)


def refuse_difference(
    place: Path,
    written: Mapping[str, Any],
    asked: Mapping[str, Any],
    way_out: str = "use the same options or another --run",
) -> None:
    """Name the first thing in which what was trained is not what is asked for.

    Args:
        place: Where it lies, for the message.
        written: Options by name, nested, of what was trained; one that is not there is None.
        asked: Options of what is asked for.
        way_out: What to do, for the message.

    Raises:
        InputError: If there is one.
    """
    before, now = (dotted(json.loads(json.dumps(each))) for each in (written, asked))
    for name in {**now, **before}:
        if before.get(name) != now.get(name):
            raise InputError(
                f"{place}: was trained with {name} = {before.get(name)}, but {now.get(name)} is "
                f"asked for; {way_out}."
            )
