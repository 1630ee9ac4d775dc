"""Losses: soft Dice and cross-entropy on logits, with the weights of deep supervision."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from monai.losses.dice import DiceLoss
from torch import Tensor, nn


def of_this_process(sums: Tensor) -> Tensor:
    """Leave sums as they are: there is one process, and it sees the whole batch."""
    return sums


class SegmentationLoss(nn.Module):
    """Soft Dice loss plus binary cross-entropy, per case and region, since regions overlap.

    L = mean_cases,regions(1 - (2 Σ p y + s) / (Σ p + Σ y + s)) + BCE(z, y), p = sigmoid(z), the
    sums over space. Every case weighs the same, however large its region, as in the mean Dice that
    is reported. For a list of logits, Σ_k 2^-k L_k / Σ_k 2^-k, the target averaged down to each
    (so a coarse voxel's target is its share of foreground). In float32 at least.

    Args:
        smooth: s, in voxels; keeps the loss of an empty region finite and its gradient small.
        total: Adds sums up over the processes that share the batch, differentiably; every process
            then has the loss of the whole batch, also where their shares of it are uneven.

    Shape:
        - Logits: `(batch, regions, *spatial)`, or a list of them, fine to coarse.
        - Target: `(batch, regions, *spatial)`, 0 or 1, floating point.
        - Output: a scalar.

    MONAI's `DiceCELoss` takes a softmax across several regions, which overlapping ones are not.

    References:
        Milletari et al., V-Net, 3DV 2016 (soft Dice); the halving weights as in Isensee et al.,
        nnU-Net, Nature Methods 2021.
    """

    def __init__(
        self, *, smooth: float = 1.0, total: Callable[[Tensor], Tensor] = of_this_process
    ) -> None:
        super().__init__()
        self.dice = DiceLoss(sigmoid=True, smooth_nr=smooth, smooth_dr=smooth)
        self.total = total

    def forward(self, logits: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
        """Average the levels' losses, the finest weighing most."""
        levels = [logits] if isinstance(logits, Tensor) else list(logits)
        losses = [self._level(level, target) * 0.5**k for k, level in enumerate(levels)]
        return torch.stack(losses).sum() / sum(0.5**k for k in range(len(levels)))

    def _level(self, logits: Tensor, target: Tensor) -> Tensor:
        """Give one level's loss."""
        with torch.autocast(logits.device.type, enabled=False):
            z = logits.to(torch.promote_types(logits.dtype, torch.float32))
            y = shrink(target.to(z.dtype), z.shape[2:])
            loss = self.dice(z, y) + F.binary_cross_entropy_with_logits(z, y)
            cases = loss.new_tensor(len(z))
            summed, count = self.total(torch.stack([loss * cases, cases]))
            return summed / count


def shrink(target: Tensor, size: Sequence[int]) -> Tensor:
    """Average (batch, regions, *spatial) down to `size`."""
    if tuple(target.shape[2:]) == tuple(size):
        return target
    if target.ndim == 4:
        return F.adaptive_avg_pool2d(target, (size[0], size[1]))
    return F.adaptive_avg_pool3d(target, (size[0], size[1], size[2]))
