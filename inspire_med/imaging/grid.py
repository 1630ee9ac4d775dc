"""Grid: where the voxels of a volume lie, and how two volumes lie to each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TOLERANCE_MM = 0.1  # headers round


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


def tolerance_mm(first: Grid, second: Grid) -> float:
    """How far apart the corners of two grids may lie that are one: 0.1 mm, below half a voxel."""
    lengths = [np.linalg.norm(grid.affine[:3, :3], axis=0).min() for grid in (first, second)]
    return min(_TOLERANCE_MM, float(min(lengths)) * 0.49)


def widest_slant(grid: Grid) -> float:
    """How far two axes of a grid are from a right angle at most, in degrees."""
    axes = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    return float(np.degrees(np.arcsin(np.clip(np.abs(axes.T @ axes - np.eye(3)).max(), 0, 1))))


def same_grid(first: Grid, second: Grid) -> bool:
    """Do two grids put every voxel in the same place, to `tolerance_mm`?"""
    if first.shape != second.shape:
        return False
    return corner_distance_mm(first, second) <= tolerance_mm(first, second)


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


def apart_in_words(first: Grid, second: Grid) -> str:
    """In what, and along which axes, two grids of one shape differ: `shifted along k`."""
    sizes = [np.linalg.norm(grid.affine[:3, :3], axis=0) for grid in (first, second)]
    ways = [grid.affine[:3, :3] / size for grid, size in zip((first, second), sizes, strict=True)]
    reach = np.array((*first.shape, 1, 1)[:3])
    limit = tolerance_mm(first, second)
    said: list[str] = []
    turned = np.linalg.norm(ways[0] - ways[1], axis=0) * sizes[0] * reach > limit
    if turned.any():
        said.append(f"turned along {_axes(turned)}")
    other = np.abs(sizes[0] - sizes[1]) * reach > limit
    if other.any():
        mm = " x ".join(f"{size:.4g}" for size in sizes[0])
        own = " x ".join(f"{size:.4g}" for size in sizes[1])
        said.append(f"voxels of {mm} mm where {own} mm, along {_axes(other)}")
    shift = np.abs(np.linalg.solve(ways[1], (first.affine - second.affine)[:3, 3])) > limit
    if shift.any() and not said:
        said.append(f"shifted along {_axes(shift)}")
    return " and ".join(said)


def _axes(which: NDArray[np.bool_]) -> str:
    return ", ".join(np.array(["i", "j", "k"])[which])


def corner_distance_mm(first: Grid, second: Grid) -> float:
    """Largest distance between the corresponding corner voxels of two grids of one shape."""
    sizes = (*first.shape, 1, 1)[:3]
    ends = np.array(np.meshgrid(*[(0, size - 1) for size in sizes])).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    apart = ((first.affine - second.affine) @ corners)[:3]
    return float(np.linalg.norm(apart, axis=0).max())
