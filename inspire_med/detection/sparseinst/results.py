"""Results: one image's logits become scored, labelled masks at its own size, without NMS."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor

from inspire_med.detection.sparseinst.decoder import Prediction

# A hundred masks of a large photograph are not all held as float32 at once.
PIXELS_AT_ONCE = 2**27


class Sizes(NamedTuple):
    """Heights and widths of one image, (height, width) each.

    Args:
        padded: Of the batch the network saw.
        resized: Of the image within it, at its left top.
        wanted: Of the masks to give.
    """

    padded: tuple[int, int]
    resized: tuple[int, int]
    wanted: tuple[int, int]


@torch.no_grad()
def to_instances(
    prediction: Prediction, sizes: Sizes, *, score_thr: float, mask_thr: float
) -> InstanceData:
    """Keep the masks that score above `score_thr`, and bring them to the wanted size.

    The score is sqrt(class · objectness) times the mean probability within the mask.

    Args:
        prediction: One image's float32 logits: no batch axis.
        sizes: Where the image is in the batch, and the size to give.
        score_thr: Least sqrt(class · objectness).
        mask_thr: Probability above which a pixel belongs to the mask.

    Returns:
        `scores (n,)`, `labels (n,)`, `masks (n, height, width)` bool and the masks' own
        `bboxes (n, 4)`, in no order.
    """
    scores = torch.sigmoid(prediction.classes) * torch.sigmoid(prediction.objectness)
    scores, labels = scores.sqrt().max(dim=1)
    kept = scores > score_thr
    probability = torch.sigmoid(prediction.masks[kept])
    inside = probability > mask_thr
    certainty = (probability * inside).sum(dim=(1, 2)) / (inside.sum(dim=(1, 2)) + 1e-6)
    masks = resize_masks(probability, sizes, mask_thr)
    return InstanceData(
        scores=scores[kept] * certainty,
        labels=labels[kept],
        masks=masks,
        bboxes=bounding_boxes(masks),
    )


def resize_masks(probability: Tensor, sizes: Sizes, threshold: float) -> Tensor:
    """Undo the network's stride, the padding and the resizing, then binarise.

    Args:
        probability: `(n, height, width)` of the padded image.
        sizes: The image's.
        threshold: Probability above which a pixel belongs to the mask.

    Returns:
        `(n, *sizes.wanted)`, bool.
    """
    largest = max(height * width for height, width in sizes)
    parts: list[Tensor] = []
    for part in probability[:, None].split(max(1, PIXELS_AT_ONCE // largest)):
        padded = _bilinear(part, sizes.padded)
        image = padded[..., : sizes.resized[0], : sizes.resized[1]]
        parts.append(_bilinear(image, sizes.wanted).squeeze(1) > threshold)
    return torch.cat(parts)


def bounding_boxes(masks: Tensor) -> Tensor:
    """Give each mask's box x1, y1, x2, y2, its end excluded; zeros for an empty mask.

    Args:
        masks: `(n, height, width)`, bool.

    Returns:
        `(n, 4)`, float32.
    """
    left, right = _extent(masks.any(dim=1))
    top, bottom = _extent(masks.any(dim=2))
    return torch.stack([left, top, right, bottom], dim=1).float()


def _extent(hit: Tensor) -> tuple[Tensor, Tensor]:
    """Find the first place that is hit, and the one after the last: `(n, length)` to `(n,)`."""
    length = hit.shape[1]
    place = torch.arange(length, device=hit.device)
    first = torch.where(hit, place, length).amin(dim=1)
    after = torch.where(hit, place + 1, 0).amax(dim=1)
    return torch.minimum(first, after), after


def _bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def sizes_of(meta: dict[str, Any], *, rescale: bool) -> Sizes:
    """Read an image's sizes from its metainfo; the original one is wanted where `rescale`."""
    resized = tuple(meta["img_shape"][:2])
    wanted = tuple(meta["ori_shape"][:2]) if rescale else resized
    return Sizes(tuple(meta["batch_input_shape"]), resized, wanted)
