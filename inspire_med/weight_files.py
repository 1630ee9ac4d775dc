"""Weight files: tensors by name from a file that anybody may have written; nothing in it is run."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from inspire_med.errors import InputError

_NESTED = ("state_dict", "model")  # where training scripts keep the weights among other things


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file, or what `torch.save` wrote (.pth, .pt, .bin) of tensors alone.

    A dictionary under "state_dict" or "model" is taken in place of the one that holds it.

    Raises:
        InputError: If the file is missing, or as `unreadable` says; or if it holds anything but
            tensors by name.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {what}; check the path.")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise unreadable(path, error) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file from elsewhere can fail in any way
        raise unreadable(path, error) from None
    return _tensors_in(content, path)


def unreadable(path: Path, error: Exception) -> InputError:
    """Say why a file was not read; torch's own words would advise to load it without restriction.

    Unpickling runs whatever a file asks for, so torch names what that is and stops there.

    Args:
        path: The file.
        error: What `torch.load` with `weights_only=True`, or safetensors, raised.
    """
    wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
    if wanted is not None:
        return InputError(
            f"{path}: refused, because loading it would call {wanted[1]}, which may run code; "
            "save its weights as .safetensors or as a plain state dict."
        )
    return InputError(f"{path}: not a readable checkpoint, {_likeness(path)}.")


def _likeness(path: Path) -> str:
    """What a file is that is no checkpoint, and what to do."""
    with path.open("rb") as file:
        start = file.read(100).lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "but Git LFS's pointer to one; get the file itself by `git lfs pull`"
    if start.startswith((b"<!doctype html", b"<html")):
        return "but a web page; fetch the file that it offers"
    return "but damaged or of another kind; fetch it again"


def _tensors_in(content: Any, path: Path) -> dict[str, Tensor]:
    """The dictionary of tensors, itself or nested."""
    if isinstance(content, Mapping):
        content = next((content[key] for key in _NESTED if key in content), content)
    named = isinstance(content, Mapping) and all(isinstance(name, str) for name in content)
    if not named or not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError(
            f"{path}: does not hold tensors by name; give a state dict, as "
            "`torch.save(network.state_dict(), FILE)` writes it."
        )
    return dict(cast(Mapping[str, Tensor], content))
