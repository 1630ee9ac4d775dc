"""Mend labels: whole numbers that may occur, made of what a program left of them."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.labels import refuse_others

_NEAR = 0.1  # of a whole number: further off, the values between two labels tell of neither


def whole_labels(
    array: NDArray[Any], values: Collection[int], name: str
) -> tuple[NDArray[Any], list[str]]:
    """Labels of those values, and what was done for it.

    Numbers near whole ones are rounded. Where there is one label alone, its mask may have been
    interpolated, and a voxel belongs to it from half of it on; or it may be called by another
    number. More is not guessed.

    Args:
        array: The label, finite.
        values: What may occur, 0 among it.
        name: Of the file.

    Raises:
        InputError: If anything else is in it.
    """
    done: list[str] = []
    foreground = sorted(set(values) - {0})
    apart = float(np.abs(array - np.rint(array)).max(initial=0))
    if apart > _NEAR and (len(foreground) > 1 or array.min() < 0 or array.max() > foreground[0]):
        raise InputError(
            f"{name}: holds values between labels, as interpolation leaves them; resample the "
            "drawn label again by nearest neighbour."
        )
    if apart > _NEAR:
        labels = (array >= foreground[0] / 2) * foreground[0]
        done.append("fractions taken as label from one half on")
    else:
        labels = np.rint(array)
        done += ["rounded to whole numbers"] if apart > 0 else []
    if labels.min() < 0:
        raise InputError(f"{name}: holds negative values; labels start at 0.")
    found = sorted({int(value) for value in np.unique(labels)} - {0})
    if len(found) == len(foreground) == 1 and found != foreground:
        labels = (labels > 0) * foreground[0]
        done.append(f"label {found[0]} written as {foreground[0]}")
    refuse_others(labels, values, name)
    return labels.astype(np.uint8 if labels.max() < 256 else np.uint16), done
