"""Blending: how much each voxel of a window counts where windows overlap. torch alone."""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

AIR = -20.0  # logit of what holds nothing: a probability of 2e-9
_SIGMA = 0.125  # of the Gaussian weights, in window sides (Isensee et al., Nature Methods 2021)


def is_air(part: Tensor) -> bool:
    """Whether each channel of `(channels, *size)` is one value all over."""
    flat = part.flatten(1)
    return bool((flat == flat[:, :1]).all())


def gaussian(side: int, starts: Sequence[int]) -> Tensor:
    """Weights along an axis of a window; alike where no other window stands beside it."""
    if len(starts) == 1:
        return torch.ones(side)
    places = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    return torch.exp(-((places / (_SIGMA * side)) ** 2) / 2).float()


def summed(voxels: int, starts: Sequence[int], weights: Tensor) -> Tensor:
    """What the weights of all windows along an axis add up to at each place."""
    total = torch.zeros(voxels)
    for start in starts:
        total[start : start + len(weights)] += weights
    return total


def outer(axes: Sequence[Tensor]) -> Tensor:
    """Products of values along each axis."""
    return reduce(lambda product, axis: product[..., None] * axis, axes, torch.ones(()))
