"""Make: the phantom data set of a task, written as the real one is released."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from inspire_med.cases.phantom import colon, glioma, stroke
from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json
from inspire_med.tasks.task import Task

MARKER = "phantom.json"  # tells made data from real data
Writer = Callable[[Path, int, np.random.Generator], None]
_WRITERS: dict[str, Writer] = {
    "glioma": glioma.write_case,
    "stroke": stroke.write_case,
    "colon": colon.write_case,
}


def make_phantom(task: Task, count: int, folder: Path, *, seed: int) -> None:
    """Write `count` cases below `folder`; case i is a pure function of (seed, i).

    Raises:
        InputError: If the task has no maker or `count` is below one.
    """
    if task.phantom is None:
        raise InputError(f"--phantom: there is no maker of {task.name} cases; give --source.")
    if count < 1:
        raise InputError(f"--phantom {count}: not a number of cases; give 1 or more.")
    for number in range(count):
        _WRITERS[task.phantom](folder, number, np.random.default_rng([seed, number]))
    made = sorted(path.name for path in folder.iterdir())
    write_json(folder / MARKER, {"task": task.name, "cases": count, "seed": seed, "made": made})


def beside_phantoms(folder: Path) -> list[str]:
    """What lies in a folder beside made data, their manifest and their store."""
    known: set[str] = {MARKER, "manifest.json", "store"}
    if (folder / MARKER).is_file():
        known |= set(read_json(folder / MARKER).get("made", []))
    return sorted(path.name for path in folder.iterdir() if path.name not in known)
