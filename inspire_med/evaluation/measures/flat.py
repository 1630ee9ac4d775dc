"""Flat: a box of the grid laid out in one row, where a step along an axis is one number."""

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.intp]


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
