"""Weights: checkpoint files, read so that none can run code.

A `.pth` file is a pickle. mmengine reads it with torch's restricted unpickler, but allows `getattr`
there, falls back to the unrestricted one for what that refuses, and when it resumes it runs the
text under `meta.config` as a program. Here nothing of that is possible.
"""

from pathlib import Path
from typing import Any

import mmengine
import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_external_models, get_mmcls_models
from safetensors.torch import load_file

from inspire_med.errors import InputError
from inspire_med.files import sha256
from inspire_med.weight_files import unreadable, weights_in


def guard_loading() -> None:
    """Make mmengine read all checkpoints (`load_from`, `--resume`, `init_cfg`) by these functions.

    Names of the model zoos are fetched as mmengine does; torchvision itself is not needed for its
    own. What needs another client (s3, petrel, pavi) is refused.
    """
    schemes = {
        ("",): load_from_file,
        ("http://", "https://"): load_from_http,
        ("torchvision://", "modelzoo://"): load_from_torchvision,
        ("open-mmlab://", "openmmlab://"): load_from_openmmlab,
        ("mmcls://",): load_from_mmcls,
        ("pavi://", r"(\S+\:)?s3://", r"(\S+\:)?petrel://"): load_from_store,
    }
    for prefixes, loader in schemes.items():
        CheckpointLoader.register_scheme(list(prefixes), loader, force=True)


def load_from_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Read a `.safetensors` file, or a checkpoint of mmengine's or torch's.

    Raises:
        InputError: If the file is missing or damaged, or wants anything but numbers and text.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such weights; check the path.")
    try:
        if path.suffix == ".safetensors":
            return {"state_dict": load_file(path, device=str(map_location or "cpu"))}
        with torch.serialization.safe_globals(_harmless()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
        return _cleaned(checkpoint)
    except OSError:
        raise
    except Exception as error:  # a file from elsewhere can fail in any way
        raise unreadable(path, error) from error


def load_from_http(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Fetch a checkpoint, once, into torch's own cache, and read it.

    Raises:
        InputError: If it cannot be fetched or read.
    """
    return load_from_file(str(_fetched(filename)), map_location)


def _fetched(filename: str) -> Path:
    """The file of an address, in torch's own cache."""
    cached = Path(torch.hub.get_dir()) / "checkpoints" / filename.rpartition("/")[2]
    if not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(filename, str(cached), progress=False)
        except OSError as error:
            raise InputError(
                f"{filename}: cannot be fetched ({error}); fetch it elsewhere and name the file by "
                f"init_cfg.checkpoint or put it at {cached}, or train from random weights "
                "(init_cfg=None)."
            ) from error
    return cached


def load_from_torchvision(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Read `torchvision://resnet50`: the weights that name stands for in mmengine's own table.

    Raises:
        InputError: If the name is unknown, or its file cannot be fetched or is not that file.
    """
    table = mmengine.load(Path(mmengine.__file__).parent / "hub" / "torchvision_0.12.json")
    file = _fetched(_address(filename, table))
    _check_digest(file)
    return load_from_file(str(file), map_location)


def load_from_openmmlab(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Read `open-mmlab://msra/hrnetv2_w18` and its like.

    Raises:
        InputError: If the name is unknown, or its file cannot be fetched.
    """
    return load_from_http(_address(filename, get_external_models()), map_location)


def load_from_mmcls(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Read the backbone of `mmcls://resnet50_v1d` and its like: a classifier without its head.

    Raises:
        InputError: If the name is unknown, or its file cannot be fetched.
    """
    weights = weights_in(load_from_http(_address(filename, get_mmcls_models()), map_location))
    head = "backbone."
    return {
        "state_dict": {
            key.removeprefix(head): value for key, value in weights.items() if key.startswith(head)
        }
    }


def load_from_store(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Refuse what only another client could read.

    Raises:
        InputError: Always.
    """
    raise InputError(f"{filename}: only files and http addresses are read; fetch it first.")


def _address(filename: str, table: dict[str, str]) -> str:
    name = filename.partition("://")[2]
    if not table.get(name):
        raise InputError(f"{filename}: no such weights in mmengine's table; name a file instead.")
    return table[name]


def _check_digest(file: Path) -> None:
    """Refuse a file of torchvision's whose sha256 is not the one whose first digits it is named by.

    Raises:
        InputError: If it is another.
    """
    digits = file.stem.rpartition("-")[2]
    if not sha256(file).startswith(digits):
        raise InputError(
            f"{file}: its sha256 does not begin with {digits}, so it is damaged or another file; "
            "remove it, to have it fetched again."
        )


class _Buffer:
    """A `HistoryBuffer` as it is read: its numbers; `_cleaned` makes the real one of them."""


def _no_attribute(owner: Any, name: str) -> None:
    """Stand in for `getattr`, by which a buffer's pickle names methods that nothing needs."""


def _harmless() -> list[Any]:
    """What mmengine's own checkpoints want beyond tensors: numpy's numbers, and two stand-ins."""
    array, scalar = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    numpy_names = [
        (function, f"numpy.{core}.multiarray.{name}")  # numpy 1 and numpy 2 write different names
        for core in ("core", "_core")
        for name, function in (("_reconstruct", array), ("scalar", scalar))
    ]
    types = {type(np.dtype(code)) for code in "?bhilqBHILQefd"}
    return [
        *(np.ndarray, np.dtype, *types, *numpy_names),
        (_Buffer, "mmengine.logging.history_buffer.HistoryBuffer"),
        (_no_attribute, "builtins.getattr"),
    ]


def _cleaned(checkpoint: Any) -> dict[str, Any]:
    """Leave out the text that mmengine would run; make the histories whole again.

    The weights come under mmengine's own name, wherever a script has put them.
    """
    if not isinstance(checkpoint, dict):
        raise TypeError("it holds no dictionary of weights")
    if isinstance(checkpoint.get("meta"), dict):
        checkpoint["meta"].pop("config", None)
    histories = checkpoint.get("message_hub", {}).get("log_scalars", {})
    for name, value in histories.items():
        if isinstance(value, _Buffer):
            seen = vars(value)
            numbers = seen["_log_history"], seen["_count_history"], seen["max_length"]
            histories[name] = HistoryBuffer(*numbers)
    checkpoint["state_dict"] = weights_in(checkpoint)
    checkpoint.pop("model", None)
    return checkpoint
