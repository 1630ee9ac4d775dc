"""Nearest: the distance from every point of one set to the closest point of another, in mm.

Exact, whichever way a distance is found. The surfaces of good masks lie close together: most of
their points find the other surface by looking at the grid positions around them, nearest first.
What is left is looked up in a tree or a distance transform (`far.py`).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.far import far_mm, lengths_mm
from inspire_med.evaluation.measures.flat import FlatBox, Points

# Positions around a point are looked at in shells of these sizes, nearest first: 1003 positions,
# which reach 6 steps in 3-D and 17 in 2-D.
_SHELLS = (1, 6, 20, 66, 160, 750)
_ALWAYS = 27  # so many positions are looked at in any case; they cost next to nothing
_WORTH = 0.1  # a shell that answers a smaller share of its points shows that the rest lies far off
_MOST_STEPS = 17  # along any axis: bounds the padding
_AT_ONCE = 2**20  # positions looked at in one go: bounds the memory


def nearest_mm(points: Points, others: Points, spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Euclidean distance from each of `points` to the closest of `others`.

    Args:
        points: `(n, dims)` grid positions.
        others: `(m, dims)`, likewise.
        spacing_mm: Size of a grid step along each axis.

    Returns:
        `(n,)` distances; infinite where `others` is empty.
    """
    distances = np.full(len(points), np.inf)
    if len(points) == 0 or len(others) == 0:
        return distances
    low = np.minimum(points.min(axis=0), others.min(axis=0))
    points, others = points - low, others - low
    far = _look_around(points, others, tuple(spacing_mm), distances)
    if len(far):
        spacing = np.asarray(spacing_mm, dtype=np.float64)
        distances[far] = far_mm(points[far], others, spacing)
    return distances


def _look_around(
    points: Points, others: Points, spacing_mm: tuple[float, ...], distances: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Fill in the distances of points that have one of `others` close by; return which are left."""
    offsets, lengths = _around(spacing_mm)
    size = np.maximum(points.max(axis=0), others.max(axis=0)) + 1
    box = FlatBox(size.tolist(), offsets.max(axis=0).tolist())
    held = np.zeros(box.length, dtype=bool)
    held[box.places(others)] = True
    places, steps = box.places(points), box.along(offsets)
    left, looked = np.arange(len(points)), 0
    for count in _SHELLS:
        first = _first_held(held, places[left], steps[looked : looked + count])
        found = first >= 0
        distances[left[found]] = lengths[looked + first[found]]
        looked, asked, left = looked + count, len(left), left[~found]
        few = asked - len(left) < _WORTH * asked
        if len(left) == 0 or looked >= len(steps) or (few and looked >= _ALWAYS):
            break
    return left


def _first_held(
    held: NDArray[np.bool_], places: NDArray[np.intp], steps: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Which of the steps is, from each place, the first that leads to a held one; -1 for none."""
    first = np.empty(len(places), dtype=np.intp)
    rows = _AT_ONCE // len(steps)
    for start in range(0, len(places), rows):
        hits = held[places[start : start + rows, None] + steps]
        best = hits.argmax(axis=1)
        best[~hits[np.arange(len(best)), best]] = -1
        first[start : start + rows] = best
    return first


@lru_cache(maxsize=64)
def _around(spacing_mm: tuple[float, ...]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Every grid position within some radius, `(n, dims)`, nearest first, with its length in mm."""
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    # A ball of as many cells as the shells take; thin voxels stretch it, which the second bounds.
    ball = 4 / 3 * np.pi if len(spacing) == 3 else np.pi
    radius = (sum(_SHELLS) / ball * spacing.prod()) ** (1 / len(spacing))
    radius = min(radius, _MOST_STEPS * spacing.min())
    sides = [np.arange(-reach, reach + 1) for reach in np.floor(radius / spacing).astype(int)]
    offsets = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, len(spacing))
    lengths = lengths_mm(offsets, spacing)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] <= radius][: sum(_SHELLS)]
    return offsets[order], lengths[order]
