"""Losses: focal, dice and the IoU that objectness learns, each over given pairs."""

import torch
import torch.nn.functional as F
from torch import Tensor


def focal_loss(logits: Tensor, targets: Tensor, *, alpha: float = 0.25, gamma: float = 2) -> Tensor:
    """Sum the sigmoid focal loss over all logits.

    -α_t (1 - p_t)^γ log p_t, with p_t the probability given to what is true, and α_t = α for
    positives, 1 - α for negatives.

    Args:
        logits: Any shape.
        targets: Zeros and ones of that shape.
        alpha: Weight of positives.
        gamma: How much less the easy ones count.

    References:
        Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, eq. 5.
    """
    p = torch.sigmoid(logits)
    missed = p + targets - 2 * p * targets  # 1 - p_t
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (weight * missed**gamma * entropy).sum()


def pairwise_dice(logits: Tensor, targets: Tensor) -> Tensor:
    """Dice of every mask with every target: 2 Σ s t / (Σ s² + Σ t² + 1e-4), s = sigmoid(logit).

    Args:
        logits: `(masks, height, width)`, float32.
        targets: `(objects, height, width)` in [0, 1].

    Returns:
        `(masks, objects)`.
    """
    s, t = torch.sigmoid(logits).flatten(1), targets.flatten(1)
    size = s.square().sum(dim=1)[:, None] + t.square().sum(dim=1)
    return 2 * s @ t.T / (size + 1e-4)


def dice(logits: Tensor, targets: Tensor) -> Tensor:
    """Dice of every mask with its own target: `(pairs, height, width)` twice to `(pairs,)`."""
    s, t = torch.sigmoid(logits).flatten(1), targets.flatten(1)
    return 2 * (s * t).sum(dim=1) / (s.square().sum(dim=1) + t.square().sum(dim=1) + 1e-4)


@torch.no_grad()
def mask_iou(logits: Tensor, targets: Tensor) -> Tensor:
    """IoU of every mask at probability >= 0.4 with its own target at > 0.5, without gradient.

    Args:
        logits: `(pairs, height, width)`, float32.
        targets: The same shape, in [0, 1].

    Returns:
        `(pairs,)`; two empty masks have 0.
    """
    mask, target = torch.sigmoid(logits).flatten(1) >= 0.4, targets.flatten(1) > 0.5
    both = (mask & target).sum(dim=1)
    return both / ((mask | target).sum(dim=1) + 1e-6)
