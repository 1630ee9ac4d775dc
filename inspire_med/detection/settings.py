"""Settings: a config file and the words of --cfg-options made into one mmengine Config."""

import argparse
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.registry import Registry, init_default_scope

from inspire_med.detection.keys import check_file, check_keys
from inspire_med.errors import InputError

COCO_METRIC = "mmdet.CocoMetric"  # found with any default scope; pure Python configs have none


def read_settings(file: Path, options: Sequence[str] = ()) -> Config:
    """Read a config and lay `key=value` options over it.

    `data_root=DIR` moves every path that begins with the config's own data root. Other names that
    a config merely uses to build itself (`train_pipeline`, say) have done their work when it is
    read, and are refused as options. Pictures are read as they are stored, whatever their EXIF
    data say: mmcv would turn them, and not their boxes.

    Args:
        file: A config in one of mmengine's formats. One in Python is a program, and is run.
        options: Words `model.neck.width=90`; lists as `a,b` or `[a,b]`, as mmengine reads them.

    Raises:
        InputError: If the file cannot be read or has an unknown key, or an option is no pair, is
            unknown or has a value of another kind.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such config; check the path.")
    try:
        config = Config.fromfile(file)
    except Exception as error:  # a config is a program: it can fail in any way
        first = str(error).strip().split("\n")[0]
        raise InputError(
            f"{file}: cannot be read as a config ({type(error).__name__}: {first}); mend it."
        ) from error
    check_file(file, config)
    values = dict(_pair(word) for word in options)
    check_keys(config, values)
    if "data_root" in values:
        _move_data(config, str(values["data_root"] or ""))
    for key in values:
        _open_sections(config, key)
    config.merge_from_dict(values)
    force({name: config[name] for name in config})
    return config


def force(settings: dict[str, Any]) -> None:
    """Set, in a whole config, what no config decides on.

    All pipelines read the pixels that the annotations are of, and mmdet's `CocoMetric` is named as
    the registry knows it, where the protocol's stands: a class or a path would go by that.
    """
    for section in sections(settings):
        path = type_path(section)
        if path.endswith("LoadImageFromFile"):
            _read_as_stored(section)
        if path == "CocoMetric" or (path.startswith("mmdet.") and path.endswith(".CocoMetric")):
            section["type"] = COCO_METRIC


def type_path(section: Mapping[str, Any]) -> str:
    """The type of a section as text; configs in pure Python give a class."""
    kind = section.get("type")
    if inspect.isclass(kind):
        return f"{kind.__module__}.{kind.__qualname__}"
    return kind if isinstance(kind, str) else ""


def kind_of(section: Mapping[str, Any], registry: Registry) -> Any:
    """What the type of a section stands for; None if the registry does not know the name."""
    kind = section["type"]
    return registry.get(kind) if isinstance(kind, str) else kind


def sections(part: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary within `part`, itself included."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list | tuple):
        for item in part:
            yield from sections(item)


def _pair(word: str) -> tuple[str, Any]:
    key, equals, _ = word.partition("=")
    if not (key and equals):
        raise InputError(f"option --cfg-options: {word} is not key=value; write it so.")
    read = argparse.Namespace()
    action = DictAction(["--cfg-options"], "pair", nargs="+")
    try:
        action(argparse.ArgumentParser(), read, [word])
    except AssertionError:
        raise InputError(f"option --cfg-options: {word} has unequal brackets; mend it.") from None
    return key, read.pair[key]


def _open_sections(config: Config, key: str) -> None:
    """Make the sections on a key's way that the config has set to None: mmengine would not."""
    part: Any = config
    for step in key.split(".")[:-1]:
        if isinstance(part, list | tuple):
            part = part[int(step)]
            continue
        if part.get(step) is None:
            part[step] = {}
        part = part[step]


def _move_data(config: Config, root: str) -> None:
    """Put another data root at the head of every path that begins with the config's own."""
    before = str(config.get("data_root") or "").rstrip("/")
    if not root:
        raise InputError("option --cfg-options data_root: is empty; name a folder.")
    if not before:
        raise InputError(
            "option --cfg-options data_root: the config has none; "
            "set train_dataloader.dataset.data_root and the like."
        )
    after = root.rstrip("/") + "/"
    for section in sections([config[name] for name in config]):
        for name, value in section.items():
            if isinstance(value, str) and f"{value}/".startswith(f"{before}/"):
                section[name] = after + value.removeprefix(before).lstrip("/")


def _read_as_stored(load: dict[str, Any]) -> None:
    colours = load.get("color_type", "color")
    turns = load.get("imdecode_backend") != "turbojpeg"  # which never does
    if turns and colours in ("color", "grayscale"):
        load["color_type"] = f"{colours}_ignore_orientation"


def enter_scope(config: Config) -> None:
    """Look names up in mmdet's registries, if the config says no others; pure Python says None."""
    init_default_scope(config.get("default_scope") or "mmdet")


def require(file: Path, config: Config, *names: str) -> None:
    """Refuse a config without a part that the command cannot do without.

    Raises:
        InputError: If one of the names is missing or None.
    """
    for name in names:
        if config.get(name) is None:
            raise InputError(f"{file}: has no {name}; add it, or begin with one of mmdet's _base_.")
