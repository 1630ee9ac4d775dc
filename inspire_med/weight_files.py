"""Weight files: tensors by name from a file that anybody may have written; nothing in it is run."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

from inspire_med.errors import InputError

_NESTED = ("state_dict", "model")  # where training scripts keep the weights among other things
_ROW = re.compile(r"(.+?)\.\d+\.")  # layer1 of layer1.2.conv1.weight


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file, or what `torch.save` wrote (.pth, .pt, .bin) of tensors alone.

    What a training script puts around them is taken off, as `weights_in` does.

    Raises:
        InputError: If the file is missing, or as `unreadable` says; or if it holds anything but
            tensors by name.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {what}; check the path.")
    if path.suffix == ".safetensors":
        try:
            content = load_file(path)
        except SafetensorError as error:
            raise unreadable(path, error) from None
    else:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a file from elsewhere can fail in any way
            raise unreadable(path, error) from None
    return _tensors_in(content, path)


def weights_in(checkpoint: Mapping[Any, Any]) -> dict[Any, Any]:
    """What a checkpoint holds as weights, by their own names.

    A dictionary under "state_dict" or "model" is taken in place of the one that holds it, and the
    `module.` that training in parallel puts before names is taken off.
    """
    within = (checkpoint[key] for key in _NESTED if isinstance(checkpoint.get(key), Mapping))
    weights = dict(next(within, checkpoint))
    if all(isinstance(name, str) for name in weights):
        consume_prefix_in_state_dict_if_present(weights, "module.")
    return weights


def further_layers(stored: Iterable[str], own: Collection[str]) -> list[str]:
    """The stored tensors of layers that a network has not, within rows of which it has some.

    A deeper network's file has all the layers of a shallower one, and more. A classifier's are in
    no row of the network's.

    Args:
        stored: Names in a file.
        own: Names of the network.
    """
    rows = {row[1] for name in own if (row := _ROW.match(name))}
    return [
        name for name in stored if name not in own and (row := _ROW.match(name)) and row[1] in rows
    ]


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
    """The tensors by name, and nothing else."""
    weights = weights_in(content) if isinstance(content, Mapping) else {}
    named = all(isinstance(name, str) for name in weights)
    if not (weights and named and all(isinstance(each, Tensor) for each in weights.values())):
        raise InputError(
            f"{path}: does not hold tensors by name; give a state dict, as "
            "`torch.save(network.state_dict(), FILE)` writes it."
        )
    return weights
