"""Surface: distances between the surfaces of two masks, in mm.

Two conventions, because published numbers use both: HD and NSD on area-weighted surface elements
(`surface_elements.py`), ASSD on border voxels as MedPy and MONAI (`symmetric=True`) have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.box import bounding_box
from inspire_med.evaluation.measures.nearest import Points, nearest_mm
from inspire_med.evaluation.measures.surface_elements import surface_elements


@dataclass(frozen=True)
class Directed:
    """Distances from each element of one surface to the other surface.

    Attributes:
        distance_mm: `(n,)`; infinite where the other surface is empty.
        weight: `(n,)`, what each element counts: its area.
    """

    distance_mm: NDArray[np.float64]
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class SurfaceDistances:
    """Both directions between a reference and a prediction."""

    from_reference: Directed
    from_prediction: Directed

    @property
    def empty(self) -> tuple[bool, bool]:
        """Whether reference and prediction are without any surface."""
        return len(self.from_reference.weight) == 0, len(self.from_prediction.weight) == 0


def surface_distances(
    reference: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """Measure both directions between the surface elements of two boolean masks of one shape."""
    (corners, areas), (other_corners, other_areas) = (
        _placed_elements(mask, spacing_mm) for mask in (reference, prediction)
    )
    return SurfaceDistances(
        Directed(nearest_mm(corners, other_corners, spacing_mm), areas),
        Directed(nearest_mm(other_corners, corners, spacing_mm), other_areas),
    )


def hausdorff_mm(distances: SurfaceDistances, percentile: float = 95.0) -> float:
    """Larger of the two directed distances that reach `percentile` of the area.

    Per direction, elements sorted by distance (ties by area), the first whose cumulative share of
    the area is at least percentile / 100; no interpolation. 100 gives the Hausdorff distance.
    Both empty 0, one empty infinite.
    """
    if any(distances.empty):
        return 0.0 if all(distances.empty) else float("inf")
    return max(
        _reaching(directed, percentile / 100)
        for directed in (distances.from_reference, distances.from_prediction)
    )


def nsd(distances: SurfaceDistances, tolerance_mm: float) -> float:
    """Normalised surface distance: share of both surfaces within `tolerance_mm` of the other.

    (area_G[d_G <= tol] + area_P[d_P <= tol]) / (area_G + area_P). Both empty 1, one empty 0.
    """
    if any(distances.empty):
        return 1.0 if all(distances.empty) else 0.0
    sides = (distances.from_reference, distances.from_prediction)
    within = sum(float(side.weight[side.distance_mm <= tolerance_mm].sum()) for side in sides)
    return within / sum(float(side.weight.sum()) for side in sides)


def assd_mm(
    reference: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]
) -> float:
    """Average symmetric surface distance over the union of both border-voxel distance lists.

    Border voxels are those of the mask with a face neighbour outside it (or outside the array).
    Both empty 0, one empty infinite.
    """
    borders = [border_voxels(mask) for mask in (reference, prediction)]
    if any(len(border) == 0 for border in borders):
        return 0.0 if all(len(border) == 0 for border in borders) else float("inf")
    there = nearest_mm(borders[0], borders[1], spacing_mm)
    back = nearest_mm(borders[1], borders[0], spacing_mm)
    return float(np.concatenate([there, back]).mean())


def border_voxels(mask: NDArray[Any]) -> Points:
    """Positions `(n, dims)`, in scan order, of foreground voxels with a face neighbour outside."""
    box = bounding_box(mask)
    if box is None:
        return np.empty((0, mask.ndim), dtype=np.intp)
    inside = np.pad(mask[box], 1)
    core = tuple(slice(1, -1) for _ in box)
    eroded = inside[core].copy()
    for axis in range(mask.ndim):
        for shifted in (slice(None, -2), slice(2, None)):
            eroded &= inside[(*core[:axis], shifted, *core[axis + 1 :])]
    return np.argwhere(inside[core] & ~eroded) + [side.start for side in box]


def _placed_elements(
    mask: NDArray[Any], spacing_mm: Sequence[float]
) -> tuple[Points, NDArray[np.float64]]:
    """Surface elements found inside the mask's own box, as corners of the whole array."""
    box = bounding_box(mask)
    if box is None:
        return np.empty((0, mask.ndim), dtype=np.intp), np.empty(0)
    found = surface_elements(mask[box], spacing_mm)
    return found.corners + [side.start for side in box], found.areas


def _reaching(directed: Directed, share: float) -> float:
    """The smallest distance at which the cumulative area reaches `share` of the whole."""
    order = np.lexsort((directed.weight, directed.distance_mm))
    reached = np.cumsum(directed.weight[order]) / np.sum(directed.weight[order])
    place = min(int(np.searchsorted(reached, share)), len(order) - 1)
    return float(directed.distance_mm[order[place]])
