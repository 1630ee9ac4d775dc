"""Variants: what is compared, a name and the options of `train` that are its own."""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspire_med.config import TrainConfig, with_options
from inspire_med.config_checks import idle_options
from inspire_med.errors import InputError, did_you_mean
from inspire_med.networks.monai_network import monai_names
from inspire_med.networks.skips import compose_skip

PLAIN = "concat"
_MONAI = "monai:"
_KNOWN = (PLAIN, "ise", "isa", "ssba", "ise+isa", "ise+ssba", "isa+ssba", "isa-beside", "inspire")


@dataclass(frozen=True)
class Variant:
    """One of the things compared.

    Attributes:
        name: What people read.
        options: Those of `train` that are its own, by dotted name.
        file: Where it was defined; None if its name defines it.
    """

    name: str
    options: Mapping[str, Any]
    file: Path | None = None

    @property
    def folder(self) -> str:
        """Name of its folder, which any system can have."""
        return self.name.replace(":", "-")

    def of(self, config: TrainConfig) -> TrainConfig:
        """The training: all that is asked for, but for what the variant changes or cannot use."""
        idle = idle_options(with_options(config, self.options).network)
        return with_options(config, {**idle, **self.options})

    @contextmanager
    def at_fault(self) -> Generator[None]:
        """Name the variant and its file in what is wrong with its options."""
        try:
            yield
        except InputError as error:
            if self.file is None:
                raise
            raise InputError(f"{self.file}: variant {self.name}: {error}") from None


def parse_names(text: str) -> tuple[Variant, ...]:
    """Read names of networks separated by commas, as in `concat,ise,inspire,monai:SegResNet`.

    Raises:
        InputError: If there are fewer than two, one is there twice, or one names no network.
    """
    names = [name.strip() for name in text.strip("[] ").split(",") if name.strip()]
    for name in names:
        _refuse_unknown(name)
        if names.count(name) > 1:
            raise InputError(f"option --variants: {name} is there twice; name each once.")
    if len(names) < 2:
        raise InputError(
            f"option --variants: {text!r} leaves nothing to compare with; give two or more names, "
            f"for example {PLAIN},inspire, or a YAML file of variants."
        )
    return tuple(Variant(name, _options_of(name)) for name in names)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read a number of seeds (`3` is 0, 1 and 2) or a list of them (`0,1,5` or `[4]`).

    Raises:
        InputError: If it is neither, or a seed is there twice.
    """
    numbers = text.strip("[] ").split(",")
    listed = len(numbers) > 1 or text.strip().startswith("[")
    if not all(re.fullmatch(r"\s*\d+\s*", number) for number in numbers) or text.strip() == "0":
        raise InputError(
            f"option --seeds: {text!r} is neither a number of seeds nor a list; write 3 or 0,1,2."
        )
    seeds = tuple(map(int, numbers)) if listed else tuple(range(int(text)))
    if len(set(seeds)) < len(seeds):
        raise InputError(f"option --seeds: {text!r} has a seed twice; give each once.")
    return seeds


def words_on(variants: Sequence[Variant], config: TrainConfig) -> list[str]:
    """What is not the same for all variants and is nobody's wish, a sentence each."""
    trainings = {variant.name: variant.of(config) for variant in variants}
    ours = {name: each for name, each in trainings.items() if each.network.monai is None}
    theirs = ", ".join(name for name in trainings if name not in ours)
    if not theirs:
        return []
    return [f"{theirs}: {words}" for words in (_supervision(ours), _beginnings(ours)) if words]


def _supervision(ours: Mapping[str, TrainConfig]) -> str:
    """What MONAI's networks lack of the others' supervision."""
    levels = {each.network.deep_supervision for each in ours.values()} or {1}
    if levels == {1}:
        return ""
    alike = f"; the other networks were supervised at {max(levels)} levels"
    return f"trained without deep supervision, having one output{alike * (len(levels) == 1)}."


def _beginnings(ours: Mapping[str, TrainConfig]) -> str:
    """What MONAI's networks lack of the others' encoders and the weights those began with."""
    named: dict[str, list[str]] = {}
    for name, each in ours.items():
        network = each.network
        if each.init is not None:
            named.setdefault(f"the weights of {each.init}", []).append(name)
        elif network.encoder is not None:
            weights = "random weights" if network.weights is None else f"weights {network.weights}"
            named.setdefault(f"encoder {network.encoder} and {weights}", []).append(name)
    if not named:
        return ""
    began = "; ".join(f"{', '.join(names)} began with {words}" for words, names in named.items())
    return f"trained from random weights, with no other encoder; {began}."


def _options_of(name: str) -> dict[str, Any]:
    if name.startswith(_MONAI):
        return {"network.monai": name.removeprefix(_MONAI)}
    return {"network.skip": name, "network.monai_arguments": {}}


def _refuse_unknown(name: str) -> None:
    if name.startswith(_MONAI):
        _refuse_among(name, [f"{_MONAI}{each}" for each in monai_names()])
        return
    try:
        compose_skip(name)
    except InputError:
        _refuse_among(name, [*_KNOWN, *(f"{_MONAI}{each}" for each in monai_names())])


def _refuse_among(name: str, known: list[str]) -> None:
    if name in known:
        return
    parts = f"{', '.join(_KNOWN)} and {_MONAI}NAME, as in {_MONAI}SegResNet"
    hint = did_you_mean(name, known, f"there are {parts}.")
    raise InputError(f"option --variants: {name!r} names no network; {hint}")
