"""Instance TTA: predictions of several views of an image, boxes and masks, merged into one."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.ops import batched_nms
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_flip
from mmdet.structures.mask import encode_mask_results
from mmengine.model import BaseTTAModel
from mmengine.structures import InstanceData
from pycocotools import mask as run_lengths
from torch import Tensor

# Axes of (height, width) that a view's flip has turned round.
FLIPPED = {"horizontal": (-1,), "vertical": (-2,), "diagonal": (-2, -1)}


@MODELS.register_module()
class InstanceTTAModel(BaseTTAModel):
    """A detector tested at several scales and flips, with or without masks.

    Every view (one scale, one flip) is predicted on its own, down to its own NMS. A view's
    detections are brought back to the image: the scale by the detector itself, a flip here. Then
    one NMS by class runs over the boxes of all views, and the best `max_per_img` stay. Each of
    them keeps the score of the one view it comes from, and that view's mask: masks are neither
    averaged nor fused. For a detector without masks this is mmdet's `DetTTAModel`, which refuses
    others.

    While views are collected their masks are kept as run lengths, so that only one view's are
    ever held in full (n bytes for every pixel of the image, n up to the detector's own limit).

    Args:
        tta_cfg: `nms`, the config of mmcv's `batched_nms`, and `max_per_img`, how many
            detections an image keeps.
        module: The detector or its config. mmdet's and our test commands fill it in.
        data_preprocessor: Replaces the detector's own, if given.
    """

    def __init__(
        self, tta_cfg: dict[str, Any], module: Any, data_preprocessor: Any | None = None
    ) -> None:
        super().__init__(module, data_preprocessor)
        self.nms = tta_cfg["nms"]
        self.max_per_img = tta_cfg["max_per_img"]

    def test_step(self, data: Any) -> list[Any]:
        """Predict a batch of images from all their views.

        Args:
            data: `inputs` and `data_samples`, each a list over views of lists over images, as
                mmcv's `TestTimeAug` and mmengine's `pseudo_collate` make them.

        Returns:
            One data sample an image, its `pred_instances` with bboxes, scores, labels and, where
            the detector gives them, masks `(n, height, width)`.
        """
        views = [
            self._predict({key: value[index] for key, value in data.items()})
            for index in range(len(data["inputs"]))
        ]
        return self.merge_preds(list(zip(*views, strict=True)))

    def merge_preds(self, data_samples_list: Any) -> list[Any]:
        """Merge the views of every image.

        Args:
            data_samples_list: A sequence over images of sequences over views of data samples.
        """
        return [self._merge(samples) for samples in data_samples_list]

    def _predict(self, view: dict[str, list[Any]]) -> list[DetDataSample]:
        """Predict one view of every image, and pack the masks."""
        flips = [sample.get("flip", False) for sample in view["data_samples"]]
        # mmdet's cascades, told of a flip, turn every mask round inside its own box, or try to:
        # torch has no negative steps. They see the view as an image of its own.
        for sample in view["data_samples"]:
            sample.set_metainfo({"flip": False})
        detector: Any = self.module
        predicted = detector.test_step(view)
        for sample, flip in zip(predicted, flips, strict=True):
            sample.set_metainfo({"flip": flip})
            _pack(sample)
        return predicted

    def _merge(self, samples: Sequence[DetDataSample]) -> DetDataSample:
        views = [sample.pred_instances for sample in samples]
        bboxes = torch.cat([_upright_boxes(sample) for sample in samples])
        scores = torch.cat([view.get("scores") for view in views])
        labels = torch.cat([view.get("labels") for view in views])
        kept = torch.empty(0, dtype=torch.long)
        if len(bboxes):
            detections, kept = batched_nms(bboxes, scores, labels, self.nms)
            kept = kept[: self.max_per_img]
            bboxes, scores = detections[: self.max_per_img].split([4, 1], dim=1)
        merged = InstanceData(bboxes=bboxes, scores=scores.flatten(), labels=labels[kept])
        if "masks" in views[0]:
            merged.masks = _upright_masks(samples, kept.tolist()).to(bboxes.device)
        result = samples[0]
        result.pred_instances = merged
        return result


def _pack(sample: DetDataSample) -> None:
    """Replace a sample's masks by run lengths."""
    masks = sample.pred_instances.get("masks")
    if masks is not None:
        sample.pred_instances.masks = encode_mask_results(masks.cpu().numpy())


def _upright_boxes(sample: DetDataSample) -> Tensor:
    bboxes = sample.pred_instances.get("bboxes")
    if not sample.get("flip", False):
        return bboxes
    return bbox_flip(bboxes, sample.get("ori_shape"), sample.get("flip_direction"))


def _upright_masks(samples: Sequence[DetDataSample], kept: list[int]) -> Tensor:
    """Take the kept ones out of the masks of all views, and undo the flip of each one's view."""
    owners = [(sample, index) for sample in samples for index in range(len(sample.pred_instances))]
    masks = torch.zeros(len(kept), *samples[0].get("ori_shape")[:2], dtype=torch.bool)
    for target, number in enumerate(kept):
        sample, index = owners[number]
        mask = sample.pred_instances.get("masks")[index]
        mask = mask if isinstance(mask, Tensor) else torch.as_tensor(run_lengths.decode(mask))
        if sample.get("flip", False):
            mask = mask.flip(FLIPPED[sample.get("flip_direction")])
        masks[target] = mask
    return masks
