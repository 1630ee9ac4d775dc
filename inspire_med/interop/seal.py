"""Seal: the list of an export's files, each with its sha256, and of what checks its answer."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from inspire_med.errors import InputError
from inspire_med.files import read_json, sha256, write_json
from inspire_med.interop.trained import Trained

SEAL = "export.json"
EXAMPLE = "example.npz"  # one image, and the logits of every member


def write_example(folder: Path, trained: Trained) -> None:
    """Write a made image of a patch's size, and what each network answers to it in 32 bits."""
    random = np.random.default_rng(0)
    shape = (1, len(trained.card.channels), *trained.card.patch_size)
    image = np.rint(4 * random.standard_normal(shape, dtype=np.float32)) / 4  # few values pack well
    held: dict[str, Any] = {"image": image}
    with torch.inference_mode():
        for number, member in enumerate(trained.members):
            logits = member.network.cpu().eval()(torch.from_numpy(image))
            held[f"logits{number}"] = logits.numpy()
    np.savez_compressed(folder / EXAMPLE, **held)


def write_seal(folder: Path, kind: str) -> None:
    """Write the list of all files; the last thing that is written."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    sums = {file.relative_to(folder).as_posix(): sha256(file) for file in files}
    write_json(folder / SEAL, {"format": 1, "kind": kind, "sha256": sums})


def read_seal(folder: Path) -> str:
    """Check every file of an export against its list, and answer with the export's format.

    Raises:
        InputError: If there is no list, or a file is missing, altered or not on it.
    """
    if not (folder / SEAL).is_file():
        raise InputError(f"{folder}: no export, as it has no {SEAL}; give what export has written.")
    content = read_json(folder / SEAL)
    try:
        if content["format"] != 1:
            raise KeyError("format")
        kind, sums = str(content["kind"]), dict(content["sha256"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / SEAL}: not what export writes ({error!r}); export the model again."
        ) from None
    there = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*")}
    files = {name for name, file in there.items() if not file.is_dir()} - {SEAL}
    for name in sorted(files ^ sums.keys()):
        what = "missing" if name in sums else "is not of the export"
        raise InputError(f"{folder / name}: {what}; take the whole export from where it was made.")
    for name, wanted in sums.items():
        if there[name].is_symlink() or sha256(there[name]) != wanted:
            raise InputError(
                f"{folder / name}: altered (its sha256 differs); take the whole export from where "
                "it was made."
            )
    return kind
