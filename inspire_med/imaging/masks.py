"""Masks: the regions of a label map, and the smallest boxes that hold them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]
Regions = Mapping[str, Sequence[int]]

ANY_LABEL: tuple[int, ...] = ()  # a region of whatever is not 0


def region_masks(labels: NDArray[Any], regions: Regions) -> NDArray[np.bool_]:
    """Masks of all regions of a label map, `(regions, *spatial)`."""
    return np.stack([among(labels, values) for values in regions.values()])


def among(labels: NDArray[Any], values: Collection[int]) -> NDArray[np.bool_]:
    """Where a label map holds any of these values; a comparison a value beats a look-up table."""
    if values == ANY_LABEL:
        return np.asarray(labels != 0)
    found = np.zeros(labels.shape, dtype=bool)
    for value in values:
        found |= labels == value
    return found


def bounding_box(mask: NDArray[Any]) -> Box | None:
    """Slices around everything that is not zero, or None where all is zero."""
    box: list[slice] = []
    rest: Any = mask
    for _ in range(mask.ndim):  # each axis looks only at the shadow of what the ones before left
        present = np.flatnonzero(rest.any(axis=tuple(range(1, rest.ndim))))
        if len(present) == 0:
            return None
        side = slice(int(present[0]), int(present[-1]) + 1)
        box.append(side)
        rest = rest[side].any(axis=0)
    return tuple(box)


def joint_box(first: NDArray[Any], second: NDArray[Any]) -> Box | None:
    """Slices around everything that is not zero in either of two arrays of one shape."""
    boxes = [box for box in (bounding_box(first), bounding_box(second)) if box is not None]
    if not boxes:
        return None
    return tuple(
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )
