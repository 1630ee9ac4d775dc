"""Lesions: the parts of a mask.

Parts are connected by faces, edges or corners (26 neighbours in 3-D, 8 in 2-D). Those that lie
close together may count as one lesion: dilated, they join. Voxels are kept as lists by part, so
that a thousand parts cost no more than the voxels they hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import combinations
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.rounding import at_most
from inspire_med.imaging.masks import Box, bounding_box

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Parts:
    """A mask taken apart; its parts have numbers from 0.

    Attributes:
        mask: Boolean `(*spatial)`.
        near: `(*spatial)`, one more than the number of the part a voxel belongs or lies close to;
            0 elsewhere.
        places: `(voxels,)` flat positions of the mask's voxels, part by part, each in scan order.
        starts: `(parts + 1,)` where in `places` each part begins, and where the last one ends.
    """

    mask: Mask
    near: NDArray[np.uint32]
    places: NDArray[np.intp]
    starts: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Voxels of each part, `(parts,)`."""
        return np.diff(self.starts)

    def mm3(self, spacing_mm: Sequence[float]) -> NDArray[np.float64]:
        """Sizes in mm3, `(parts,)`.

        Multiplied axis by axis, so that equal volumes compare as the evaluators' do.
        """
        sizes = self.sizes.astype(np.float64)
        for size in spacing_mm:
            sizes = sizes * size
        return sizes

    @cached_property
    def owners(self) -> NDArray[np.intp]:
        """The part each of `places` belongs to, `(voxels,)`."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @cached_property
    def positions(self) -> NDArray[np.intp]:
        """`places` as indices, `(dims, voxels)`."""
        return np.stack(np.unravel_index(self.places, self.mask.shape))

    @cached_property
    def lows(self) -> NDArray[np.intp]:
        """Smallest index of each part along each axis, `(dims, parts)`."""
        return np.minimum.reduceat(self.positions, self.starts[:-1], axis=1)

    @cached_property
    def highs(self) -> NDArray[np.intp]:
        """Largest index of each part along each axis, `(dims, parts)`."""
        return np.maximum.reduceat(self.positions, self.starts[:-1], axis=1)

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Mean index of each part along each axis, `(dims, parts)`."""
        return np.add.reduceat(self.positions, self.starts[:-1], axis=1) / self.sizes

    def drawn(self, chosen: Sequence[int], low: NDArray[np.intp], high: NDArray[np.intp]) -> Mask:
        """The mask of some parts between two corners, the high one included."""
        mask = np.zeros(tuple(high - low + 1), dtype=bool)
        for part in chosen:
            voxels = self.positions[:, self.starts[part] : self.starts[part + 1]]
            mask[tuple(voxels - low[:, np.newaxis])] = True
        return mask


def components(mask: Mask) -> Parts:
    """The connected parts of a boolean mask, `(*spatial)`."""
    return grouped(mask, 0)


def grouped(mask: Mask, steps: int) -> Parts:
    """The lesions of a boolean mask: connected parts of its dilation, without the added rim.

    Args:
        mask: `(*spatial)`.
        steps: How often to dilate, each time by what shares a face or an edge (18 neighbours).
    """
    near = np.zeros(mask.shape, dtype=np.uint32)
    box = _widened(bounding_box(mask), steps, mask.shape)
    near[box] = _connected(dilated(mask[box], steps))
    flat = np.flatnonzero(mask)
    numbers = near.ravel()[flat]
    # 16-bit numbers are sorted by counting, in one pass
    small = numbers.astype(np.uint16) if numbers.max(initial=0) < 2**16 else numbers
    order = np.argsort(small, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=0, append=0))
    return Parts(mask, near, flat[order], starts if len(flat) else np.zeros(1, dtype=np.intp))


def dilated(mask: Mask, steps: int) -> Mask:
    """Add what shares a face or an edge with a boolean mask, `steps` times; the shape stays.

    Nothing comes in from outside the array, and nothing is lost by ending there: a path that leaves
    it and returns is no shorter than one that follows its border.
    """
    for _ in range(steps):
        # A neighbour differs along two axes at most: what is widened along each pair of axes.
        wide = [_widened_along(mask, axis) for axis in range(mask.ndim - 1)]
        pairs = combinations(range(mask.ndim), 2)
        mask = reduce(np.bitwise_or, [_widened_along(wide[low], high) for low, high in pairs])
    return mask


def without_small(mask: Mask, steps: int, most: float) -> Mask:
    """A boolean mask without its lesions (as `grouped` finds them) of `most` voxels or fewer."""
    lesions = grouped(mask, steps)
    kept = mask.copy()
    kept.ravel()[lesions.places[at_most(lesions.sizes, most)[lesions.owners]]] = False
    return kept


def _connected(mask: Mask) -> NDArray[np.unsignedinteger[Any]]:
    """Numbers from 1 for what is connected by faces, edges or corners, 0 elsewhere."""
    # cc3d 4.1.1 numbers background, too, on some images, and runs out of numbers on volumes that
    # are one voxel thick: images go as volumes, and thin ones get an empty layer.
    volume = mask if mask.ndim == 3 else mask[..., np.newaxis]
    thin = [(0, int(size == 1)) for size in volume.shape]
    thick = np.pad(volume, thin) if 1 in volume.shape else volume
    numbers = cc3d.connected_components(thick, connectivity=26, binary_image=True)
    return numbers[tuple(slice(size) for size in volume.shape)].reshape(mask.shape)


def _widened(box: Box | None, steps: int, shape: tuple[int, ...]) -> Box:
    if box is None:
        return (slice(0, 1),) * len(shape)
    return tuple(
        slice(max(side.start - steps, 0), min(side.stop + steps, size))
        for side, size in zip(box, shape, strict=True)
    )


def _widened_along(mask: NDArray[Any], axis: int) -> Mask:
    """A mask and its neighbours on both sides along one axis."""
    wide = mask.copy()
    before = (slice(None),) * axis + (slice(None, -1),)
    after = (slice(None),) * axis + (slice(1, None),)
    wide[before] |= mask[after]
    wide[after] |= mask[before]
    return wide
