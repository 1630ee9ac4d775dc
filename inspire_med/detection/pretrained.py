"""Pretrained: whether the weights that the parts of a model start from are there, and are theirs.

mmengine loads what fits by name and size, and warns of the rest in its log: a ResNet-50 would start
from a ResNet-18's first layers, and few would see it.
"""

import copy
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from inspire_med.detection.fit import fitting, is_counter, read_weights
from inspire_med.detection.settings import sections, type_path
from inspire_med.errors import InputError
from inspire_med.imaging.normalisation import LITE, TORCHVISION
from inspire_med.weight_files import further_layers
from inspire_med.wording import listed

_PICTURES = {"torchvision": TORCHVISION, "imagenet": LITE}  # by the scheme of a checkpoint's name


def check_pretrained(model: Any) -> list[str]:
    """Hold the weights that the parts of a model want to start from against those parts.

    Names of model zoos and addresses are fetched for it, once. What a file has beyond its part, a
    classifier's head, is left; what the part has beyond the file (offsets of deformable
    convolutions, norms of its outputs) starts at random. Parts that read the files of others by a
    way of their own (Swin, PVT) are only asked whether a local one is there.

    Args:
        model: The config of a detector.

    Returns:
        What is no fault but should be known.

    Raises:
        InputError: If a file is missing or cannot be read or fetched, has nothing for its part, or
            is of another backbone; the first tensor that differs is named.
    """
    files = [file for section in sections(model) if (file := _checkpoint(section))]
    for file in files:
        if "://" not in file and not Path(file).expanduser().is_file():
            raise InputError(f"{file}: no such weights for init_cfg; check the path.")
    if not files:
        return []
    built = MODELS.build(copy.deepcopy(model))  # detectors write into their config
    return [
        note
        for part in built.modules()
        if isinstance(part, BaseModule) and type(part).init_weights is BaseModule.init_weights
        for section in sections(part.init_cfg)
        if (file := _checkpoint(section))
        for note in _check_part(part, file, section.get("prefix"))
    ]


def note_random_backbone(model: Any) -> list[str]:
    """Tell of a backbone that starts from random weights, and whether some of them stay so.

    Args:
        model: The config of a detector.
    """
    settings = model.get("backbone")
    if settings is None or any(map(_checkpoint, sections(settings))):
        return []
    backbone = MODELS.build(copy.deepcopy(settings))
    backbone = getattr(backbone, "backbone", backbone)  # of a feedback
    backbone.train()
    stay = ""
    if any(map(_is_frozen, backbone.modules())):
        free = {"frozen_stages": -1, "norm_eval": False}
        own = [f"{name}={value}" for name, value in free.items() if hasattr(backbone, name)]
        stay = f", some for good: set its {' and '.join(own)}" if own else ", some for good"
    return [
        f"the backbone, {type(backbone).__name__}, has random weights, as its init_cfg names no "
        f"checkpoint{stay}"
    ]


def note_other_pictures(model: Any) -> list[str]:
    """Tell of weights that are to see other pictures than those that they were made with.

    Args:
        model: The config of a detector.
    """
    given = model.get("data_preprocessor") or {}
    if given.get("mean") is None:  # the pipeline's affair, or nobody's
        return []
    files = {_checkpoint(section) or "" for section in sections(model.get("backbone"))}
    made = {file: _PICTURES.get(file.partition("://")[0]) for file in sorted(files)}
    return [
        f"{file} was made with pictures of mean={list(known.mean)}, std={list(known.sd)}, "
        "bgr_to_rgb=True, and model.data_preprocessor makes others; see whether it should"
        for file, known in made.items()
        if known is not None
        and not (
            np.allclose((given["mean"], given["std"]), (known.mean, known.sd))
            and given.get("bgr_to_rgb")
        )
    ]


def _checkpoint(section: dict[str, Any]) -> str | None:
    """The file or name that a section's part starts from: in `init_cfg`, or mmdet's older way."""
    if type_path(section).endswith(("Pretrained", "PretrainedInit")):  # name, class
        return section.get("checkpoint")
    return section.get("pretrained") if isinstance(section.get("pretrained"), str) else None


def _is_frozen(module: nn.Module) -> bool:
    """Whether training leaves a module's own weights or statistics as they are."""
    still = isinstance(module, _BatchNorm) and not module.training
    return still or any(not weight.requires_grad for weight in module.parameters(recurse=False))


def _check_part(part: BaseModule, file: str, prefix: str | None) -> list[str]:
    """Compare the weights of a part with those that are stored for it."""
    kind = type(part).__name__
    head = f"{prefix.rstrip('.')}." if prefix else ""
    taken = getattr(part, "weight_names", {})  # of a part that takes weights by other names too
    named = {f"{head}{other}": f"{head}{name}" for name, other in taken.items()}
    stored = {named.get(name, name): value for name, value in read_weights(file).items()}
    own = {f"{head}{name}": value for name, value in part.state_dict().items()}
    if not fitting(stored, own):
        raise InputError(
            f"{file}: has nothing for the init_cfg of {kind}: it has {listed(list(stored), 3)}, "
            f"not {listed(list(own), 3)}; take other weights or a prefix."
        )
    difference = _first_difference(stored, own)
    if difference is not None:
        raise InputError(
            f"{file}: is of another backbone than this {kind}: it has {difference}; take the "
            "weights of this one."
        )
    missing = [name for name in own if name not in stored and not is_counter(name)]
    return [f"{file}: has no {listed(missing, 3)}; the {kind}'s start at random"] * bool(missing)


def _first_difference(stored: Mapping[str, Any], own: Mapping[str, Tensor]) -> str | None:
    """Find a tensor of another size, or else a row of blocks that is another."""
    for name, value in own.items():
        found = stored.get(name)
        if isinstance(found, Tensor) and found.shape != value.shape:
            return f"{name} of shape {tuple(found.shape)}, not {tuple(value.shape)}"
    for name in _missing_blocks(own, stored):
        return f"no {name}"
    for name in further_layers(stored, own):
        return f"{name}, which this has not"
    return None


def _missing_blocks(own: Iterable[str], stored: Iterable[str]) -> list[str]:
    """The own names in numbered blocks that come after the last of the same row that is stored."""
    known = {place for name in stored for place in _places(name)}
    firsts = {name: next((p for p in _places(name) if p not in known), "") for name in own}
    return [name for name, first in firsts.items() if first.rpartition(".")[2].isdigit()]


def _places(name: str) -> Iterable[str]:
    """`a`, `a.b` and `a.b.c` of `a.b.c`."""
    return accumulate(name.split("."), "{}.{}".format)
