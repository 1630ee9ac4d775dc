"""Diameter: how far apart the middles of two voxels of a lesion may be, Feret's largest.

As ITK's label shape filter has it (`GetFeretDiameter`); of one voxel it is 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

_FEW = 400  # points whose distances are all looked at, sooner than a hull is found


def diameter_mm(voxels: NDArray[np.intp], to_mm: NDArray[np.float64]) -> float:
    """The largest distance between two voxels.

    Args:
        voxels: Indices `(dims, voxels)`, one or more.
        to_mm: `(3 or dims, dims)`, from steps along the axes to millimetres.
    """
    same_lengths = np.linalg.qr(to_mm)[1]  # turned, so that a slice has two coordinates
    points = (same_lengths @ _ends_of_rows(voxels)).T
    if len(points) > _FEW:
        points = points[ConvexHull(points, qhull_options="QJ").vertices]  # QJ: flat ones too
    return float(pdist(points).max(initial=0.0))


def slice_diameter_mm(voxels: NDArray[np.intp], to_mm: NDArray[np.float64], axis: int) -> float:
    """The largest distance between two voxels of one slice, as a radiologist measures.

    Args:
        voxels: As for `diameter_mm`.
        to_mm: As for `diameter_mm`.
        axis: Along which slices are counted.
    """
    order = np.argsort(voxels[axis], kind="stable")
    turned = voxels[:, order]
    ends = np.flatnonzero(np.diff(turned[axis])) + 1
    flat = np.delete(np.arange(len(voxels)), axis)
    return max(diameter_mm(own[flat], to_mm[:, flat]) for own in np.split(turned, ends, axis=1))


def _ends_of_rows(voxels: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first and last voxel of each row along the first axis: no other is a corner."""
    rows, first = voxels[1:], voxels[0]
    order = np.lexsort((first, *rows))
    turned = voxels[:, order]
    new = np.any(np.diff(turned[1:], axis=1), axis=0)
    starts, ends = np.r_[True, new], np.r_[new, True]
    return turned[:, starts | ends]
