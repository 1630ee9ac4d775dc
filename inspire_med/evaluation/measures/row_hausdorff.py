"""Row Hausdorff: the Hausdorff distance of two pictures' rows, each row one point.

Source: EndoCV2021's `compute_seg.py` gives whole masks to the package hausdorff, which takes each
row of an array for a point. Such a point has a coordinate a column, so that the distance of two
rows is the root of the number of pixels in which they differ: no distance between outlines.
"""

import numpy as np
from numpy.typing import NDArray


def row_hausdorff(reference: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Largest distance from a row of one mask to the nearest row of the other, whatever its place.

    Args:
        reference: `(height, width)`.
        prediction: Likewise.
    """
    ours, theirs = (mask.astype(np.float32) for mask in (reference, prediction))
    # Pixels that differ: those of one row, those of the other, without twice the shared ones.
    differing = ours.sum(axis=1)[:, np.newaxis] + theirs.sum(axis=1) - 2 * ours @ theirs.T
    nearest = max(differing.min(axis=0).max(), differing.min(axis=1).max())
    return float(np.sqrt(np.float64(nearest)))
