"""Border: the voxels of a mask that touch the outside by a face.

What one erosion with the cross of face neighbours removes, as MONAI and MedPy have it; outside the
array is background.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.flat import FlatBox, Points
from inspire_med.imaging.masks import bounding_box


def border_voxels(mask: NDArray[Any]) -> Points:
    """Positions `(n, dims)`, in scan order, of foreground voxels with a face neighbour outside."""
    sides = bounding_box(mask)
    if sides is None:
        return np.empty((0, mask.ndim), dtype=np.intp)
    box = FlatBox([side.stop - side.start for side in sides], (1,) * mask.ndim)
    row = box.laid_out(mask[sides])
    core = slice(box.lead, box.length - box.lead)
    inner = row[core].copy()
    for stride in box.strides:
        for step in (-stride, stride):
            inner &= row[core.start + step : core.stop + step]
    return box.points(np.flatnonzero(row[core] > inner)) + [side.start for side in sides]
