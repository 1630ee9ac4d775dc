"""Sliding window: region probabilities of a whole case from networks that see parts of it."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inspire_med.inference.blending import AIR, gaussian, is_air, outer, summed
from inspire_med.inference.precision import autocast
from inspire_med.inference.windows import Windows

# Probabilities are kept as whole numbers of 16 bits, half as many bytes as float32 takes: p is
# round(p ONE), off by 8e-6 at most, and 1/2 is a number of its own.
ONE = 65534
HALF = ONE // 2


Watch = Callable[[int, int], None]


@torch.inference_mode()
def region_probabilities(
    network: nn.Module,
    image: Tensor,
    windows: Windows,
    out: NDArray[np.uint16],
    *,
    precision: str,
    flips: bool = False,
    at_once: int = 1,
    watch: Watch | None = None,
) -> bool:
    """Find the probability of every region at every voxel.

    The logits of windows that overlap are averaged with Gaussian weights, those of mirrored views
    alike. A window whose every channel is one value all over holds nothing, and the network is not
    asked. No more planes than a window is deep are in work at a time.

    Args:
        network: Gives logits `(batch, regions, *spatial)`; in evaluation mode, on its device.
        image: Prepared image `(channels, *spatial)`.
        windows: Where the network looks.
        out: `(regions, *spatial)`, gets each probability p as round(p `ONE`).
        precision: Fabric's name of the precision, for example `bf16-mixed`.
        flips: Average over all mirrored views (test-time augmentation).
        at_once: How many windows the network sees in one forward pass.
        watch: Hears after each window how many of how many are done.

    Returns:
        Whether all logits are finite; where one is not, its probability is any.
    """
    look = _Look(network, len(out), precision, flips=flips)
    planes = _Planes(windows, out.shape, look.device)
    finite, done = True, 0
    for corners in _batches(windows.corners, at_once):
        seen = look(torch.stack([image[(slice(None), *_box(c, windows.size))] for c in corners]))
        for corner, logits in zip(corners, seen, strict=True):
            for part, whole in planes.finished_before(corner[0]):
                out[:, part] = _shares(whole)
            finite = finite and bool(logits.isfinite().all())
            planes.add(corner, logits)
            done += 1
            if watch is not None:
                watch(done, len(windows))
    for part, logits in planes.finished_before(out.shape[1]):
        out[:, part] = _shares(logits)
    return finite


class _Look:
    """A network's mean logits over mirrored views.

    Args:
        network: On its device.
        regions: Channels of the logits.
        precision: Fabric's name of the precision.
        flips: Whether there are mirrored views.
    """

    def __init__(self, network: nn.Module, regions: int, precision: str, *, flips: bool) -> None:
        self.device = next(network.parameters()).device
        self._network = network
        self._regions = regions
        self._precision = precision
        self._flips = flips

    def __call__(self, parts: Tensor) -> Tensor:
        """From parts `(batch, channels, *size)` to logits `(batch, regions, *size)`."""
        full = [index for index, part in enumerate(parts) if not is_air(part)]
        if len(full) == len(parts):
            return self._mean(parts)
        logits = torch.full((len(parts), self._regions, *parts.shape[2:]), AIR, device=self.device)
        if full:
            logits[full] = self._mean(parts[full])
        return logits

    def _mean(self, parts: Tensor) -> Tensor:
        images = parts.to(self.device, torch.float32)
        layout = torch.channels_last if images.dim() == 4 else torch.channels_last_3d
        views = _subsets(range(2, images.dim())) if self._flips else [()]
        total = torch.zeros(1, device=self.device)
        for view in views:
            seen = images.flip(view).contiguous(memory_format=layout)
            with autocast(self._precision, self.device):
                logits = self._network(seen)
            total = total + logits.float().flip(view)
        return total / len(views)


class _Planes:
    """Logits of the planes in work, along the first axis, summed with the windows' weights.

    Args:
        windows: All that there are.
        shape: `(regions, *spatial)` of the whole.
        device: Where the sums are kept.
    """

    def __init__(self, windows: Windows, shape: Sequence[int], device: torch.device) -> None:
        regions, *spatial = shape
        self._size = windows.size
        self._front = 0  # the first plane in work
        self._total = torch.zeros(regions, self._size[0], *spatial[1:], device=device)
        axes = [gaussian(*each) for each in zip(windows.size, windows.starts, strict=True)]
        self._weight = outer(axes).to(device)
        # Windows stand at every combination of starts, so their weights add up axis by axis.
        sums = [summed(*each) for each in zip(spatial, windows.starts, axes, strict=True)]
        self._along, self._across = sums[0].to(device), outer(sums[1:]).to(device)

    def add(self, corner: Sequence[int], logits: Tensor) -> None:
        """Add a window's logits `(regions, *size)`."""
        start = (corner[0] - self._front, *corner[1:])
        self._total[(slice(None), *_box(start, self._size))] += logits * self._weight

    def finished_before(self, plane: int) -> Iterator[tuple[slice, Tensor]]:
        """Give the planes in work before that one, and their logits; they make room for others."""
        first, last = self._front, plane
        if last == first:
            return
        along = self._along[first:last].view(-1, *[1] * self._across.dim())
        yield slice(first, last), self._total[:, : last - first] / (along * self._across)
        kept = self._total[:, last - first :].clone()
        self._total.zero_()[:, : kept.shape[1]] = kept
        self._front = last


def _shares(logits: Tensor) -> NDArray[np.uint16]:
    """Probabilities as whole numbers of 16 bits."""
    return logits.sigmoid().mul_(ONE).round_().to(torch.int32).cpu().numpy().astype(np.uint16)


def _box(start: Sequence[int], size: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(low, low + side) for low, side in zip(start, size, strict=True))


def _batches(corners: Iterator[tuple[int, ...]], count: int) -> Iterator[list[tuple[int, ...]]]:
    """So many corners at a time, in their order."""
    while batch := list(itertools.islice(corners, count)):
        yield batch


def _subsets(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Every set of axes, the empty one first."""
    return [s for n in range(len(axes) + 1) for s in itertools.combinations(axes, n)]
