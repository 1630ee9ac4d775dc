"""Make: the phantom data set of a task, written as the real one is released."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from inspire_med.data.layouts.recognise import task_named
from inspire_med.data.phantom import brats, isles, polyp
from inspire_med.errors import InputError
from inspire_med.files import write_json

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
    write_json(folder / MARKER, {"task": task, "cases": count, "seed": seed})
    for number in range(count):
        _WRITERS[task](folder, number, np.random.default_rng([seed, number]))
