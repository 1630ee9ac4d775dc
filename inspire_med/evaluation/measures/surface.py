"""Surface: distances between the surfaces of two masks, in mm.

Two kinds of surface, because published numbers use both: area-weighted surface elements and border
voxels that count alike (`surface_points.py`). Distances are found once; every measure reads them.

Source of the measures of other toolkits, which take border voxels: MONAI 1.6 (percentile by
direction), MedPy 0.5 (percentile over the union), nnU-Net (surface agreement by direction).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.distances import Points, nearest_mm
from inspire_med.evaluation.measures.surface_points import border_voxels, surface_elements
from inspire_med.evaluation.rounding import at_most, in_finest
from inspire_med.imaging.masks import bounding_box

Surface = tuple[Points, NDArray[np.float64]]  # places, and what each counts

_MANY = 2000  # distances from which it pays to sort some of them only
_ROUNDING = 1e-9  # far more than sums of shares differ by the order of adding


@dataclass(frozen=True)
class Directed:
    """Distances from each place of one surface to the other surface.

    Attributes:
        distance_mm: `(n,)`; infinite where the other surface is empty.
        weight: `(n,)`, what each place counts: its area in squares of the finest voxel size, or 1.
    """

    distance_mm: NDArray[np.float64]
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class SurfaceDistances:
    """Both directions between a reference and a prediction."""

    from_reference: Directed
    from_prediction: Directed

    @property
    def sides(self) -> tuple[Directed, Directed]:
        """Both directions, the reference's first."""
        return self.from_reference, self.from_prediction

    @property
    def empty(self) -> tuple[bool, bool]:
        """Whether reference and prediction are without any surface."""
        return len(self.from_reference.weight) == 0, len(self.from_prediction.weight) == 0


def surface_distances(
    reference: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """Measure both directions between the surface elements of two boolean masks of one shape."""
    sides = in_finest(tuple(spacing_mm))  # of areas only their shares enter
    return _between(
        _placed_elements(reference, sides), _placed_elements(prediction, sides), spacing_mm
    )


def border_distances(
    reference: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """Measure both directions between the border voxels of two boolean masks of one shape."""
    border, other = border_voxels(reference), border_voxels(prediction)
    return _between((border, np.ones(len(border))), (other, np.ones(len(other))), spacing_mm)


def hausdorff_mm(distances: SurfaceDistances, percentile: float = 95.0) -> float:
    """Larger of the two directed distances that reach `percentile` of the area.

    Per direction, elements sorted by distance (ties by area), the first whose cumulative share of
    the area is at least percentile / 100; no interpolation. 100 gives the Hausdorff distance.
    Both empty 0, one empty infinite.
    """
    if any(distances.empty):
        return 0.0 if all(distances.empty) else float("inf")
    return max(_reaching(side, percentile / 100) for side in distances.sides)


def nsd(distances: SurfaceDistances, tolerance_mm: float) -> float:
    """Normalised surface distance: share of both surfaces within `tolerance_mm` of the other.

    (area_G[d_G <= tol] + area_P[d_P <= tol]) / (area_G + area_P). Both empty 1, one empty 0.
    """
    if any(distances.empty):
        return 1.0 if all(distances.empty) else 0.0
    within = sum(
        float(side.weight[at_most(side.distance_mm, tolerance_mm)].sum())
        for side in distances.sides
    )
    return within / sum(float(side.weight.sum()) for side in distances.sides)


def mean_mm(distances: SurfaceDistances) -> float:
    """Mean over the distances of both directions together; both empty 0, one empty infinite.

    Of `border_distances` it is the average symmetric surface distance (ASSD).
    """
    if all(distances.empty):
        return 0.0
    return float(np.concatenate([side.distance_mm for side in distances.sides]).mean())


def _between(
    reference: Surface, prediction: Surface, spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """Measure both directions between two surfaces."""
    (places, weights), (other_places, other_weights) = reference, prediction
    return SurfaceDistances(
        Directed(nearest_mm(places, other_places, spacing_mm), weights),
        Directed(nearest_mm(other_places, places, spacing_mm), other_weights),
    )


def _placed_elements(mask: NDArray[Any], spacing: Sequence[float]) -> Surface:
    """Surface elements found inside the mask's own box, as corners of the whole array."""
    box = bounding_box(mask)
    if box is None:
        return np.empty((0, mask.ndim), dtype=np.intp), np.empty(0)
    found = surface_elements(mask[box], spacing)
    return found.corners + [side.start for side in box], found.areas


def _reaching(side: Directed, share: float) -> float:
    """The smallest distance at which the cumulative area reaches `share` of the whole."""
    found = _reaching_far_out(side, share) if len(side.weight) > _MANY else None
    if found is not None:
        return found
    order = np.lexsort((side.weight, side.distance_mm))
    reached = np.cumsum(side.weight[order]) / np.sum(side.weight[order])
    place = min(int(np.searchsorted(reached, share)), len(order) - 1)
    return float(side.distance_mm[order[place]])


def _reaching_far_out(side: Directed, share: float) -> float | None:
    """The same by sorting the far end alone; None where the order of adding might decide."""
    start = int(0.9 * share * len(side.weight))
    far = side.distance_mm >= np.partition(side.distance_mm, start)[start]
    distance, weight = side.distance_mm[far], side.weight[far]
    order = np.argsort(distance)
    whole, missing = float(side.weight.sum()), float(weight.sum())
    reached = 1 - (missing - np.cumsum(weight[order])) / whole
    low, high = np.searchsorted(reached[:-1], (share - _ROUNDING, share + _ROUNDING))
    found, same = distance[order[low]], distance[order[high]]
    return float(found) if found == same and 1 - missing / whole < share - _ROUNDING else None


def larger_percentile_mm(distances: SurfaceDistances, percentile: float = 95.0) -> float:
    """Larger of the two directed percentiles, interpolated linearly; NaN if a mask is empty."""
    if any(distances.empty):
        return float("nan")
    return max(float(np.percentile(side.distance_mm, percentile)) for side in distances.sides)


def joint_percentile_mm(distances: SurfaceDistances, percentile: float = 95.0) -> float:
    """Percentile over both directions together, interpolated linearly; NaN if a mask is empty."""
    if any(distances.empty):
        return float("nan")
    both = np.concatenate([side.distance_mm for side in distances.sides])
    return float(np.percentile(both, percentile))


def nsd_by_direction(distances: SurfaceDistances, tolerance_mm: float) -> float:
    """Mean of the two shares within `tolerance_mm` of the other surface; NaN if a mask is empty.

    (#G[d_G <= tol] / #G + #P[d_P <= tol] / #P) / 2
    """
    if any(distances.empty):
        return float("nan")
    shares = [float(np.mean(at_most(side.distance_mm, tolerance_mm))) for side in distances.sides]
    return sum(shares) / 2
