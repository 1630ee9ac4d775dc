"""Criterion: the four losses of SparseInst over the matched pairs of a batch."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.utils import reduce_mean
from torch import Tensor, nn

from inspire_med.detection.sparseinst.decoder import Prediction
from inspire_med.detection.sparseinst.losses import dice, focal_loss, mask_iou


@MODELS.register_module()
class SparseInstCriterion(nn.Module):
    """Focal loss over all masks; dice, pixel and objectness losses over the matched ones.

    Classification and dice are divided by the batch's number of objects, averaged over the
    processes and at least one; the pixel and the objectness loss are means. A batch without
    objects has zero for all but the classification, each still part of the graph.

    Args:
        matcher: Config of a `DiceMatcher`.
        classification: Weight of the focal loss.
        dice: Weight of 1 - dice.
        pixel: Weight of the binary cross entropy of every pixel.
        objectness: Weight of the binary cross entropy with the mask's IoU.

    References:
        Cheng et al., SparseInst, CVPR 2022, eq. 3 and 4.
    """

    def __init__(
        self,
        matcher: dict,
        *,
        classification: float = 2,
        dice: float = 2,
        pixel: float = 5,
        objectness: float = 1,
    ) -> None:
        super().__init__()
        self.matcher = TASK_UTILS.build(matcher)
        self.weights = {
            "loss_cls": classification,
            "loss_dice": dice,
            "loss_mask": pixel,
            "loss_objectness": objectness,
        }

    def forward(
        self, prediction: Prediction, labels: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """Match, then weigh the losses.

        Args:
            prediction: Float32 logits of the batch.
            labels: For each image the objects' classes `(objects,)`, int64.
            targets: For each image their masks `(objects, height, width)` in [0, 1], at the
                predicted masks' size.
        """
        images = zip(prediction.classes, prediction.masks, labels, targets, strict=True)
        matches = [self.matcher.match(*image) for image in images]
        pairs = list(zip(matches, labels, targets, strict=True))
        image = torch.cat(
            [torch.full_like(match.masks, index) for index, match in enumerate(matches)]
        )
        chosen = (image, torch.cat([match.masks for match in matches]))
        label = torch.cat([classes[match.objects] for match, classes, _ in pairs])
        target = torch.cat([masks[match.objects] for match, _, masks in pairs])

        objects = prediction.classes.new_tensor(sum(map(len, labels)))
        count = reduce_mean(objects).clamp(min=1)
        wanted = torch.zeros_like(prediction.classes)
        wanted[(*chosen, label)] = 1
        mask = prediction.masks[chosen]
        losses = {
            "loss_cls": focal_loss(prediction.classes, wanted) / count,
            "loss_dice": (1 - dice(mask, target)).sum() / count,
            "loss_mask": mean_entropy(mask, target),
            "loss_objectness": mean_entropy(
                prediction.objectness[chosen].squeeze(1), mask_iou(mask, target)
            ),
        }
        return {name: self.weights[name] * loss for name, loss in losses.items()}


def mean_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross entropy; zero, and still in the graph, where there is nothing."""
    total = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return total / max(1, logits.numel())
