"""Regions: overlapping masks painted as one label map."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import MapTransform

from inspire_med.imaging.masks import labels_from_regions, values_of


class Thresholdd(MapTransform):
    """Say where probabilities are above a threshold; MONAI's own takes what is equal, too.

    Args:
        keys: Probabilities, `(regions, *spatial)`.
        thresholds: Of each region.
    """

    def __init__(self, keys: Sequence[str], thresholds: Sequence[float]) -> None:
        super().__init__(keys)
        self.thresholds = thresholds

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give masks of the same shape."""
        found = dict(data)
        for key in self.key_iterator(found):
            limits = torch.tensor(self.thresholds).view(-1, *[1] * (found[key].dim() - 1))
            found[key] = found[key] > limits
        return found


class Paintd(MapTransform):
    """Paint masks, the region of most label values first, each with a value of its own.

    A region counts only where the regions that hold all of its values are found too.

    Args:
        keys: Masks, `(regions, *spatial)`, on the grid of the case's file.
        regions: Region name to label values, in the order of the masks.
        white: What 1 becomes where no other value can occur; 255 in pictures.
    """

    def __init__(
        self, keys: Sequence[str], regions: Mapping[str, Sequence[int]], white: int = 1
    ) -> None:
        super().__init__(keys)
        self.regions = regions
        self.white = np.uint8(white if values_of(regions) <= {1} else 1)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give the label map, `(*spatial)`, where the file's affine puts it, named by the case."""
        found = dict(data)
        for key in self.key_iterator(found):
            masks: MetaTensor = found[key]
            labels = labels_from_regions(masks.as_tensor().numpy() > 0, self.regions) * self.white
            meta = {**masks.meta, "filename_or_obj": f"{data['case']}.nii.gz"}
            found[key] = MetaTensor(torch.from_numpy(labels), meta=meta)
            if "original_affine" in meta:  # pictures have none
                found[key].affine = torch.as_tensor(meta["original_affine"])
        return found
