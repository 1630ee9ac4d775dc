"""Fit: whether the weights that a run is to start from are there, and are for its model."""

import copy
import re
from pathlib import Path
from typing import Any

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import Tensor

from inspire_med.detection.settings import sections, type_path
from inspire_med.errors import InputError
from inspire_med.wording import listed


def check_pretrained(model: Any) -> None:
    """Look into the local files that the parts of a model want to start from.

    Raises:
        InputError: If one is missing, or has nothing for its part.
    """
    files = [file for section in sections(model) if (file := _local_file(section))]
    for file in files:
        if not Path(file).expanduser().is_file():
            raise InputError(f"{file}: no such weights for init_cfg; check the path.")
    if not files:
        return
    built = MODELS.build(copy.deepcopy(model))  # detectors write into their config
    for part in built.modules():
        # Swin and PVT, for two, read the files of others by a way of their own.
        if isinstance(part, BaseModule) and type(part).init_weights is BaseModule.init_weights:
            for section in sections(part.init_cfg):
                _check_part(part, section)


def _local_file(section: dict[str, Any]) -> str | None:
    pretrained = type_path(section).endswith(("Pretrained", "PretrainedInit"))  # name, class
    file = section.get("checkpoint") if pretrained else None
    return file if file and "://" not in file else None


def _check_part(part: BaseModule, section: dict[str, Any]) -> None:
    file = _local_file(section)
    if file is None:
        return
    prefix = f"{section['prefix'].rstrip('.')}." if section.get("prefix") else ""
    stored = _read_weights(file)
    own = {f"{prefix}{key}": value for key, value in part.state_dict().items()}
    if not _fitting(stored, own):
        raise InputError(
            f"{file}: has nothing for the init_cfg of {type(part).__name__}: it has "
            f"{listed(list(stored), 3)}, not {listed(list(own), 3)}; take other weights or a "
            "prefix."
        )


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
    stored = _read_weights(file)
    model = MODELS.build(copy.deepcopy(config.model))  # detectors write into their config
    sizes: list[str] = []
    try:
        found = model.load_state_dict(stored, strict=False)
        missing, strange = found.missing_keys, found.unexpected_keys
    except RuntimeError as error:
        sizes = re.findall(r"size mismatch for (\S+):", str(error))
        missing = [key for key in model.state_dict() if key not in stored]
        strange = [key for key in stored if key not in model.state_dict()]
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    own = model.state_dict()
    backbone = {key: value for key, value in own.items() if key.startswith("backbone.")}
    if (missing or strange or sizes) if whole else not _fitting(stored, backbone or own):
        parts = [
            f"has no {listed(missing, 3)}" if missing else "",
            f"has {listed(strange, 3)}, which the config's model has not" if strange else "",
            f"has other sizes for {listed(sizes, 3)}" if sizes else "",
        ]
        what = "; ".join(filter(None, parts))
        raise InputError(f"{file}: of another architecture: it {what}; take its own config.")


def _read_weights(file: str) -> dict[str, Any]:
    checkpoint = CheckpointLoader.load_checkpoint(file, map_location="cpu", logger="silent")
    stored = checkpoint.get("state_dict", checkpoint)
    return {key.removeprefix("module."): value for key, value in stored.items()}


def _fitting(stored: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """Names of the weights that are in both, in the same size; counters tell nothing."""
    return [
        key
        for key, value in own.items()
        if not key.endswith("num_batches_tracked")
        and isinstance(stored.get(key), Tensor)
        and stored[key].shape == value.shape
    ]
