"""Sliding window: region probabilities of a whole case from a network that sees patches."""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor, nn

from inspire_med.inference.precision import autocast


@torch.inference_mode()
def region_probabilities(
    network: nn.Module,
    image: Tensor,
    patch_size: Sequence[int],
    *,
    precision: str,
    overlap: float = 0.5,
    flips: bool = False,
    watch: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Probability of every region at every voxel.

    Windows overlap and are blended with Gaussian weights (Isensee et al., Nature Methods 2021). An
    image no larger than the window goes through the network once, as it is.

    Args:
        network: Gives logits `(batch, regions, *spatial)`; in evaluation mode, on its device.
        image: Prepared image `(channels, *spatial)`.
        patch_size: Voxels of the window along each axis.
        precision: Fabric's name of the precision, for example `bf16-mixed`.
        overlap: Share of a window that its neighbour covers as well.
        flips: Average the logits over all mirrored views (test-time augmentation).
        watch: Hears after each window how many of how many are done, over all views.

    Returns:
        `(regions, *spatial)` float32 in [0, 1], on the network's device.
    """
    device = next(network.parameters()).device
    layout = torch.channels_last if image.dim() == 3 else torch.channels_last_3d
    batch = image[None].to(device, torch.float32).contiguous(memory_format=layout)
    axes = range(2, batch.dim())
    views = [()] if not flips else _subsets(axes)
    windows = len(views) * count_windows(batch.shape[2:], patch_size, overlap)
    done = itertools.count(1)

    def look(window: Tensor) -> Tensor:
        logits = network(window)
        if watch is not None:
            watch(next(done), windows)
        return logits

    total = torch.zeros(1)
    for view in views:
        with autocast(precision, device):
            logits = _logits(look, batch.flip(view), patch_size, overlap)
        total = total.to(device) + logits.float().flip(view) / len(views)
    return total[0].sigmoid()


def count_windows(size: Sequence[int], patch_size: Sequence[int], overlap: float) -> int:
    """Windows that MONAI lays over an image of this size: the last of an axis ends with it."""
    count = 1
    for voxels, window in zip(size, patch_size, strict=True):
        interval = max(1, int(window * (1 - overlap)))
        count *= 1 + max(0, math.ceil((voxels - window) / interval))
    return count


def _logits(
    network: Callable[[Tensor], Tensor],
    batch: Tensor,
    patch_size: Sequence[int],
    overlap: float,
) -> Tensor:
    if all(size <= window for size, window in zip(batch.shape[2:], patch_size, strict=True)):
        return network(batch)
    logits = sliding_window_inference(
        batch, tuple(patch_size), 1, network, overlap=overlap, mode="gaussian"
    )
    assert isinstance(logits, Tensor)  # one output in, one tensor out
    return logits


def _subsets(axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Every set of axes, the empty one first."""
    return [s for n in range(len(axes) + 1) for s in itertools.combinations(axes, n)]
