"""Weighted F-measure: errors count by where they lie, and foreground errors by their company.

Source: Margolin et al., How to Evaluate Foreground Maps?, CVPR 2014, as PraNet's evaluation has it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, distance_transform_edt

_EPS = float(np.finfo(np.float64).eps)
_OFFSETS = np.arange(-3, 4)
_SIGMA = 5.0
_BELL = np.exp(-(_OFFSETS**2) / (2 * _SIGMA**2))
_KERNEL = _BELL / _BELL.sum()  # along rows, then columns: the normalised 7 x 7 Gaussian
_HALVING = 5.0  # pixels in which the extra weight of a false alarm halves its distance to 1


def weighted_f(mask: NDArray[np.bool_], grey: NDArray[np.float64]) -> float:
    """Weighted F-measure with beta^2 = 1; an empty mask gives 0.

    The error of a foreground pixel may shrink to the blurred error around it, where each background
    pixel has the error of the foreground pixel nearest to it; outside the picture there is none. A
    background pixel at distance d from the foreground weighs 2 - 0.5^(d / 5).

    Args:
        mask: `(height, width)`.
        grey: Likewise, in [0, 1].
    """
    if not mask.any():
        return 0.0
    error = np.abs(grey - mask)
    found: Any = distance_transform_edt(~mask, return_indices=True)
    distance, nearest = found
    blurred = _blurred(error[tuple(nearest)])
    shared = np.where(mask, np.minimum(error, blurred), error)
    weighted = shared * (2 - np.exp2(-distance / _HALVING))  # 1 on the foreground, where d = 0
    missed = float(weighted[mask].sum())
    alarms = float(weighted[~mask].sum())
    hits = float(mask.sum()) - missed
    recall = hits / float(mask.sum())
    precision = hits / (_EPS + hits + alarms)
    return 2 * recall * precision / (_EPS + recall + precision)


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values under the Gaussian, zeros outside the picture."""
    for axis in (0, 1):
        values = correlate1d(values, _KERNEL, axis=axis, mode="constant")
    return values
