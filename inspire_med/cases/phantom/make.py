"""Make: the phantom data set of a task, written as the real one is released."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from inspire_med.cases.layouts.recognise import task_named
from inspire_med.cases.phantom import brats, isles, polyp
from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json

MARKER = "phantom.json"  # tells made data from real data
Writer = Callable[[Path, int, np.random.Generator], None]
_WRITERS: dict[str, Writer] = {
    "brats": brats.write_case,
    "isles": isles.write_case,
    "polyp": polyp.write_case,
}


def make_phantom(task: str, count: int, folder: Path, *, seed: int) -> None:
    """Write `count` cases below `folder`; case i is a pure function of (seed, i).

    Raises:
        InputError: If the task is unknown or `count` is below one.
    """
    task_named(task)
    if count < 1:
        raise InputError(f"--phantom {count}: not a number of cases; give 1 or more.")
    for number in range(count):
        _WRITERS[task](folder, number, np.random.default_rng([seed, number]))
    made = sorted(path.name for path in folder.iterdir())
    write_json(folder / MARKER, {"task": task, "cases": count, "seed": seed, "made": made})


def beside_phantoms(folder: Path) -> list[str]:
    """What lies in a folder beside made data, their manifest and their store."""
    known: set[str] = {MARKER, "manifest.json", "store"}
    if (folder / MARKER).is_file():
        known |= set(read_json(folder / MARKER).get("made", []))
    return sorted(path.name for path in folder.iterdir() if path.name not in known)
