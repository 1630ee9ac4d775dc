"""Background: what lies around a patient in a scan, as against what is dark within.

Around the head, public sets of MR hold one number, most often 0: the one that a volume's corners
hold. Around the body, CT holds air, near -1000 Hounsfield units with noise, and beyond the
scanner's circle a pad of -1024 to -3024. A ventricle may hold that number too, and lungs and bowel
hold air: what no way joins to the edge of its axial slice is not around the patient.
"""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_CT_BELOW = -900  # Hounsfield units; no other scan's numbers begin there
_AIR, _AIR_BELOW = -1000, -500  # and half way from there to water
_CORNERS = 5  # of eight


def dark_in(values: NDArray[Any]) -> NDArray[np.bool_]:
    """The voxels of a scan that hold what is around a patient; none where that is not known.

    Args:
        values: (i, j, k).
    """
    if _is_ct(values):
        return values < _AIR_BELOW
    corners = np.array([values[corner] for corner in product((0, -1), repeat=3)])
    numbers, counts = np.unique(corners, return_counts=True)
    if counts.max() < _CORNERS:
        return np.zeros(values.shape, dtype=bool)
    return values == numbers[counts.argmax()]


def number_of_nothing(values: NDArray[Any]) -> int:
    """What to write where a scan says nothing: air in CT, else 0.

    Args:
        values: What it says elsewhere.
    """
    return _AIR if _is_ct(values) else 0


def share_around(label: NDArray[np.bool_], dark: NDArray[np.bool_]) -> float:
    """The share of a label that lies in dark parts which reach the edge of their axial slice.

    Args:
        label: (i, j, k) in RAS.
        dark: Likewise.
    """
    doubtful = label & dark
    parts = np.empty(dark.shape[:2], dtype=np.int32)
    around = 0
    for k in np.flatnonzero(doubtful.any(axis=(0, 1))):
        ndimage.label(dark[..., k], output=parts)
        reaches = np.zeros(parts.max() + 1, dtype=bool)
        for edge in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
            reaches[edge] = True
        around += np.count_nonzero(doubtful[..., k] & reaches[parts])
    return around / max(1, np.count_nonzero(label))


def _is_ct(values: NDArray[Any]) -> bool:
    return bool(values.min(initial=0) <= _CT_BELOW)
