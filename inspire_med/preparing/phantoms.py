"""Phantoms: made cases with known masks, and their manifest."""

import shutil

from inspire_med.cases.phantom.make import beside_phantoms, make_phantom
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, refuse_existing
from inspire_med.preparing.data_set import index_set
from inspire_med.preparing.options import PrepareOptions
from inspire_med.tasks.find import task_named


def make_set(options: PrepareOptions, count: int) -> None:
    """Make `count` cases and a manifest, in a folder that appears whole.

    Raises:
        InputError: If the folder holds other things than phantoms, or is not to be overwritten.
    """
    out = options.out
    refuse_existing(out, overwrite=options.overwrite)
    if out.is_file() or (out.is_dir() and beside_phantoms(out)):
        raise InputError(f"{out}: holds other things than phantoms; choose another --out.")

    def clear() -> None:
        if out.is_dir():
            shutil.rmtree(out)

    with atomic_folder(out, before_commit=clear) as folder:
        make_phantom(task_named(options.task), count, folder, seed=options.seed)
        manifest = index_set(options, (folder,), folder.resolve())
        manifest.save(folder / "manifest.json")
    print(f"Written: {out / 'manifest.json'}")
