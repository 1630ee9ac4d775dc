"""Rules: what is done to a region's mask before it is painted."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import MapTransform
from numpy.typing import NDArray
from scipy import ndimage


class Rulesd(MapTransform):
    """Fill holes, remove small parts, keep the largest one, drop a region that is small as a whole.

    Sizes are in ml of volumes, and in per cent of the picture of pictures.

    Args:
        keys: Masks, `(regions, *spatial)`, on the grid of the case's file.
        rules: Of each region, in the order of the masks: any of `fill_holes`, `smallest_part`,
            `largest_only` and `smallest_total`.
    """

    def __init__(self, keys: Sequence[str], rules: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(keys)
        self.rules = rules

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give the masks that the rules leave."""
        found = dict(data)
        for key in self.key_iterator(found):
            masks: MetaTensor = found[key]
            stored = masks.as_tensor().numpy() > 0
            if stored.ndim == 4:
                own = torch.as_tensor(masks.meta["original_affine"]).numpy()
                voxel = float(abs(np.linalg.det(own[:3, :3]))) / 1000
            else:
                voxel = 100 / stored[0].size
            pairs = zip(stored, self.rules, strict=True)
            left = np.stack([_left(mask, voxel, rules) for mask, rules in pairs])
            found[key] = MetaTensor(torch.from_numpy(left), meta=dict(masks.meta))
        return found


def _left(mask: NDArray[np.bool_], voxel: float, rules: Mapping[str, Any]) -> NDArray[np.bool_]:
    if rules.get("fill_holes"):
        mask = np.asarray(ndimage.binary_fill_holes(mask))
    smallest, largest_only = rules.get("smallest_part", 0), rules.get("largest_only", False)
    if smallest or largest_only:
        parts: Any = np.zeros(mask.shape, np.int32)
        ndimage.label(mask, np.ones((3,) * mask.ndim), output=parts)  # corners connect, too
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        kept = sizes * voxel >= smallest
        kept[0] = False
        if largest_only:
            kept &= np.arange(len(sizes)) == sizes.argmax()
        mask = kept[parts]
    return mask if mask.sum() * voxel >= rules.get("smallest_total", 0) else np.zeros_like(mask)
