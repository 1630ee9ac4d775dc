r"""Surface points: where the surface of a mask runs: elements with an area, or border voxels.

A surface element sits on a voxel *corner* whose 2x2x2 (in 2-D 2x2) neighbourhood holds both
foreground and background. The neighbourhood, read as a binary number, is the corner's code: the
voxel with offsets (a, b, c) has the bit 128 >> (4a + 2b + c). The area of an element is that of the
marching-cubes facets of its code,

    area = sum over facet normals n of || (n0 s1 s2, n1 s0 s2, n2 s0 s1) ||      [mm2]

with voxel spacing s; in 2-D it is the length sum || (n0 s1, n1 s0) || [mm].

Source: Nikolov et al., Clinically Applicable Segmentation of Head and Neck Anatomy, 2021, and the
surface-distance evaluator of the same authors. The facets below are one example of each class; all
other codes follow by mirroring, by exchanging axes and by swapping foreground and background.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.distances import FlatBox, Points
from inspire_med.imaging.masks import bounding_box

Normal = tuple[float, ...]

_SMALL, _QUARTER = (1 / 8, 1 / 8, 1 / 8), (1 / 4, 1 / 4, 1 / 4)
_CLASSES_3D: dict[int, tuple[Normal, ...]] = {
    0: (),
    1: (_SMALL,),
    3: 2 * ((1 / 4, 1 / 4, 0.0),),
    6: 2 * (_SMALL,),
    24: 2 * (_SMALL,),
    7: ((1 / 2, 0.0, 0.0), _QUARTER, _SMALL),
    22: 3 * (_SMALL,),
    25: (*(2 * ((0.0, 1 / 4, 1 / 4),)), _SMALL),
    15: 2 * ((1 / 2, 0.0, 0.0),),
    23: (*(2 * (_SMALL,)), *(2 * (_QUARTER,))),
    27: (_SMALL, (3 / 8, 3 / 8, 3 / 8), (0.0, 1 / 4, 1 / 4), (1 / 4, 0.0, 1 / 4)),
    30: ((1 / 2, 0.0, 0.0), *(2 * (_SMALL,)), _QUARTER),
    60: 4 * ((1 / 4, 1 / 4, 0.0),),
    105: 4 * (_SMALL,),
}
_CLASSES_2D: dict[int, tuple[Normal, ...]] = {
    0: (),
    1: ((1 / 2, 1 / 2),),
    3: ((1.0, 0.0),),
    6: 2 * ((1 / 2, 1 / 2),),
}
_CLASSES = {2: _CLASSES_2D, 3: _CLASSES_3D}


@dataclass(frozen=True)
class Elements:
    """The surface of one mask.

    Attributes:
        corners: `(n, dims)` integers; corner i lies between voxels i - 1 and i. In scan order.
        areas: `(n,)`, mm2 in 3-D, mm in 2-D.
    """

    corners: NDArray[np.intp]
    areas: NDArray[np.float64]


def surface_elements(mask: NDArray[Any], spacing_mm: Sequence[float]) -> Elements:
    """Find the surface elements of a boolean mask; outside the array is background.

    Args:
        mask: `(*spatial)`, 2-D or 3-D.
        spacing_mm: Voxel size along each axis.
    """
    box = FlatBox(mask.shape, (1,) * mask.ndim)
    codes = _codes(box, mask)
    # 0 and the last code are no surface; one less, in uint8, sends both beyond all others.
    last = np.uint8(2 ** (2**mask.ndim) - 1)
    found = np.flatnonzero(codes - np.uint8(1) < last - np.uint8(1))
    return Elements(box.points(found), area_table(tuple(spacing_mm))[codes[found]])


def border_voxels(mask: NDArray[Any]) -> Points:
    """Positions `(n, dims)`, in scan order, of foreground voxels with a face neighbour outside.

    What one erosion with the cross of face neighbours removes, as MONAI and MedPy have it; outside
    the array is background.
    """
    sides = bounding_box(mask)
    if sides is None:
        return np.empty((0, mask.ndim), dtype=np.intp)
    box = FlatBox([side.stop - side.start for side in sides], (1,) * mask.ndim)
    row = box.laid_out(mask[sides])
    core = slice(box.lead, box.length - box.lead)
    inner = row[core].copy()
    for stride in box.strides:
        for step in (-stride, stride):
            inner &= row[core.start + step : core.stop + step]
    return box.points(np.flatnonzero(row[core] > inner)) + [side.start for side in sides]


def _codes(box: FlatBox, mask: NDArray[Any]) -> NDArray[np.uint8]:
    """The codes in a row. Corner i lies between voxels i - 1 and i."""
    codes = box.laid_out(mask).view(np.uint8)
    for axis in reversed(range(mask.ndim)):  # pairs along one axis double the bits of the code
        stride = box.strides[axis]
        low, high = codes[:-stride], codes[stride:]
        codes = np.left_shift(low, np.uint8(2 ** (mask.ndim - 1 - axis)))
        np.bitwise_or(codes, high, out=codes)
    return codes[: len(codes) - box.lead]


@lru_cache(maxsize=64)
def area_table(spacing_mm: tuple[float, ...]) -> NDArray[np.float64]:
    """Area of an element by its code, `(2 ** 2 ** dims,)`, for this voxel spacing."""
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    face = spacing.prod() / spacing  # the area of a voxel's face across each axis
    table = np.zeros(2**2 ** len(spacing))
    for code, normals in _all_normals(len(spacing)).items():
        table[code] = sum(float(np.linalg.norm(np.asarray(normal) * face)) for normal in normals)
    return table


@lru_cache(maxsize=2)
def _all_normals(dims: int) -> dict[int, tuple[Normal, ...]]:
    """Facet normals of every code, spread from the classes by the symmetries of the cube."""
    found: dict[int, tuple[Normal, ...]] = {}
    whole = 2**2**dims - 1
    for order in itertools.permutations(range(dims)):
        for flips in itertools.product((False, True), repeat=dims):
            for code, normals in _CLASSES[dims].items():
                turned = _turned_code(code, order, flips)
                permuted = tuple(tuple(normal[axis] for axis in order) for normal in normals)
                found[turned] = found[whole - turned] = permuted
    return found


def _turned_code(code: int, order: Sequence[int], flips: Sequence[bool]) -> int:
    """The code of a neighbourhood after exchanging its axes and mirroring some of them."""
    dims = len(order)
    count = 2**dims
    bits = np.array([code >> (count - 1 - place) & 1 for place in range(count)])
    cube = bits.reshape((2,) * dims).transpose(order)
    mirrored = np.flip(cube, [axis for axis in range(dims) if flips[axis]])
    return int(sum(int(bit) << (count - 1 - place) for place, bit in enumerate(mirrored.ravel())))
