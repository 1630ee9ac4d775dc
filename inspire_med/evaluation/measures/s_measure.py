"""S-measure: structural likeness of a grey map and a mask, of object and of regions.

Source: Fan et al., Structure-measure: A New Way to Evaluate Foreground Maps, ICCV 2017, as PraNet's
evaluation has it (standard deviations with n - 1, MATLAB's rounding of the centroid).
"""

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


def s_measure(mask: NDArray[np.bool_], grey: Grey) -> float:
    """max(0, half the object part + half the region part).

    An empty mask gives 1 - mean(map), a full one mean(map).

    Args:
        mask: `(height, width)`.
        grey: Likewise, in [0, 1].
    """
    if not mask.any():
        return 1 - float(grey.mean())
    if mask.all():
        return float(grey.mean())
    return max(0.0, 0.5 * _object_part(mask, grey) + 0.5 * _region_part(mask, grey))


def _object_part(mask: NDArray[np.bool_], grey: Grey) -> float:
    """Brightness and evenness of the foreground, and of the inverted background, by area."""
    share = float(mask.mean())
    return share * _evenness(grey[mask]) + (1 - share) * _evenness(1 - grey[~mask])


def _evenness(values: Grey) -> float:
    """2 mean / (mean^2 + 1 + sd); one value has no deviation."""
    mean = float(values.mean())
    deviation = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + deviation + _EPS)


def _region_part(mask: NDArray[np.bool_], grey: Grey) -> float:
    """Likeness in the four quadrants around the mask's centroid, by area.

    A centroid in the last row or column leaves quadrants empty: they count nothing.
    """
    row, column = (_centroid(mask.sum(axis=1 - axis)) for axis in (0, 1))
    quadrants = [
        (rows, columns)
        for rows in (slice(row), slice(row, None))
        for columns in (slice(column), slice(column, None))
    ]
    return sum(
        mask[quadrant].size / mask.size * _likeness(mask[quadrant], grey[quadrant])
        for quadrant in quadrants
        if mask[quadrant].size
    )


def _centroid(profile: NDArray[np.int64]) -> int:
    """Mean place of the foreground along an axis, counted from 1, halves rounded up.

    Args:
        profile: Foreground pixels in each row or column.
    """
    total = int(profile.sum())
    places = int((profile * np.arange(1, len(profile) + 1)).sum())
    return (2 * places + total) // (2 * total)  # in whole numbers, so that a half is a half


def _likeness(mask: NDArray[np.bool_], grey: Grey) -> float:
    """Likeness of means, spreads and their course in one quadrant (as SSIM, without constants)."""
    deviation, other = _deviation(grey), _deviation(mask.astype(np.float64))
    x, y = float(grey.mean()), float(mask.mean())
    freedom = mask.size - 1 + _EPS
    joint = float(np.sum(deviation * other)) / freedom
    spread = float(np.sum(deviation**2) + np.sum(other**2)) / freedom
    alpha = 4 * x * y * joint
    beta = (x**2 + y**2) * spread
    if alpha != 0:
        return alpha / (beta + _EPS)
    return 1.0 if beta == 0 else 0.0


def _deviation(values: Grey) -> Grey:
    """Deviations from the mean; of equal values exactly 0, though a computed mean may be off."""
    if values.min() == values.max():
        return np.zeros_like(values)
    return values - values.mean()
