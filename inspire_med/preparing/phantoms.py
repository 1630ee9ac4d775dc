"""Phantoms: made cases with known masks, and their manifest, or flaws and the list of them."""

import shutil
from pathlib import Path

from inspire_med.cases.phantom import abdomen
from inspire_med.cases.phantom.flaws import LIST, MadeSet, add_flaws, chosen
from inspire_med.cases.phantom.make import beside_phantoms, make_phantom, mark
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, refuse_existing
from inspire_med.preparing.data_set import index_set
from inspire_med.preparing.options import PrepareOptions
from inspire_med.preparing.plan import plan_set
from inspire_med.tasks.find import task_named
from inspire_med.wording import counted

# Sets that describe their task themselves: who makes one, and where in the folder it lies.
_DESCRIBED = {"nnunet": ("abdomen", abdomen.SET)}


def make_set(options: PrepareOptions, count: int) -> None:
    """Make `count` cases and a manifest, in a folder that appears whole.

    Raises:
        InputError: If the task has no maker, or the folder holds other things than phantoms or is
            not to be overwritten; also as `make_phantom` and `chosen`.
    """
    out = options.out
    refuse_existing(out, overwrite=options.overwrite)
    if out.is_file() or (out.is_dir() and beside_phantoms(out)):
        raise InputError(f"{out}: holds other things than phantoms; choose another --out.")
    maker, below = _maker(options.task)

    def clear() -> None:
        if out.is_dir():
            shutil.rmtree(out)

    with atomic_folder(out, before_commit=clear) as folder:
        seed, size = options.seed, options.phantom_size
        ids = make_phantom(maker, count, folder, seed=seed, size=size)
        source = folder / below
        made = MadeSet(maker, task_named(options.task, (source,)), folder, source, ids, seed, size)
        flaws = chosen(options.flaws, made.task, count)
        if flaws:
            add_flaws(made, flaws)
        mark(folder, maker, count, seed, size)
        if not flaws:
            index_set(options, (source,), folder.resolve()).save(folder / "manifest.json")
    if flaws:
        print(f"Written: {out / LIST} with {counted(len(flaws), 'flaw')}, and no manifest:")
        print(f"prepare --source {out / below} is to find them.")
        return
    print(f"Written: {out / 'manifest.json'}")
    if options.plan is not None:
        plan_set(out / "manifest.json", options.plan)


def _maker(word: str) -> tuple[str, Path]:
    """The maker of what a word of --task stands for, and where below --out its set lies."""
    if word in _DESCRIBED:
        maker, below = _DESCRIBED[word]
        return maker, Path(below)
    task = task_named(word)
    if task.phantom is None:
        raise InputError(f"--phantom: there is no maker of {task.name} cases; give --source.")
    return task.phantom, Path()
