"""Sliding window: region probabilities of a whole case from a network that sees patches."""

import itertools
from collections.abc import Sequence

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

    Returns:
        `(regions, *spatial)` float32 in [0, 1], on the network's device.
    """
    device = next(network.parameters()).device
    layout = torch.channels_last if image.dim() == 3 else torch.channels_last_3d
    batch = image[None].to(device, torch.float32).contiguous(memory_format=layout)
    axes = range(2, batch.dim())
    views = [()] if not flips else _subsets(axes)
    total = torch.zeros(1)
    for view in views:
        with autocast(precision, device):
            logits = _logits(network, batch.flip(view), patch_size, overlap)
        total = total.to(device) + logits.float().flip(view) / len(views)
    return total[0].sigmoid()


def _logits(network: nn.Module, batch: Tensor, patch_size: Sequence[int], overlap: float) -> Tensor:
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
