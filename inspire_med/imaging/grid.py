"""Grid: where the voxels of a volume lie, and how two volumes lie to each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID_TOLERANCE_MM = 0.1  # grids whose corners lie no farther apart are one; headers round


@dataclass(frozen=True)
class Grid:
    """Where voxels lie: `shape` (i, j[, k]), `affine` (4, 4) from voxel to RAS+ millimetres."""

    shape: tuple[int, ...]
    affine: NDArray[np.float64]

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Voxel size along i, j, k: the lengths of the affine's columns."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return tuple(round(float(length), 6) for length in lengths)


def same_grid(first: Grid, second: Grid) -> bool:
    """Do two grids put every voxel in the same place, to `GRID_TOLERANCE_MM`?"""
    if first.shape != second.shape:
        return False
    return corner_distance_mm(first, second) <= GRID_TOLERANCE_MM


def grids_overlap(first: Grid, second: Grid) -> bool:
    """Do the boxes of two grids share room?

    Two convex bodies are apart if and only if a plane parts them; for boxes it can be laid along
    two of their edges (separating axes, Gottschalk 1996).
    """
    grids = (first, second)
    edges = np.hstack([grid.affine[:3, :3] * np.array(grid.shape) for grid in grids]).T
    middles = [grid.affine @ [*((np.array(grid.shape) - 1) / 2), 1] for grid in grids]
    normals = np.cross(edges[:, None], edges[None]).reshape(-1, 3)
    reach = np.abs(normals @ edges.T).sum(axis=1) / 2
    return bool((np.abs(normals @ (middles[0] - middles[1])[:3]) <= reach).all())


def corner_distance_mm(first: Grid, second: Grid) -> float:
    """Largest distance between the corresponding corner voxels of two grids of one shape."""
    sizes = (*first.shape, 1, 1)[:3]
    ends = np.array(np.meshgrid(*[(0, size - 1) for size in sizes])).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    apart = ((first.affine - second.affine) @ corners)[:3]
    return float(np.linalg.norm(apart, axis=0).max())
