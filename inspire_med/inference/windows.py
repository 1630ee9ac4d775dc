"""Windows: where a network looks at a case, at once or part by part."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_MULTIPLE = 16  # sides that four strides of 2 divide without a rest


@dataclass(frozen=True)
class Windows:
    """Windows of one size over an image: one at each combination of starts.

    Args:
        size: Voxels of a window along each axis.
        starts: First voxels of the windows along each axis, rising; the last ends with the image.
    """

    size: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]

    @classmethod
    def over(cls, shape: Sequence[int], size: Sequence[int], overlap: float) -> "Windows":
        """Cover an image evenly, so that neighbours share at least `overlap` of a window.

        Along an axis that is no longer than the window the image is taken as it is.

        Args:
            shape: Voxels of the image along each axis.
            size: Voxels of the window along each axis.
            overlap: Share of a window that its neighbour covers as well, from 0 to below 1.
        """
        shared = [math.ceil(window * overlap) for window in size]
        return cls.sharing(shape, size, shared)

    @classmethod
    def sharing(cls, shape: Sequence[int], size: Sequence[int], shared: Sequence[int]) -> "Windows":
        """Cover an image evenly, so that neighbours share at least so many voxels of an axis."""
        sides = tuple(min(window, voxels) for window, voxels in zip(size, shape, strict=True))
        return cls(sides, tuple(map(_starts, shape, sides, shared)))

    @property
    def corners(self) -> Iterator[tuple[int, ...]]:
        """First voxel of every window, by rows along the first axis."""
        return itertools.product(*self.starts)

    @property
    def voxels(self) -> int:
        """Voxels that the network sees, those that windows share once for each."""
        return len(self) * math.prod(self.size)

    def __len__(self) -> int:
        return math.prod(map(len, self.starts))


def fewest_voxels(
    shape: Sequence[int],
    training: Sequence[int],
    *,
    overlap: float,
    fits: Callable[[tuple[int, ...]], bool],
) -> Windows:
    """The windows with which a network sees the fewest voxels: as large ones as there is room for.

    What two windows share is seen twice, so few large ones beat many small ones. They share as many
    voxels as windows of the training's size would, and are no smaller than these.

    Args:
        shape: Voxels of the image along each axis.
        training: Voxels of the training's patches along each axis.
        overlap: Share of such a patch that its neighbour covers as well.
        fits: Tells whether there is room for a window of that size.
    """
    shared = [math.ceil(window * overlap) for window in training]
    smallest = Windows.sharing(shape, training, shared)
    if len(smallest) == 1:
        return smallest
    choices = itertools.product(*(range(1, len(starts) + 1) for starts in smallest.starts))
    sizes = {tuple(map(_side, shape, counts, shared, training)) for counts in choices}
    candidates = [Windows.sharing(shape, size, shared) for size in sizes]
    candidates.sort(key=lambda windows: (windows.voxels, len(windows)))
    return next((each for each in candidates if fits(each.size)), smallest)


def _starts(voxels: int, side: int, shared: int) -> tuple[int, ...]:
    """Evenly spread first voxels, as few as share enough."""
    room = voxels - side
    count = 1 + math.ceil(room / max(side - shared, 1))
    return tuple(round(room * index / max(count - 1, 1)) for index in range(count))


def _side(voxels: int, count: int, shared: int, training: int) -> int:
    """Side of `count` windows that cover an axis: no less than the training's, if it can be."""
    side = math.ceil((voxels + (count - 1) * shared) / count)
    side = max(math.ceil(side / _MULTIPLE) * _MULTIPLE, training)
    return min(side, voxels)
