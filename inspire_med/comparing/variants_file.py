"""Variants file: a YAML file that gives each of the things compared a name and its own options."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from inspire_med.cli.options import network_of_model, typed_options
from inspire_med.comparing.variants import Variant
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import read_yaml

# What must be equal, or it is no comparison of the variants: data, seeds, budget and the number of
# checkpoints to choose from. And what says where and by which machine it is done.
_ALIKE = frozenset(
    {
        *("manifest", "task", "fold", "seed", "max_steps", "max_time", "validations"),
        *("run", "store", "store_limit", "only_prepare", "resume", "devices", "threads", "track"),
    }
)
_TAKEN = ("lock", "request.json", "comparison.csv", "comparison.html", "comparison.json")


def is_variants_file(text: str) -> bool:
    """Whether it is the name of such a file and no list of names."""
    return text.endswith((".yaml", ".yml"))


def read_variants(file: Path) -> tuple[Variant, ...]:
    """Read variants, in their order.

    The file maps names to options of `train`, nested or dotted, as in
    `wide: {network.skip: ise+isa, optimizer: {lr: 0.001}}`; what a variant leaves out is as it is
    for all, so that `{}` is what the command line asks for.

    Raises:
        InputError: As `read_yaml`; also if there are fewer than two variants, a name cannot be that
            of a folder, or an option is unknown, of another type, or one that all must share.
    """
    content = read_yaml(file)
    if not isinstance(content, dict) or len(content) < 2:
        raise InputError(
            f"{file}: does not map two or more names to options, so nothing is compared; write it "
            "as in {plain: {network.skip: concat}, wide: {network.skip: ise+isa}}."
        )
    for name in content:
        _refuse_odd_name(name, file)
    return tuple(_variant(name, options, file) for name, options in content.items())


def _variant(name: str, options: Any, file: Path) -> Variant:
    variant = Variant(name, {}, file)
    with variant.at_fault():
        if not isinstance(options, dict):
            raise InputError(
                f"{options!r} is no mapping of options; write it as in {{network.skip: concat}}, "
                "or {} for what the command line says."
            )
        named = _dotted(options)
        _refuse_shared(named)
        if isinstance(named.get("init"), str):
            named = network_of_model(Path(named["init"])) | named
        return Variant(name, typed_options(named), file)


def _dotted(options: Mapping[Any, Any]) -> dict[str, Any]:
    """Options by their dotted names; what an option itself maps, as MONAI's arguments, is left."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        found = {name: value}
        if name in _groups():
            if not isinstance(value, Mapping):
                raise InputError(f"{name} is {value!r}, but holds options; write {name}.NAME.")
            found = {f"{name}.{key}": each for key, each in value.items()}
        for each in found:
            if each in flat:
                raise InputError(f"has {each} twice, nested and dotted; keep one.")
        flat |= found
    return flat


def _refuse_shared(names: Iterable[str]) -> None:
    for name in names:
        if name in _ALIKE:
            raise InputError(
                f"{name} must be the same for all variants to be compared; leave it out and give "
                "it to compare itself."
            )


def _refuse_odd_name(name: Any, file: Path) -> None:
    if not isinstance(name, str):
        raise InputError(f"{file}: the variant's name {name!r} is no text; write it in quotes.")
    fits = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+@=_-]*", name)
    if not fits or name in _TAKEN or name.startswith("test-"):
        raise InputError(
            f"{file}: the variant's name {name!r} cannot be that of a folder here; choose another, "
            "of letters, digits and . + @ = _ -."
        )


def _groups() -> list[str]:
    """Names of the options that hold others."""
    usual = TrainConfig(manifest=Path(), run=Path())
    return [each.name for each in fields(usual) if is_dataclass(getattr(usual, each.name))]
