"""Grid: how far apart two files put the same voxel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRID_TOLERANCE_MM = 0.1  # grids whose corners lie no farther apart are one; headers round


def corner_distance_mm(first: NDArray[Any], second: NDArray[Any], shape: Sequence[int]) -> float:
    """Largest distance between the corresponding corner voxels of two grids of one shape.

    Args:
        first: Affine from voxel to world in mm, (4, 4).
        second: The other grid's.
        shape: Voxels along up to three axes.
    """
    sizes = (*shape, 1, 1)[:3]
    ends = np.array(np.meshgrid(*[(0, size - 1) for size in sizes])).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    apart = (first @ corners - second @ corners)[:3]
    return float(np.linalg.norm(apart, axis=0).max())
