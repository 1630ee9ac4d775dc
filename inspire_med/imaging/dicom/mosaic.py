"""Mosaic: Siemens' picture of slices side by side, and where each lies.

The file's position is that of the corner of a picture as large as all tiles together, with the
first slice in its middle; how many slices there are and which way they go stands in a header of
Siemens' own (CSA), as nibabel reads it. dcm2niix and SPM place them so too.
"""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

from inspire_med.errors import InputError

if TYPE_CHECKING:
    from inspire_med.imaging.dicom.planes import Plane

_CSA = (0x0029, 0x1010)
TAGS = ("SpacingBetweenSlices", _CSA)


@dataclass(frozen=True)
class Tile:
    """One slice: its number, the corner of its tile (row, column), its size, its position, LPS+."""

    number: int
    corner: tuple[int, int]
    size: tuple[int, int]
    position_mm: tuple[float, ...]


def tiles(path: Path, content: Dataset, plane: "Plane") -> list[Tile]:
    """The slices of a mosaic in their order.

    Args:
        path: Its file, for messages.
        content: What it says.
        plane: The picture as if it were one slice.

    Raises:
        InputError: If its own header does not say how many there are and which way they go.
    """
    count, normal = _csa(path, content)
    step = float(content.get("SpacingBetweenSlices") or 0)
    across = math.ceil(math.sqrt(count))
    (rows, columns), (high, wide) = plane.size, plane.spacing_mm
    size = (rows // across, columns // across)
    if not step > 0 or rows % across or columns % across:
        raise _unsaid(path)
    along, down = np.array(plane.orientation[:3]), np.array(plane.orientation[3:])
    corner = np.array(plane.position_mm)
    corner = corner + along * wide * (columns - size[1]) / 2 + down * high * (rows - size[0]) / 2
    way = np.cross(along, down)
    way = way if way @ normal >= 0 else -way
    return [
        Tile(
            number,
            (number // across * size[0], number % across * size[1]),
            size,
            tuple(map(float, corner + way * step * number)),
        )
        for number in range(count)
    ]


def _csa(path: Path, content: Dataset) -> tuple[int, Any]:
    """How many slices there are, and the direction that they are counted in."""
    with warnings.catch_warnings():  # of other readers in its package
        warnings.filterwarnings("ignore", "The DICOM readers are highly experimental")
        from nibabel.nicom import csareader
    try:
        said = csareader.read(content[_CSA].value)
        count, normal = csareader.get_n_mosaic(said), csareader.get_slice_normal(said)
    except (csareader.CSAReadError, ValueError, KeyError, IndexError, TypeError):
        raise _unsaid(path) from None
    if normal is None or count is None or not 1 < count < 2**12:
        raise _unsaid(path)
    return int(count), np.asarray(normal, dtype=float)


def _unsaid(path: Path) -> InputError:
    return InputError(
        f"{path}: a mosaic that does not say how its slices lie; export it as single slices, or "
        "convert it with dcm2niix."
    )
