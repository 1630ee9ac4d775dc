"""Far: the closest point of a set where it is many steps away.

A tree answers few points fast: its cost grows with their number. Where there are many, scattered
over the box, one distance transform of the box answers all of them at once.
"""

from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree

from inspire_med.evaluation.measures.flat import Points

_DENSE = 0.02  # points per voxel of the box from which a transform is faster than the tree
# The transform in steps works in float32, which holds whole squares up to 2 ** 24 and keeps the
# places where two parabolas meet apart in boxes of this size.
_MOST_STEPS = 2**10


def far_mm(points: Points, others: Points, spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each of `points` to the closest of `others`, `(n,)`; neither set is empty.

    Args:
        points: `(n, dims)` grid positions from 0.
        others: `(m, dims)`, likewise.
        spacing: Size in mm of a grid step along each axis.
    """
    size = np.maximum(points.max(axis=0), others.max(axis=0)) + 1
    if len(points) < _DENSE * size.prod():
        tree = KDTree(others * spacing, leafsize=32, balanced_tree=False, compact_nodes=False)
        return lengths_mm(points - others[tree.query(points * spacing)[1]], spacing)
    free = np.ones(size, dtype=bool)
    free[tuple(others.T)] = False
    if np.ptp(spacing) == 0 and size.max() <= _MOST_STEPS:
        squares: NDArray[np.float32] = edt.edtsq(free, parallel=1)[tuple(points.T)]
        return np.sqrt(squares, dtype=np.float64) * spacing[0]
    nearest: Any = distance_transform_edt(
        free, sampling=spacing, return_distances=False, return_indices=True
    )
    return lengths_mm(points - nearest[(slice(None), *points.T)].T, spacing)


def lengths_mm(steps: NDArray[Any], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths of steps, `(n, dims)`, on the grid.

    Whole steps times spacing, not a difference of products: 10 steps of 0.1 mm are 1 mm to the
    digit, wherever in the volume they lie, and so pass `distance <= 1`.
    """
    if np.ptp(spacing) == 0:
        return np.sqrt(np.einsum("nd,nd->n", steps, steps), dtype=np.float64) * spacing[0]
    sides = steps * spacing
    return np.asarray(np.sqrt(np.einsum("nd,nd->n", sides, sides)))
