"""Conventions: border distances as other toolkits sum them up, for numbers to lay beside theirs.

Source: MONAI 1.6 (percentile by direction), MedPy 0.5 (percentile over the union), nnU-Net (surface
agreement by direction). All take border voxels (`surface.border_distances`), each counting 1.
"""

import numpy as np

from inspire_med.evaluation.measures.surface import SurfaceDistances


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
    shares = [float(np.mean(side.distance_mm <= tolerance_mm)) for side in distances.sides]
    return sum(shares) / 2
