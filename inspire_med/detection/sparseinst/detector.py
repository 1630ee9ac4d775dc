"""Detector: SparseInst with the face of an mmdet detector."""

from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from torch import Tensor

from inspire_med.detection.sparseinst.decoder import Prediction
from inspire_med.detection.sparseinst.results import sizes_of, to_instances
from inspire_med.errors import InputError


@MODELS.register_module()
class SparseInst(BaseDetector):
    """Masks of all objects of an image at once, without boxes, anchors or NMS.

    Losses and results are in float32 whatever the network runs in (`AmpOptimWrapper`, autocast).

    Args:
        backbone: Config of a backbone that gives C3, C4 and C5.
        neck: Config of an `InstanceContextEncoder`.
        decoder: Config of a `SparseInstDecoder`.
        criterion: Config of a `SparseInstCriterion`.
        test_cfg: `score_thr`, least sqrt(class · objectness), and `mask_thr`, the probability
            above which a pixel belongs to the mask.
        data_preprocessor: Config of a `DetDataPreprocessor`, its `pad_mask` True.
        init_cfg: mmengine's.

    References:
        Cheng et al., Sparse Instance Activation for Real-Time Instance Segmentation, CVPR 2022.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        decoder: dict,
        criterion: dict,
        *,
        test_cfg: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.decoder = MODELS.build(decoder)
        self.criterion = MODELS.build(criterion)
        self.test_cfg = test_cfg

    # mmdet's own abstract methods seem to return None.
    def extract_feat(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, batch_inputs: Tensor
    ) -> Tensor:
        """Encode images `(batch, 3, height, width)` to one map at stride 8."""
        return self.neck(self.backbone(batch_inputs))

    def loss(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]
    ) -> dict[str, Tensor]:
        """Give the losses, by name.

        Raises:
            InputError: If the objects have no masks, or masks not padded as the images are.
        """
        prediction = self._forward(batch_inputs).float()
        size = prediction.masks.shape[2:]
        objects: list[Any] = [sample.gt_instances for sample in batch_data_samples]
        labels = [instances.labels for instances in objects]
        targets = [
            F.interpolate(masks[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
            for masks in (_masks_of(instances, batch_inputs) for instances in objects)
        ]
        with torch.autocast(batch_inputs.device.type, enabled=False):
            return self.criterion(prediction, labels, targets)

    def predict(
        self,
        batch_inputs: Tensor,
        batch_data_samples: list[DetDataSample],
        rescale: bool = True,
    ) -> list[DetDataSample]:
        """Put `pred_instances` into every sample, at the original images' size if `rescale`."""
        prediction = self._forward(batch_inputs).float()
        with torch.autocast(batch_inputs.device.type, enabled=False):
            results = [
                to_instances(
                    Prediction(*logits), sizes_of(sample.metainfo, rescale=rescale), **self.test_cfg
                )
                for *logits, sample in zip(*prediction, batch_data_samples, strict=True)
            ]
        return self.add_pred_to_datasample(batch_data_samples, results)

    def _forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample] | None = None
    ) -> Prediction:
        """Give the raw logits."""
        return self.decoder(self.extract_feat(batch_inputs))


def _masks_of(objects: Any, batch_inputs: Tensor) -> Tensor:
    """Give the objects' masks `(objects, height, width)`, padded as the images are."""
    if "masks" not in objects:
        raise InputError(
            "train_pipeline: the objects come without masks, which SparseInst learns from; give "
            "LoadAnnotations with_mask=True."
        )
    masks = objects.masks.to_tensor(torch.bool, batch_inputs.device).float()
    if masks.shape[1:] != batch_inputs.shape[2:]:
        raise InputError(
            f"model.data_preprocessor: masks of {tuple(masks.shape[1:])} stand beside images of "
            f"{tuple(batch_inputs.shape[2:])}; set pad_mask=True."
        )
    return masks
