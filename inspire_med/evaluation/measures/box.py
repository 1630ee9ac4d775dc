"""Box: the smallest part of an array that holds all its foreground."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]


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
