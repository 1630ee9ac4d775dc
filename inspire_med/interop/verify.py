"""Verify: is an export what was written, and does it answer here as it did there?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.inference.members import read_members
from inspire_med.inference.packed import unpacked
from inspire_med.interop.onnx import ask_onnx
from inspire_med.interop.seal import EXAMPLE, read_seal
from inspire_med.interop.torch_export import read_program

CLOSE = 1e-4  # most that a logit may differ, of the largest: other machines add in another order
_Array = NDArray[np.float32]


@dataclass(frozen=True)
class Verified:
    """What was found.

    Args:
        kind: Format of the export.
        differences: For each network, the most that a logit differs, of the largest among them.
    """

    kind: str
    differences: tuple[float, ...]


def verify(path: Path) -> Verified:
    """Check every file of an export, a folder or a .zip, and run its example again.

    Raises:
        InputError: If a file is missing, altered or not of the export, if its runtime is missing,
            or if it answers otherwise than where it was made.
    """
    if not path.exists():
        raise InputError(f"--verify: {path}: no such folder or .zip; check the path.")
    with unpacked([path]) as (folder,):
        kind = read_seal(folder)
        if kind not in _ANSWERS:
            raise InputError(f"{path}: of the unknown format {kind}; verify it where it was made.")
        image, expected = _example(folder)
        answers = _ANSWERS[kind](folder, image)
        differences = tuple(map(_apart, answers, expected))
    if len(differences) != len(expected) or not max(differences) <= CLOSE:  # NaN is neither
        raise InputError(
            f"{path}: answers otherwise here than where it was made (by {max(differences):.1g} of "
            "the largest logit); do not use it on this machine."
        )
    return Verified(kind, differences)


def _example(folder: Path) -> tuple[_Array, list[_Array]]:
    try:
        with np.load(folder / EXAMPLE, allow_pickle=False) as stored:
            names = [name for name in stored.files if name.startswith("logits")]
            return stored["image"], [stored[f"logits{number}"] for number in range(len(names))]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder / EXAMPLE}: not readable ({error}); export again.") from None


def _by_model(folder: Path, image: _Array) -> Iterator[_Array]:
    with torch.inference_mode():
        for member in read_members([folder]):
            yield member.network(torch.from_numpy(image)).numpy()


def _by_torch(folder: Path, image: _Array) -> Iterator[_Array]:
    for file in _numbered(folder, "pt2") or _of_bundle(folder):
        with torch.inference_mode():
            yield read_program(file).module()(torch.from_numpy(image)).numpy()


def _by_onnx(folder: Path, image: _Array) -> Iterator[_Array]:
    for file in _numbered(folder, "onnx"):
        yield ask_onnx(file, image)


def _numbered(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.glob(f"model*.{ending}"), key=lambda file: int(file.stem[5:]))


def _of_bundle(folder: Path) -> list[Path]:
    """In its order: model.pt2, model_1.pt2 and so on."""
    files = folder.glob("models/model*.pt2")
    return sorted(files, key=lambda file: int(file.stem[6:] or 0))


def _apart(answer: _Array, expected: _Array) -> float:
    return float(np.abs(answer - expected).max() / max(np.abs(expected).max(), 1))


_ANSWERS: dict[str, Callable[[Path, Any], Iterator[_Array]]] = {
    "model": _by_model,
    "torch": _by_torch,
    "onnx": _by_onnx,
    "bundle": _by_torch,
}
