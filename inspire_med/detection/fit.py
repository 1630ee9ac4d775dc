"""Fit: whether a checkpoint is of a config's model."""

import copy
import re
from typing import Any

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from torch import Tensor

from inspire_med.errors import InputError
from inspire_med.weight_files import weights_in
from inspire_med.wording import listed


def check_fit(file: str, config: Config, *, whole: bool) -> None:
    """Build the config's model, load a checkpoint into it, and see what does not fit.

    Args:
        file: The checkpoint.
        config: The config.
        whole: Whether every weight must fit; else one of the backbone's does: a model to start
            from may have another head.

    Raises:
        InputError: If they are of different architectures; the first keys that differ are named.
    """
    stored = read_weights(file)
    model = MODELS.build(copy.deepcopy(config.model))  # detectors write into their config
    sizes: list[str] = []
    try:
        found = model.load_state_dict(stored, strict=False)
        missing, strange = found.missing_keys, found.unexpected_keys
    except RuntimeError as error:
        sizes = re.findall(r"size mismatch for (\S+):", str(error))
        missing = [key for key in model.state_dict() if key not in stored]
        strange = [key for key in stored if key not in model.state_dict()]
    missing = [key for key in missing if not is_counter(key)]
    own = model.state_dict()
    backbone = {key: value for key, value in own.items() if key.startswith("backbone.")}
    if (missing or strange or sizes) if whole else not fitting(stored, backbone or own):
        parts = [
            f"has no {listed(missing, 3)}" if missing else "",
            f"has {listed(strange, 3)}, which the config's model has not" if strange else "",
            f"has other sizes for {listed(sizes, 3)}" if sizes else "",
        ]
        what = "; ".join(filter(None, parts))
        raise InputError(f"{file}: of another architecture: it {what}; take its own config.")


def read_weights(file: str) -> dict[str, Any]:
    """Read the weights of a checkpoint.

    Raises:
        InputError: If the file is missing or damaged, or wants anything but numbers and text.
    """
    return weights_in(CheckpointLoader.load_checkpoint(file, map_location="cpu", logger="silent"))


def fitting(stored: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """Names of the weights that are in both, in the same size; counters tell nothing."""
    return [
        key
        for key, value in own.items()
        if not is_counter(key)
        and isinstance(stored.get(key), Tensor)
        and stored[key].shape == value.shape
    ]


def is_counter(name: str) -> bool:
    """Whether a tensor counts a batch norm's steps, which old files lack and nothing reads."""
    return name.endswith("num_batches_tracked")
