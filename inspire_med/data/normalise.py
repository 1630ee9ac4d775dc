"""Normalise: intensities that mean the same from scanner to scanner."""

import numpy as np
from numpy.typing import NDArray


def z_score_within(volume: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(x - mean) / sd over the brain's non-zero voxels of one channel; elsewhere exactly zero.

    Args:
        volume: (i, j, k), any unit.
        brain: Voxels that belong to the head in any channel.
    """
    inside = brain & (volume != 0)
    values = volume[inside].astype(np.float64)
    if values.size == 0:
        return np.zeros_like(volume)
    scale = max(float(values.std()), 1e-6)
    scaled = (volume - np.float32(values.mean())) / np.float32(scale)
    return np.where(inside, scaled, np.float32(0))


def scale_picture(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(x - mean) / sd for each colour of one image, (height, width, 3) to (3, height, width).

    The image's own statistics: no other data set's mean and no white balance of the lamp remain.
    """
    planes = picture.transpose(2, 0, 1).astype(np.float32)
    mean = planes.mean(axis=(1, 2), keepdims=True)
    deviation = planes.std(axis=(1, 2), keepdims=True)
    return (planes - mean) / np.maximum(deviation, 1.0)
