"""Layers: a volume and its masks as NiiVue takes them, in 3-D."""

from collections.abc import Mapping
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from inspire_med.viz import paint

_COLOURMAPS = ("red", "blue", "green", "violet")  # NiiVue's own, a set of masks each


def niivue_layers(
    image: NDArray[Any],
    masks: Mapping[str, NDArray[Any]],
    affine: NDArray[Any],
) -> list[dict[str, Any]]:
    """What `NiiVue().load_volumes` takes: the image in grey, and each set of masks over it.

    Files in memory, so that it does not matter in which format the case is stored.

    Args:
        image: `(channels, i, j, k)`; the first channel is shown, by `paint.window`.
        masks: Name to `(regions, i, j, k)`. A voxel's value is the number of regions that hold it,
            so that nested regions are brighter from outer to inner.
        affine: Voxel to RAS+ world.
    """
    low, high = paint.window(image[:1])
    shown = {"colormap": "gray", "cal_min": low, "cal_max": high}
    layers = [{"name": "image.nii", "data": _file(image[0].astype(np.float32), affine), **shown}]
    for (name, each), colours in zip(masks.items(), _COLOURMAPS, strict=False):
        depth = np.asarray(each, dtype=bool).sum(axis=0, dtype=np.uint8)
        scale = {"cal_min": 0.0, "cal_max": float(len(each)), "opacity": 0.5}
        layers.append({"name": f"{name}.nii", "data": _file(depth, affine), "colormap": colours,
                       **scale})  # fmt: skip
    return layers


def _file(values: NDArray[Any], affine: NDArray[Any]) -> bytes:
    return nibabel.Nifti1Image(values, affine).to_bytes()
