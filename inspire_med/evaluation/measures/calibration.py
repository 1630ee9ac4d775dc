"""Calibration: whether predicted probabilities are as often right as they say.

Both measures take every voxel of the volume. A large background, where a probability near 0 is
right, makes both small: 1 % of lesion in a scan bounds the Brier score of "no lesion anywhere" by
0.01. So they rank models on one data set, and say little across data sets. The whole volume is
taken nonetheless: a smaller region would have to be drawn around the prediction or the reference,
and the score would depend on how.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError

BINS = 15
_AT_ONCE = 2**18  # voxels binned in one go: bounds the memory


def calibration_scores(
    reference: NDArray[Any], probabilities: NDArray[np.floating[Any]]
) -> dict[str, float]:
    """`ece` and `brier` of one region.

    Args:
        reference: Boolean `(*spatial)`.
        probabilities: `(*spatial)`, of the foreground.

    Raises:
        InputError: If shapes differ, or probabilities are not within 0 and 1.
    """
    return {
        "ece": expected_calibration_error(reference, probabilities),
        "brier": brier(reference, probabilities),
    }


def expected_calibration_error(
    reference: NDArray[Any], probability: NDArray[np.floating[Any]], bins: int = BINS
) -> float:
    """How far predicted probability and observed frequency lie apart, from 0 to 1.

    ECE = sum over bins b of (n_b / n) |mean of y in b - mean of p in b|

    with p the predicted probability of the foreground, y the reference (0 or 1), and n_b of the n
    voxels in the bin (b / bins, (b + 1) / bins] of p; p = 0 falls into the first. This is the
    binary form, binned by p itself; the form for several classes bins the winning class's
    probability max(p, 1 - p).

    Source: Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI
    2015; Guo et al., On Calibration of Modern Neural Networks, ICML 2017, eq. 3 (15 bins).

    Args:
        reference: Boolean `(*spatial)`.
        probability: `(*spatial)`, of the foreground.
        bins: Number of bins of equal width.

    Raises:
        InputError: If shapes differ, or probabilities are not within 0 and 1.
    """
    _check(reference, probability)
    masked, likely = np.asarray(reference).ravel(), np.asarray(probability).ravel()
    excess = np.zeros(bins)  # sum of y - p, by bin
    for start in range(0, len(masked), _AT_ONCE):
        y, p = (each[start : start + _AT_ONCE] for each in (masked, likely))
        place = np.maximum(np.ceil(p * bins).astype(np.intp) - 1, 0)
        excess += np.bincount(place, weights=y - p.astype(np.float64), minlength=bins)
    return float(np.abs(excess).sum() / len(masked))


def brier(reference: NDArray[Any], probability: NDArray[np.floating[Any]]) -> float:
    """Mean squared difference of predicted probability and reference, from 0 to 1.

    Source: Brier, Verification of Forecasts Expressed in Terms of Probability, 1950; the binary
    form, half of Brier's sum over both classes.

    Raises:
        InputError: If shapes differ, or probabilities are not within 0 and 1.
    """
    _check(reference, probability)
    difference = probability - np.asarray(reference, dtype=probability.dtype)
    return float(np.mean(np.square(difference), dtype=np.float64))


def _check(reference: NDArray[Any], probability: NDArray[np.floating[Any]]) -> None:
    if reference.shape != probability.shape or reference.size == 0:
        raise InputError(
            f"probabilities: shape {probability.shape}, reference {reference.shape}; give one "
            "probability a voxel."
        )
    low, high = float(probability.min()), float(probability.max())
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise InputError(
            f"probabilities: values from {low:g} to {high:g}; give them between 0 and 1, "
            "without NaN."
        )
