"""Orientation: the axes of a volume put in another order, and back; nothing is interpolated."""

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray

from inspire_med.imaging.grid import Grid


@dataclass(frozen=True)
class Turn:
    """From the axes that a file has to those of a view of it.

    Args:
        axes: For each axis of the view, which of the file's it is.
        mirrored: For each axis of the view, whether it runs against the file's.
    """

    axes: tuple[int, ...]
    mirrored: tuple[bool, ...]

    @classmethod
    def none(cls, spatial_dims: int) -> "Turn":
        """The turn that leaves an array as it is."""
        return cls(tuple(range(spatial_dims)), (False,) * spatial_dims)

    @classmethod
    def to(cls, codes: str, affine: NDArray[np.float64]) -> "Turn":
        """The turn that brings the axes of a volume as close as can be to those of `codes`.

        Args:
            codes: Such as RAS: the first axis towards the right, the second anterior, the third up.
            affine: The volume's, from voxel to RAS+ millimetres.
        """
        turns = ornt_transform(io_orientation(affine), axcodes2ornt(tuple(codes)))
        axes = np.argsort(turns[:, 0])
        mirrored = turns[axes, 1] < 0
        return cls(tuple(int(axis) for axis in axes), tuple(bool(each) for each in mirrored))

    def apply(self, values: NDArray[Any]) -> NDArray[Any]:
        """From (..., *file's spatial) to (..., *view's spatial); shares the memory."""
        lead = values.ndim - len(self.axes)
        order = (*range(lead), *(lead + axis for axis in self.axes))
        return np.flip(values.transpose(order), self._mirrored_of(values))

    def undo(self, values: NDArray[Any]) -> NDArray[Any]:
        """From (..., *view's spatial) to (..., *file's spatial); shares the memory."""
        lead = values.ndim - len(self.axes)
        order = (*range(lead), *(lead + int(axis) for axis in np.argsort(self.axes)))
        return np.flip(values, self._mirrored_of(values)).transpose(order)

    def grid(self, grid: Grid) -> Grid:
        """Where the voxels lie once they are turned: where they lay."""
        shape = tuple(grid.shape[axis] for axis in self.axes)
        affine = grid.affine[:, [*self.axes, 3]]
        for axis, mirrored in enumerate(self.mirrored):
            if mirrored:
                affine[:, 3] += affine[:, axis] * (shape[axis] - 1)
                affine[:, axis] *= -1
        return Grid(shape, affine)

    def _mirrored_of(self, values: NDArray[Any]) -> tuple[int, ...]:
        lead = values.ndim - len(self.axes)
        return tuple(lead + axis for axis, mirrored in enumerate(self.mirrored) if mirrored)


def orientation_of(affine: NDArray[np.float64]) -> str:
    """Codes of the directions that a volume's axes are closest to, such as LPS."""
    return "".join(nib.aff2axcodes(affine))


def closest_canonical(grid: Grid) -> Grid:
    """The same voxels with their axes closest to RAS+."""
    return Turn.to("RAS", grid.affine).grid(grid)
