"""Precision and recall of a map of probabilities, over all its thresholds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError


def pr_auc(reference: NDArray[np.bool_], probability: NDArray[np.floating[Any]]) -> float:
    """The area under precision over recall, by trapezoids, from 0 to 1.

    Each value of the map is a threshold: what is not below it is found. The curve begins at recall
    0 with precision 1. Only the order of the values counts. A constant map has (1 + share of the
    reference) / 2; an empty reference 1 under a constant map and 0 under any other.

    Source: scikit-learn, `auc(recall, precision)` of `precision_recall_curve`; it is not the
    average precision.

    Args:
        reference: Boolean `(*spatial)`.
        probability: `(*spatial)`, of the foreground.

    Raises:
        InputError: If shapes differ.
    """
    if reference.shape != probability.shape:
        raise InputError(
            f"probabilities: shape {probability.shape}, reference {reference.shape}; give one "
            "probability a voxel."
        )
    if not reference.any():
        return float(np.ptp(probability) == 0)
    # Below the lowest value of the reference recall is 1 already: no area is left.
    kept = probability >= probability[reference].min()
    level = np.unique(probability[kept], return_inverse=True)[1]
    found = np.cumsum(np.bincount(level)[::-1])
    tp = np.cumsum(np.bincount(level, weights=reference[kept])[::-1])
    precision, recall = np.r_[1.0, tp / found], np.r_[0.0, tp / tp[-1]]
    return float(np.diff(recall) @ (precision[1:] + precision[:-1]) / 2)
