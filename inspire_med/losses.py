"""Losses on logits, by name, with the weights of deep supervision."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def of_this_process(sums: Tensor) -> Tensor:
    """Leave sums as they are: there is one process, and it sees the whole batch."""
    return sums


_LEAST = 1e-6  # what is divided by, where nothing was judged


class DiceCrossEntropy(nn.Module):
    """Soft Dice loss plus binary cross-entropy, per case and region, since regions overlap.

    L = mean_cases,regions(1 - (2 Σ w p y + s) / (Σ w p + Σ w y + s) + Σ w BCE(z, y) / Σ w),
    p = sigmoid(z), the sums over space, w the share of a voxel that was judged: 1, where the target
    says nothing of it. Every case weighs the same, however large its region, as in the mean Dice
    that is reported.

    Args:
        smooth: s, in voxels; keeps the loss of an empty region finite and its gradient small.

    Shape:
        - Logits: `(batch, regions, *spatial)`.
        - Target: `(batch, regions, *finer)`, averaged down to the logits; what was judged may stand
          behind.
        - Output: a scalar, the mean over cases.

    MONAI's `DiceCELoss` takes a softmax across several regions, which overlapping ones are not, and
    its `MaskedDiceLoss` is without the entropy.

    References:
        Milletari et al., V-Net, 3DV 2016 (soft Dice).
    """

    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__()
        self.smooth = smooth

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Add the two."""
        size, space = logits.shape[2:], list(range(2, logits.ndim))
        inside, judged = judged_part(target, logits.shape[1])
        inside, w = shrink(inside, size), None if judged is None else shrink(judged, size)
        entropy = F.binary_cross_entropy_with_logits(logits, over(inside, w), reduction="none")
        p = logits.sigmoid()
        both, masses = (p * inside).sum(space), weighed(p, w).sum(space) + inside.sum(space)
        dice = (2 * both + self.smooth) / (masses + self.smooth)
        return (1 - dice + weighted_mean(entropy, w, space)).mean()


class StructureLoss(nn.Module):
    """Cross-entropy and IoU loss that weigh a voxel by how much its surroundings differ from it.

    w = 1 + 5 |mean_window(y) - y|, what lies outside of the image counting as background, and the
    mean and w that of what was judged;
    L = mean_cases,regions(Σ w BCE(z, y) / Σ w + 1 - (Σ w p y + 1) / (Σ w (p + y - p y) + 1)),
    p = sigmoid(z), the sums over space. Where logits are coarse, w and y are averaged down to them.

    Args:
        window: Pixels or voxels of the window along each axis, an odd number.

    Shape:
        - Logits: `(batch, regions, *spatial)`.
        - Target: `(batch, regions, *finer)`, averaged down to the logits; what was judged may stand
          behind.
        - Output: a scalar, the mean over cases.

    References:
        Wei et al., F3Net, AAAI 2020 (the pixel position aware loss); `structure_loss` in the
        training scripts of PraNet and Polyp-PVT.
        Differs: those scripts pass `reduce="none"`, which torch reads as a mean, so that their
        cross-entropy is not weighted at all; here it is, as in the paper.
    """

    def __init__(self, window: int = 31) -> None:
        super().__init__()
        self.window = window

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Add the two."""
        size, space = logits.shape[2:], list(range(2, logits.ndim))
        inside, judged = judged_part(target, logits.shape[1])
        # Outside of the image counts as judged.
        around = None if judged is None else 1 - window_mean(1 - judged, self.window)
        mean = over(window_mean(inside, self.window), around)
        w = shrink(weighed(1 + 5 * (mean - over(inside, judged)).abs(), judged), size)
        y = over(shrink(inside, size), None if judged is None else shrink(judged, size))
        entropy = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
        p = logits.sigmoid()
        overlap, union = (w * p * y).sum(space), (w * (p + y - p * y)).sum(space)
        iou = (overlap + 1) / (union + 1)
        return (weighted_mean(entropy, w, space) + 1 - iou).mean()


LOSSES: dict[str, Callable[[], nn.Module]] = {
    "dice+bce": DiceCrossEntropy,
    "structure": StructureLoss,
}


class SegmentationLoss(nn.Module):
    """A loss by its name, of one output or of several under deep supervision, over all processes.

    For a list of logits, Σ_k 2^-k L_k / Σ_k 2^-k, the target averaged down to each (so a coarse
    voxel's target is its share of foreground). In float32 at least. Voxels that nobody has judged
    are left out: a coarse one's target is the share of what was judged, which is what it weighs.

    Args:
        name: A key of `LOSSES`.
        total: Adds sums up over the processes that share the batch, differentiably; every process
            then has the loss of the whole batch, also where their shares of it are uneven.

    Shape:
        - Logits: `(batch, regions, *spatial)`, or a list of them, fine to coarse.
        - Target: `(batch, regions, *spatial)`, floating point, 0 or 1, or a share between; or with
          one map more behind the regions: the share of each voxel that was judged.
        - Output: a scalar.

    References:
        The halving weights as in Isensee et al., nnU-Net, Nature Methods 2021.
    """

    def __init__(
        self, name: str = "dice+bce", *, total: Callable[[Tensor], Tensor] = of_this_process
    ) -> None:
        super().__init__()
        self.of_level = LOSSES[name]()
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
            loss = self.of_level(z, target.to(z.dtype))
            cases = loss.new_tensor(len(z))
            summed, count = self.total(torch.stack([loss * cases, cases]))
            return summed / count


def judged_part(target: Tensor, regions: int) -> tuple[Tensor, Tensor | None]:
    """The share of each voxel that is foreground and was judged, and the share that was judged.

    Shape:
        - Target: `(batch, regions, *spatial)`, all of it judged, or `(batch, regions + 1, ...)`.
        - Output: `(batch, regions, *spatial)` and `(batch, 1, *spatial)`; None where all was
          judged: a map of ones would be kept, and weighed by, for nothing.
    """
    if target.shape[1] == regions:
        return target, None
    judged = target[:, regions:]
    return torch.minimum(target[:, :regions], judged), judged


def weighed(values: Tensor, weights: Tensor | None) -> Tensor:
    """Values times weights; None is 1 everywhere."""
    return values if weights is None else weights * values


def over(values: Tensor, weights: Tensor | None) -> Tensor:
    """Values divided by weights, which may be 0 where values are; None is 1 everywhere."""
    return values if weights is None else values / weights.clamp(min=_LEAST)


def weighted_mean(values: Tensor, weights: Tensor | None, space: list[int]) -> Tensor:
    """Mean over space; None weighs all alike, and no weight at all gives 0."""
    if weights is None:
        return values.mean(space)
    return over((weights * values).sum(space), weights.sum(space))


def shrink(values: Tensor, size: Sequence[int]) -> Tensor:
    """Average (batch, regions, *spatial) down to `size`."""
    if tuple(values.shape[2:]) == tuple(size):
        return values
    if values.ndim == 4:
        return F.adaptive_avg_pool2d(values, (size[0], size[1]))
    return F.adaptive_avg_pool3d(values, (size[0], size[1], size[2]))


def window_mean(values: Tensor, width: int) -> Tensor:
    """Mean of (batch, regions, *spatial) over a window around each voxel, zeros outside.

    One axis after the other, by running sums: what it costs does not grow with the window, and
    a map may be smaller than it, which torch's `avg_pool3d` refuses.
    """
    for axis in range(2, values.ndim):
        lines = F.pad(values.movedim(axis, -1), (width // 2 + 1, width // 2))
        sums = lines.cumsum(-1)
        values = ((sums[..., width:] - sums[..., :-width]) / width).movedim(-1, axis)
    return values
