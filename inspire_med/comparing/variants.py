"""Variants: the networks that are compared, by the names people type."""

import re
from dataclasses import replace

from inspire_med.config import NetworkConfig
from inspire_med.errors import InputError, did_you_mean
from inspire_med.networks.monai_network import monai_names
from inspire_med.networks.skips import compose_skip

PLAIN = "concat"
_MONAI = "monai:"
_KNOWN = (PLAIN, "ise", "isa", "ssba", "ise+isa", "ise+ssba", "isa+ssba", "isa-beside", "inspire")


def parse_variants(text: str) -> tuple[str, ...]:
    """Read names separated by commas, as in `concat,ise,inspire,monai:SegResNet`.

    Raises:
        InputError: If there are fewer than two, one is there twice, or one names no network.
    """
    names = tuple(name.strip() for name in text.strip("[] ").split(",") if name.strip())
    for name in names:
        _refuse_unknown(name)
        if names.count(name) > 1:
            raise InputError(f"option --variants: {name} is there twice; name each once.")
    if len(names) < 2:
        raise InputError(
            f"option --variants: {text!r} leaves nothing to compare with; give two or more names, "
            f"for example {PLAIN},inspire."
        )
    return names


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


def network_of(variant: str, network: NetworkConfig) -> NetworkConfig:
    """The network's options for one variant: all that are asked for, but for what it changes.

    A network of MONAI's has one output, so it is trained without deep supervision; encoder and
    recomputation are the toolkit's U-Net's own.
    """
    if not variant.startswith(_MONAI):
        return replace(network, skip=variant, monai=None, monai_arguments={})
    return replace(
        network,
        monai=variant.removeprefix(_MONAI),
        deep_supervision=1,
        encoder=None,
        encoder_weights=None,
        recompute=False,
    )


def words_on(variants: tuple[str, ...], network: NetworkConfig) -> list[str]:
    """What is not the same for all variants, a sentence each."""
    theirs = ", ".join(name for name in variants if name.startswith(_MONAI))
    if not theirs or network.deep_supervision == 1:
        return []
    return [
        f"{theirs}: trained without deep supervision, having one output; the other networks were "
        f"supervised at {network.deep_supervision} levels."
    ]


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
