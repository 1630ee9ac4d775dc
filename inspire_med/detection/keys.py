"""Keys: which names mean something in a config.

mmengine takes any key: a misspelt one changes nothing, and nobody is told. Here a key is known if
the config has it, if the class that its section names takes it, or if mmengine reads it there.
"""

import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mmdet.registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, LogProcessor, Runner, TestLoop
from torch.utils.data import DataLoader

from inspire_med.errors import InputError


def check_file(file: Path, config: Config) -> None:
    """Refuse a key of the file that nothing reads.

    At the top that is a name which is nearly, but not quite, one that the runner reads: others are
    the config's own business, it is a program with variables. Below, it is a key which the class
    of its section does not take, nor mmengine at its place; where neither is known, any passes.

    Raises:
        InputError: If there is such a key.
    """
    for name in sorted(set(config) - _TOP):
        guess = difflib.get_close_matches(name, _TOP - set(config), n=1, cutoff=0.9)
        if guess:
            raise InputError(f"{file}: nothing reads {name}; did you mean {guess[0]}?")
    for name in sorted(set(config) & _TOP):
        _check_section(str(file), config[name], name)


def _check_section(file: str, part: Any, place: str) -> None:
    if not isinstance(part, dict | list | tuple):
        return
    known = None
    if isinstance(part, dict):
        readers = _readers(place, part.get("type"))
        known = _union(readers) if readers else None
    for step, inner in part.items() if isinstance(part, dict) else enumerate(part):
        if known is not None and step not in known:
            raise _unknown(file, place, step, known)
        _check_section(file, inner, f"{place}.{step}")


def check_keys(config: Config, options: dict[str, Any]) -> None:
    """Refuse options that would change nothing, or put a word where a number stands.

    Args:
        config: The config before the options.
        options: Dotted key -> value.

    Raises:
        InputError: If a key is unknown (the nearest known one is named), or a value is of another
            kind than the one before.
    """
    for key, value in options.items():
        _check_kind(key, _walk(config, key, options), value)


def _walk(config: Config, key: str, options: dict[str, Any]) -> Any:
    """Follow a key down to what it stands for now; refuse the first step that nobody knows."""
    part: Any = config
    steps = key.split(".")
    for depth, step in enumerate(steps):
        place = ".".join(steps[:depth])
        if part is None:  # a section that the config leaves empty: its class will judge
            return None
        if isinstance(part, list | tuple):
            if not (step.isdigit() and int(step) < len(part)):
                raise InputError(
                    f"option --cfg-options {key}: {place} is a list; "
                    f"name a part by its number, 0 to {len(part) - 1}."
                )
            part = part[int(step)]
        elif isinstance(part, dict | Config):
            known = _known(part, place, options.get(f"{place}.type", part.get("type")))
            if known is not None and step not in known:
                raise _unknown(f"option --cfg-options {key}", place, step, known, used=step in part)
            part = part.get(step)
        else:
            raise InputError(
                f"option --cfg-options {key}: {place} is {part}, with nothing in it to set; "
                "see the config."
            )
    return part


def _check_kind(key: str, before: Any, value: Any) -> None:
    if isinstance(before, int | float) and isinstance(value, str):
        kind = "true or false" if isinstance(before, bool) else "a number"
        raise InputError(f"option --cfg-options {key}: {value} is not {kind}; see the config.")
    if isinstance(before, dict) and value is not None:
        raise InputError(
            f"option --cfg-options {key}: is a section, not a value; set "
            f"{key}.{next(iter(before), 'KEY')} or another of its keys."
        )


def _unknown(
    source: str, place: str, step: object, known: set[str], *, used: bool = False
) -> InputError:
    where = place or "the config"
    guess = difflib.get_close_matches(str(step), known, n=1)
    hint = f"it reads {', '.join(sorted(known))}."
    if used:  # at the top alone; below, what the config has is known
        hint = "it was used up in reading; set what was made of it."
    elif guess:
        hint = f"did you mean {place and place + '.'}{guess[0]}?"
    return InputError(f"{source}: nothing in {where} reads {step}; {hint}")


def _known(part: Any, place: str, name: Any) -> set[str] | None:
    """The keys that mean something in a section, or that it has; None where any may."""
    if not place:
        return _TOP
    known = _union(_readers(place, name))
    return None if known is None else known | set(part)


