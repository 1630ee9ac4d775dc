"""Agreement: how much the channels of one case tell of each other where they should lie together.

Normalised mutual information, 2 I(X; Y) / (H(X) + H(Y)), on a coarse lattice of the reference's
grid: 0 of images that have nothing to do with each other, 1 of one image twice. Volumes that were
registered to each other keep most of it whatever their contrasts; a patient's scan beside another
patient's, or one that was never registered, loses it (Wells 1996, Maes 1997).
"""

import numpy as np
from numpy.typing import NDArray

from inspire_med.imaging.grid import Grid

_SIDE = 40  # lattice points along an axis at most: 64,000 tell as much as millions
_BINS = 32
_FEWEST = 500  # points; of fewer nothing can be said


def lattice(grid: Grid) -> NDArray[np.float64]:
    """Places of evenly chosen voxels of a grid, (4, points), in RAS+ millimetres, last row 1."""
    axes = [np.arange(0, size, -(-size // _SIDE)) for size in grid.shape]
    voxels = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
    return grid.affine @ np.vstack([voxels, np.ones(voxels.shape[1])])


def values_at(
    places: NDArray[np.float64], values: NDArray[np.float32], grid: Grid
) -> NDArray[np.float32]:
    """The nearest voxel at each place; NaN outside.

    Args:
        places: As `lattice` gives them.
        values: (i, j, k) on `grid`.
        grid: Where they lie.
    """
    voxels = np.rint(np.linalg.solve(grid.affine, places)[:3]).astype(np.int64)
    inside = ((voxels >= 0) & (voxels < np.array(grid.shape)[:, None])).all(axis=0)
    found = np.full(places.shape[1], np.nan, dtype=np.float32)
    found[inside] = values[tuple(voxels[:, inside])]
    return found


def agreement(first: NDArray[np.float32], second: NDArray[np.float32]) -> float | None:
    """Normalised mutual information of two lists of values; None where too few places have both."""
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < _FEWEST:
        return None
    counts, _, _ = np.histogram2d(_levels(first[both]), _levels(second[both]), bins=_BINS)
    joint = counts / counts.sum()
    apart = _entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))
    return 0.0 if apart == 0 else float(2 * (apart - _entropy(joint.ravel())) / apart)


def _levels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the few brightest, which would leave all others in one bin."""
    return np.clip(values, *np.percentile(values, (0.5, 99.5)))


def _entropy(shares: NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
