"""Distances: from every point of one set to the closest point of another, in mm.

Exact, whichever way a distance is found. The surfaces of good masks lie close together: most of
their points find the other surface by looking at the grid positions around them, nearest first.
What is left is looked up in a tree, which answers few points fast, or in one distance transform of
the box, which answers all of them at once.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import prod
from operator import mul
from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import KDTree

Points = NDArray[np.intp]

# Positions around a point are looked at in shells of these sizes, nearest first: 1003 positions,
# which reach 6 steps in 3-D and 17 in 2-D.
_SHELLS = (1, 6, 20, 66, 160, 750)
_ALWAYS = 27  # so many positions are looked at in any case; they cost next to nothing
_WORTH = 0.1  # a shell that answers a smaller share of its points shows that the rest lies far off
_MOST_STEPS = 17  # along any axis: bounds the padding
_AT_ONCE = 2**20  # positions looked at in one go: bounds the memory
_DENSE = 0.02  # points per voxel of the box from which a transform is faster than the tree
# The transform in steps works in float32, which holds whole squares up to 2 ** 24 and keeps the
# places where two parabolas meet apart in boxes of this size.
_FLOAT32_STEPS = 2**10


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


def far_mm(points: Points, others: Points, spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each of `points` to the closest of `others`, `(n,)`; neither set is empty.

    Args:
        points: `(n, dims)` grid positions from 0.
        others: `(m, dims)`, likewise.
        spacing: Size in mm of a grid step along each axis.
    """
    size = np.maximum(points.max(axis=0), others.max(axis=0)) + 1
    if len(points) < _DENSE * size.prod():
        tree = KDTree(others * spacing, leafsize=32, balanced_tree=False, compact_nodes=False)
        return lengths_mm(points - others[tree.query(points * spacing)[1]], spacing)
    free = np.ones(size, dtype=bool)
    free[tuple(others.T)] = False
    if np.ptp(spacing) == 0 and size.max() <= _FLOAT32_STEPS:
        squares: NDArray[np.float32] = edt.edtsq(free, parallel=1)[tuple(points.T)]
        return np.sqrt(squares, dtype=np.float64) * spacing[0]
    nearest: Any = distance_transform_edt(
        free, sampling=spacing, return_distances=False, return_indices=True
    )
    return lengths_mm(points - nearest[(slice(None), *points.T)].T, spacing)


def lengths_mm(steps: NDArray[Any], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths of steps, `(n, dims)`, on the grid.

    Whole steps times spacing, not a difference of products: 10 steps of 0.1 mm are 1 mm to the
    digit, wherever in the volume they lie, and so pass `distance <= 1`.
    """
    if np.ptp(spacing) == 0:
        return np.sqrt(np.einsum("nd,nd->n", steps, steps), dtype=np.float64) * spacing[0]
    sides = steps * spacing
    return np.asarray(np.sqrt(np.einsum("nd,nd->n", sides, sides)))


class FlatBox:
    """The places of a box in a row, padded so that no step of up to `reach` leaves it.

    The box is padded at the high end of each axis and the row at both ends: a step over any edge
    of the box then lands in the padding. Numpy runs through a row several times faster than
    through the slices of a box.

    Args:
        shape: Places along each axis.
        reach: The longest step along each axis.
    """

    def __init__(self, shape: Sequence[int], reach: Sequence[int]) -> None:
        self.shape = tuple(shape)
        self.padded = tuple(size + step for size, step in zip(shape, reach, strict=True))
        self.strides = tuple(accumulate((1, *self.padded[:0:-1]), mul))[::-1]
        self.lead = sum(step * stride for step, stride in zip(reach, self.strides, strict=True))
        self.length = prod(self.padded) + 2 * self.lead

    def laid_out(self, mask: NDArray[Any]) -> NDArray[np.bool_]:
        """A mask `(*shape)` as a row."""
        row = np.zeros(self.length, dtype=bool)
        box = row[self.lead : self.length - self.lead].reshape(self.padded)
        box[tuple(slice(size) for size in self.shape)] = mask
        return row

    def places(self, points: Points) -> NDArray[np.intp]:
        """Where points of the box, `(n, dims)`, lie in the row."""
        return self.along(points) + self.lead

    def along(self, steps: Points) -> NDArray[np.intp]:
        """How far steps, `(n, dims)`, lead along the row.

        Axis by axis, as numpy's product of integer matrices is slow.
        """
        return np.asarray(sum(steps[:, axis] * far for axis, far in enumerate(self.strides)))

    def points(self, index: NDArray[np.intp]) -> Points:
        """The points `(n, dims)` of the box by their index, which counts from place `lead`."""
        return np.array(np.unravel_index(index, self.padded)).T
