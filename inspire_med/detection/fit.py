"""Fit: whether the weights that a run is to start from are there, and are for its model."""

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from inspire_med.detection.settings import sections
from inspire_med.errors import InputError


def check_pretrained(model: Any) -> None:
    """Look for the local files that the parts of a model want to start from.

    Raises:
        InputError: If one is missing.
    """
    for section in sections(model):
        file = section.get("checkpoint") if section.get("type") == "Pretrained" else None
        if file and "://" not in file and not Path(file).expanduser().is_file():
            raise InputError(f"{file}: no such weights for init_cfg; check the path.")


def check_fit(file: str, config: Config, *, whole: bool) -> None:
    """Build the config's model, load a checkpoint into it, and see what does not fit.

    Args:
        file: The checkpoint.
        config: The config.
        whole: Whether every weight must fit; else one does: a model to start from may have another
            head.

    Raises:
        InputError: If they are of different architectures; the first keys that differ are named.
    """
    checkpoint = CheckpointLoader.load_checkpoint(file, map_location="cpu")
    stored = checkpoint.get("state_dict", checkpoint)
    stored = {key.removeprefix("module."): value for key, value in stored.items()}
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
    fitting = len(stored) - len(strange) - len(sizes)
    if (missing or strange or sizes) if whole else not fitting:
        parts = [
            f"has no {_first(missing)}" if missing else "",
            f"has {_first(strange)}, which the config's model has not" if strange else "",
            f"has other sizes for {_first(sizes)}" if sizes else "",
        ]
        what = "; ".join(filter(None, parts))
        raise InputError(f"{file}: of another architecture: it {what}; take its own config.")


def _first(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return ", ".join(keys[:3]) + more
