"""Matching: each object of an image gets the one mask that suits it best."""

from typing import NamedTuple

import torch
from mmdet.registry import TASK_UTILS
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from inspire_med.detection.sparseinst.losses import pairwise_dice


class Match(NamedTuple):
    """Pairs within one image: `masks[i]` goes with `objects[i]`, both int64 `(pairs,)`."""

    masks: Tensor
    objects: Tensor


@TASK_UTILS.register_module()
class DiceMatcher:
    """Hungarian matching by C = dice^α p^β, p the probability of the object's class.

    Args:
        alpha: Power of the dice.
        beta: Power of the probability.

    References:
        Cheng et al., SparseInst, CVPR 2022, eq. 2.
    """

    def __init__(self, alpha: float = 0.8, beta: float = 0.2) -> None:
        self.alpha = alpha
        self.beta = beta

    @torch.no_grad()
    def match(self, classes: Tensor, masks: Tensor, labels: Tensor, targets: Tensor) -> Match:
        """Match one image's masks with its objects; the lesser number of the two is matched.

        Args:
            classes: Class logits `(masks, classes)`, float32.
            masks: Mask logits `(masks, height, width)`, float32.
            labels: Class of every object `(objects,)`.
            targets: Mask of every object `(objects, height, width)` in [0, 1].
        """
        probability = torch.sigmoid(classes)[:, labels]
        score = pairwise_dice(masks, targets) ** self.alpha * probability**self.beta
        # float16 that overflowed must reach the loss scaler, which skips the step, not end here.
        chosen = linear_sum_assignment(score.nan_to_num(0).cpu().numpy(), maximize=True)
        return Match(*(torch.from_numpy(index).to(labels.device) for index in chosen))
