"""Normalise: intensities that mean the same from scanner to scanner."""

import numpy as np
from monai.transforms.intensity.array import NormalizeIntensity
from numpy.typing import NDArray

_WITHIN = NormalizeIntensity(nonzero=True)
_EACH_COLOUR = NormalizeIntensity(channel_wise=True)


def z_score_within(volume: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(x - mean) / sd over the brain's non-zero voxels of one channel; elsewhere exactly zero.

    Args:
        volume: (i, j, k), any unit.
        brain: Voxels that belong to the head in any channel.
    """
    return np.asarray(_WITHIN(np.where(brain, volume, np.float32(0))))


def scale_picture(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(x - mean) / sd for each colour of one image, (height, width, 3) to (3, height, width).

    The image's own statistics: no other data set's mean and no white balance of the lamp remain.
    """
    return np.asarray(_EACH_COLOUR(picture.transpose(2, 0, 1).astype(np.float32)))
