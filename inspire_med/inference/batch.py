"""Batch: how many windows a network sees at once, found by a trial."""

import time
from collections.abc import Callable, Sequence

import torch
from torch import nn

from inspire_med.inference.precision import autocast

_WORTH = 0.9  # of the time for a window, which twice as many at once must stay below
_MOST = 64
_TURNS = 3


def find_batch(network: nn.Module, shape: Sequence[int], precision: str, most: int) -> int:
    """How many windows a network sees at once.

    A GPU that one window does not fill is tried with twice as many, as long as that saves a tenth
    of the time.

    Args:
        network: In evaluation mode, on a GPU.
        shape: Of a window, `(channels, *size)`.
        precision: Fabric's name of the precision.
        most: So many have room.
    """
    return doubled(lambda count: _seconds(network, (count, *shape), precision) / count, most)


def doubled(seconds_each: Callable[[int], float], most: int) -> int:
    """The power of two from which on twice as many save less than a tenth of the time.

    Args:
        seconds_each: What a window takes among so many.
        most: No more than this, and no more than 64.
    """
    count, seconds = 1, seconds_each(1)
    while 2 * count <= min(most, _MOST):
        next_seconds = seconds_each(2 * count)
        if next_seconds > _WORTH * seconds:
            break
        count, seconds = 2 * count, next_seconds
    return count


@torch.inference_mode()
def _seconds(network: nn.Module, shape: Sequence[int], precision: str) -> float:
    """Best time of a few forward passes, after one that warms up."""
    device = next(network.parameters()).device
    layout = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    image = torch.zeros(*shape, device=device).contiguous(memory_format=layout)
    times: list[float] = []
    for _ in range(1 + _TURNS):
        started = time.perf_counter()
        with autocast(precision, device):
            network(image)
        torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times[1:])
