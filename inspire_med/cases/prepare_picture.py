"""Prepare picture: a colour image and its mask on the network's grid."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.cases.normalise import scale_picture
from inspire_med.imaging.masks import region_masks


def picture_image(
    picture: NDArray[np.uint8], planes: Sequence[int], size: tuple[int, int] | None, name: str
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Resize and normalise a picture.

    Args:
        picture: (height, width, 3), values 0-255.
        planes: Its planes in the order of the network's input.
        size: (height, width) to resize to; None keeps the picture's own.
        name: For the record.

    Returns:
        (planes, *size) and the record that `restore` reads.
    """
    height, width = size or picture.shape[:2]
    record: dict[str, Any] = {
        "id": name,
        "kind": "picture",
        "shape": list(picture.shape[:2]),
        "spacing_mm": [1.0, 1.0],
        "box": [[0, side] for side in picture.shape[:2]],
        "size": [height, width],
    }
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    return scale_picture(np.asarray(resized))[list(planes)], record


def picture_target(
    mask: NDArray[np.uint8], record: Mapping[str, Any], regions: Mapping[str, Sequence[int]]
) -> NDArray[np.uint8]:
    """Bring a 0/1 mask (height, width) to the size of its picture's record, (regions, *size)."""
    smooth = Image.fromarray(mask * 255).resize(record["size"][::-1], Image.Resampling.BILINEAR)
    label = (np.asarray(smooth) >= 128).astype(np.uint8)
    return region_masks(label, regions).astype(np.uint8)
