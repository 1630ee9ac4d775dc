"""Nearest: the distance from every point of one set to the closest point of another, in mm."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

Points = NDArray[np.intp]


def nearest_mm(points: Points, others: Points, spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Euclidean distance from each of `points` to the closest of `others`.

    Args:
        points: `(n, dims)` grid positions, each once, in scan order.
        others: `(m, dims)`, likewise.
        spacing_mm: Size of a grid step along each axis.

    Returns:
        `(n,)` distances; infinite where `others` is empty.
    """
    if len(points) == 0 or len(others) == 0:
        return np.full(len(points), np.inf)
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    distances = np.zeros(len(points))
    # Where both sets hold a point the distance is 0: most of two good masks need no search.
    apart = np.flatnonzero(~_held(points, others))
    if len(apart) == 0:
        return distances
    tree = KDTree(others * spacing, leafsize=32, balanced_tree=False, compact_nodes=False)
    _, closest = tree.query(points[apart] * spacing)
    # Steps times spacing, not a difference of products: 10 steps of 0.1 mm are 1 mm to the digit,
    # wherever in the volume they lie, and so pass `distance <= 1`.
    steps = (points[apart] - others[closest]) * spacing
    distances[apart] = np.sqrt(np.einsum("nd,nd->n", steps, steps))
    return distances


def _held(points: Points, others: Points) -> NDArray[np.bool_]:
    """Which of `points` are also among `others`."""
    size = np.maximum(points.max(axis=0), others.max(axis=0)) + 1
    keys = _keys(points, size)
    other_keys = _keys(others, size)
    place = np.searchsorted(other_keys, keys)
    place[place == len(other_keys)] = 0
    return np.asarray(other_keys[place] == keys)


def _keys(points: Points, size: NDArray[Any]) -> NDArray[Any]:
    """One number for each position, rising in scan order."""
    return np.asarray(np.ravel_multi_index(tuple(points.T), tuple(size)))
