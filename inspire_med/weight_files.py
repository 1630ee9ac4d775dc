"""Weight files: tensors by name from a file that anybody may have written; nothing in it is run."""

import pickle
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
        InputError: If the file is missing or unreadable, or holds anything but tensors by name. It
            is not loaded then: unpickling runs whatever the file asks for.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path.")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: not a readable safetensors file ({error}).") from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path}: holds more than plain tensors, which could run code, and is not loaded; "
            "convert it to safetensors where it comes from."
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: not a readable file of weights ({first}).") from None
    return _tensors_in(content, path)


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
