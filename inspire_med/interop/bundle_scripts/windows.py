"""Windows: a network looks at a case part by part."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import torch
from monai.inferers.inferer import Inferer
from torch import Tensor
from torch.nn import functional as F

_AIR = -20.0  # logit of what holds nothing
_SIGMA = 0.125  # of the Gaussian weights, in window sides


class EvenWindows(Inferer):
    """Average a network's logits over windows that lie evenly over the whole image.

    MONAI's `SlidingWindowInferer` moves by a fixed step, pads what is smaller than a window, and
    weights what one window alone sees; here the windows are spread evenly, an axis that is shorter
    is taken as it is, and a window whose every channel is one value all over is not looked at.

    Args:
        roi_size: Voxels of a window along each axis.
        regions: Channels of the logits.
        overlap: Share of a window that its neighbour covers as well, at least.
        least: Smallest sides that the network takes; a shorter image is seen among zeros.
        device: Where the network is.
    """

    def __init__(
        self,
        roi_size: Sequence[int],
        regions: int,
        overlap: float,
        least: Sequence[int],
        device: torch.device,
    ) -> None:
        super().__init__()
        self.roi_size = roi_size
        self.regions = regions
        self.overlap = overlap
        self.least = least
        self.device = device

    def __call__(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any
    ) -> Tensor:
        """From `(1, channels, *spatial)` to logits `(1, regions, *spatial)` on the CPU."""
        whole = (..., *(slice(side) for side in inputs.shape[2:]))
        rests = zip(self.least, inputs.shape[2:], strict=True)
        missing = [(0, max(0, least - side)) for least, side in rests]
        inputs = F.pad(inputs, [end for axis in reversed(missing) for end in axis])
        shape = inputs.shape[2:]
        shared = [math.ceil(side * self.overlap) for side in self.roi_size]
        sides = [min(*pair) for pair in zip(self.roi_size, shape, strict=True)]
        starts = [_starts(*each) for each in zip(shape, sides, shared, strict=True)]
        axes = [_gaussian(*each) for each in zip(sides, starts, strict=True)]
        weight = _outer(axes)
        total = torch.zeros(1, self.regions, *shape)
        for corner in itertools.product(*starts):
            ends = zip(corner, sides, strict=True)
            box = (..., *(slice(low, low + side) for low, side in ends))
            total[box] += self._look(inputs[box], network) * weight
        sums = [_summed(*each) for each in zip(shape, starts, axes, strict=True)]
        along = sums[0].view(-1, *[1] * (len(shape) - 1))
        return (total / (along * _outer(sums[1:])))[whole]

    def _look(self, part: Tensor, network: Callable[..., Tensor]) -> Tensor:
        flat = part[0].flatten(1)
        if bool((flat == flat[:, :1]).all()):
            return torch.full((1, self.regions, *part.shape[2:]), _AIR)
        return network(part.to(self.device).contiguous()).float().cpu()


def _starts(voxels: int, side: int, shared: int) -> tuple[int, ...]:
    """Evenly spread first voxels, as few as share enough."""
    room = voxels - side
    count = 1 + math.ceil(room / max(side - shared, 1))
    return tuple(round(room * index / max(count - 1, 1)) for index in range(count))


def _gaussian(side: int, starts: Sequence[int]) -> Tensor:
    """Weights along an axis of a window; alike where no other window stands beside it."""
    if len(starts) == 1:
        return torch.ones(side)
    places = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    return torch.exp(-((places / (_SIGMA * side)) ** 2) / 2).float()


def _summed(voxels: int, starts: Sequence[int], weights: Tensor) -> Tensor:
    """What the weights of all windows along an axis add up to at each place."""
    total = torch.zeros(voxels)
    for start in starts:
        total[start : start + len(weights)] += weights
    return total


def _outer(axes: Iterable[Tensor]) -> Tensor:
    """Products of values along each axis."""
    return reduce(lambda product, axis: product[..., None] * axis, axes, torch.ones(()))