def _readers(place: str, name: Any) -> list[set[str] | None]:
    """What each reader of a section takes, None for any: mmengine at its place, and its class."""
    listed = _UNTYPED.get(place, _UNTYPED.get("*." + place.rpartition(".")[2]))
    readers: list[set[str] | None] = [] if listed is None else [listed]
    kinds = [] if name is None else _registered(name)
    return readers + [parameters(kind) for kind in kinds] + [_BUILDERS] * bool(kinds)


def _union(readers: list[set[str] | None]) -> set[str] | None:
    known: set[str] = set()
    for taken in readers:
        if taken is None:
            return None
        known |= taken
    return known


def _registered(name: Any) -> list[Callable[..., Any]]:
    """Whatever mmdet's registries, and those above them, know by a name."""
    if not isinstance(name, str):
        return [name] if callable(name) else []
    registries = [one for one in vars(mmdet.registry).values() if isinstance(one, Registry)]
    if "." not in name:  # what get() does not know it tries to import, which takes its time
        registries = [one for one in registries if _knows(one, name)]
    return [found for one in registries if (found := one.get(name)) is not None]


def _knows(registry: Registry, name: str) -> bool:
    """Whether it has the name, or one above it."""
    registry.import_from_location()
    above = registry.parent
    return name in registry.module_dict or (above is not None and _knows(above, name))


def parameters(kind: Callable[..., Any]) -> set[str] | None:
    """Names of the arguments that a class or function takes; None where it takes any."""
    names: set[str] = set()
    closed = False
    makers = [kind]
    if inspect.isclass(kind):
        makers = [vars(one)["__init__"] for one in inspect.getmro(kind) if "__init__" in vars(one)]
    for maker in makers:
        parameters = inspect.signature(maker).parameters.values()
        names |= {one.name for one in parameters} - {"self"}
        closed |= all(one.kind is not one.VAR_KEYWORD for one in parameters)
    return names if closed else None


def _closed(*kinds: Callable[..., Any]) -> set[str]:
    return {name for kind in kinds for name in parameters(kind) or ()}


# Read by mmengine's Runner without being an argument of it, or by the commands here.
_TOP = _closed(Runner) | {
    *("model_wrapper_cfg", "find_unused_parameters", "sync_bn", "compile"),
    *("activation_checkpointing", "efficient_conv_bn_eval", "tta_model", "tta_pipeline"),
    "data_root",
}
# Taken out by whoever builds a section, before its class sees them.
_BUILDERS = {
    *("type", "_scope_", "_delete_", "priority", "requires_grad"),
    *("constructor", "paramwise_cfg", "convert_to_iter_based"),
    *("fallback_on_stride", "bg_cls_weight", "scale_factor", "upsample_kernel"),
    "deformable_groups",  # mmcv's old name of deform_groups
}
_DATALOADER = _closed(DataLoader) | {"dataset", "sampler", "num_batch_per_epoch"}
# Sections that name no class, by place or by last name: what mmengine reads in them.
_UNTYPED: dict[str, set[str]] = {
    **{f"{part}_dataloader": _DATALOADER for part in ("train", "val", "test")},
    "train_cfg": _closed(EpochBasedTrainLoop, IterBasedTrainLoop) | {"by_epoch"},
    "val_cfg": _closed(TestLoop),
    "test_cfg": _closed(TestLoop),
    "log_processor": _closed(LogProcessor),
    "randomness": _closed(Runner.set_randomness),
    "auto_scale_lr": {"enable", "base_batch_size"},
    "env_cfg": {"cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit"},
    "env_cfg.dist_cfg": {"backend", "port", "timeout", "init_backend"},
    "env_cfg.mp_cfg": {"mp_start_method", "opencv_num_threads"},
    "default_hooks": {
        "runtime",
        "timer",
        "logger",
        "sampler_seed",
        "param_scheduler",
        "checkpoint",
        "visualization",  # mmdet's own, of its default runtime
    },
    "*.metainfo": {"classes", "palette"},
    "*.data_prefix": {"img", "img_path", "seg", "seg_map_path", "ann", "sub_data_root"},
}
