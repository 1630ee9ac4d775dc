"""Smoothing: a Gaussian along one axis, by recursion, the same whatever its width."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Deriche, "Recursively implementing the Gaussian and its derivatives" (1993): the half of a
# Gaussian of sigma 1 as the sum over these rows of exp(d x) (a cos(w x) + b sin(w x)).
_WAVES = ((1.3530, 1.8151, 0.6681, -1.3932), (-0.3531, 0.0902, 2.0787, -1.3732))  # a, b, w, d
FEWEST = 4  # voxels along an axis that is smoothed


def smoothed(values: NDArray[np.float32], axis: int, sigma: float) -> NDArray[np.float32]:
    """Smooth an array along an axis; what lies beyond its ends is as they are.

    Args:
        values: Of any shape.
        axis: With `FEWEST` voxels at least.
        sigma: In voxels, above 0.
    """
    ahead, behind = _fractions(sigma)
    lines = np.moveaxis(values, axis, 0).astype(np.float64)
    forth = _run(lines, ahead, behind)
    # The way back sees each voxel one step later: the voxel itself is counted on the way forth.
    delayed = np.concatenate([lines[-1:], lines[:0:-1]])
    mirrored = ahead[1:] - behind[1:4] * ahead[0]
    back = _run(delayed, np.append(mirrored, -behind[4] * ahead[0]), behind)
    return np.moveaxis((forth + back[::-1]).astype(np.float32), 0, axis)


def _fractions(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numerator and denominator of the causal half's transfer function, in powers of 1/z."""
    tops: list[NDArray[np.float64]] = []
    bottoms: list[NDArray[np.float64]] = []
    for a, b, w, d in _WAVES:
        cos, sin, decay = math.cos(w / sigma), math.sin(w / sigma), math.exp(d / sigma)
        tops.append(np.array([a, decay * (b * sin - a * cos)]))
        bottoms.append(np.array([1.0, -2 * decay * cos, decay**2]))
    ahead = np.convolve(tops[0], bottoms[1]) + np.convolve(tops[1], bottoms[0])
    behind = np.convolve(bottoms[0], bottoms[1]).astype(np.float64)
    both = 2 * ahead.sum() / behind.sum() - ahead[0]  # what a constant of 1 would become
    return ahead / both, behind


def _run(
    lines: NDArray[np.float64], ahead: NDArray[np.float64], behind: NDArray[np.float64]
) -> NDArray[Any]:
    """y[i] = sum of ahead[k] x[i - k] less sum of behind[k] y[i - k], along the first axis."""
    first = lines[0]
    steady = first * (ahead.sum() / behind.sum())  # y where x was always as it is at first
    found = np.empty_like(lines)
    for place in range(len(lines)):
        value = np.zeros_like(first)
        for k, weight in enumerate(ahead):
            value += weight * (lines[place - k] if place >= k else first)
        for k, weight in enumerate(behind[1:], 1):
            value -= weight * (found[place - k] if place >= k else steady)
        found[place] = value
    return found
