"""Transfer: a trained network's weights into another one, channels and regions by their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from inspire_med.networks import build_network

_PASSES = "passes."
_MORE = 9  # channels or regions; no layer of a network is as wide as the few there are and these


@dataclass(frozen=True)
class Named:
    """What a network's tensors are called, and what its channels and regions are.

    Args:
        tensors: By name.
        channels: Names of the input channels, in order.
        regions: Names of the outputs, in order.
    """

    tensors: Mapping[str, Tensor]
    channels: Sequence[str]
    regions: Sequence[str]


@dataclass(frozen=True)
class Axes:
    """Which axis of a tensor stands for channels or regions, by the tensor's name."""

    channels: Mapping[str, int]
    regions: Mapping[str, int]


@dataclass(frozen=True)
class Transferred:
    """What became of the tensors, by name.

    Args:
        taken: Those that the new network begins with.
        fresh: Those that only the new network has, or that have another shape there.
        left: Those that only the old network has.
    """

    taken: Mapping[str, Tensor]
    fresh: Sequence[str]
    left: Sequence[str]


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Every tensor once; what passes share, by its name outside of the further ones.

    Those have running statistics of their own.
    """
    state = network.state_dict(keep_vars=True)
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name in sorted(state, key=lambda name: name.startswith(_PASSES)):
        if id(state[name]) not in seen:
            seen.add(id(state[name]))
            tensors[name] = state[name]
    return tensors


def of_further_passes(name: str) -> bool:
    """Whether a tensor of `tensors_of` belongs to a pass after the first."""
    return name.startswith(_PASSES)


def axes_of(description: Mapping[str, Any]) -> Axes:
    """Find the axes that grow with the number of channels, and of regions, of a network.

    Args:
        description: Of the network, as `build_network` takes it.
    """
    own = tensors_of(build_network(description))
    return Axes(*(_growing(own, description, size) for size in ("in_channels", "out_channels")))


def _growing(
    own: Mapping[str, Tensor], description: Mapping[str, Any], size: str
) -> dict[str, int]:
    count = description[size]
    larger = tensors_of(build_network({**description, size: count + _MORE}))
    axes: dict[str, int] = {}
    for name in own.keys() & larger.keys():
        pairs = enumerate(zip(own[name].shape, larger[name].shape, strict=True))
        grown = {axis: pair for axis, pair in pairs if pair[0] != pair[1]}
        if list(grown.values()) == [(count, count + _MORE)]:
            axes[name] = next(iter(grown))
    return axes


def transferred(old: Named, new: Named, axes: Axes) -> Transferred:
    """Find what of a network has a place in another: tensors of the same name and shape.

    Along an axis of channels, those of the same name are taken; a new one gets the mean of the old,
    and where no name is the same, that mean times the old number over the new one, so that equal
    channels in give the same out. Along an axis of regions, those of the same name are taken, and
    the others are as the new network has them.

    Args:
        old: The trained network.
        new: The one that is to begin with its weights.
        axes: Of the new one.
    """
    taken: dict[str, Tensor] = {}
    for name, own in new.tensors.items():
        stored = old.tensors.get(name)
        if stored is None or stored.dim() != own.dim():
            continue
        fits = stored
        if name in axes.channels and stored.shape[axes.channels[name]] == len(old.channels):
            fits = by_channel(stored, axes.channels[name], old.channels, new.channels)
        elif name in axes.regions and stored.shape[axes.regions[name]] == len(old.regions):
            fits = _by_region(stored, own, axes.regions[name], old.regions, new.regions)
        if fits is not None and fits.shape == own.shape:
            taken[name] = fits
    return Transferred(
        taken,
        fresh=[name for name in new.tensors if name not in taken],
        left=[name for name in old.tensors if name not in taken],
    )


def by_channel(stored: Tensor, axis: int, old: Sequence[str], new: Sequence[str]) -> Tensor:
    """A tensor whose axis of the old channels becomes one of the new."""
    mean = stored.mean(axis)
    if not set(old) & set(new):
        mean = mean * (len(old) / len(new))
    slices = [stored.select(axis, old.index(name)) if name in old else mean for name in new]
    return torch.stack(slices, axis)


def _by_region(
    stored: Tensor, own: Tensor, axis: int, old: Sequence[str], new: Sequence[str]
) -> Tensor | None:
    """A tensor whose axis of the old regions becomes one of the new; None if all are new."""
    others = stored.select(axis, 0).shape != own.select(axis, 0).shape
    if others or not set(old) & set(new):
        return None
    slices = [
        stored.select(axis, old.index(name)) if name in old else own.detach().select(axis, index)
        for index, name in enumerate(new)
    ]
    return torch.stack(slices, axis)
