"""Decoder: instances and mask features become class, mask and objectness logits."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from inspire_med.detection.sparseinst.coordinates import prepend_coordinates


class Prediction(NamedTuple):
    """Raw logits of a batch.

    Args:
        classes: `(batch, masks, classes)`.
        masks: `(batch, masks, height, width)`, at stride 4.
        objectness: `(batch, masks, 1)`, of the mask's IoU with its object.
    """

    classes: Tensor
    masks: Tensor
    objectness: Tensor

    def float(self) -> "Prediction":
        """Give the logits in float32."""
        return Prediction(self.classes.float(), self.masks.float(), self.objectness.float())


@MODELS.register_module()
class SparseInstDecoder(nn.Module):
    """mask_n = up(kernel_n · M): the instance branch weighs what the mask branch sees.

    Args:
        in_channels: Channels of the encoder's map, without coordinates.
        instances: Config of an `InstanceBranch` or a `GroupInstanceBranch`.
        masks: Config of a `MaskBranch`, its `kernel_channels` the instance branch's.

    Shape:
        - Input: `(batch, in_channels, height, width)` at stride 8.
        - Output: `Prediction`, its masks twice as high and wide.
    """

    def __init__(self, in_channels: int, instances: dict, masks: dict) -> None:
        super().__init__()
        self.instances = MODELS.build({**instances, "in_channels": in_channels + 2})
        self.masks = MODELS.build({**masks, "in_channels": in_channels + 2})

    def forward(self, features: Tensor) -> Prediction:
        """Decode every instance."""
        x = prepend_coordinates(features)
        instances = self.instances(x)
        features = self.masks(x)
        masks = torch.bmm(instances.kernels, features.flatten(2))  # (b, n, h * w)
        masks = masks.unflatten(2, features.shape[2:])
        masks = F.interpolate(masks, scale_factor=2, mode="bilinear", align_corners=False)
        return Prediction(instances.classes, masks, instances.objectness)
