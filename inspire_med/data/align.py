"""Align: the volumes of a case on one grid, its own."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.data.case import Case
from inspire_med.data.check import RESAMPLED_CHANNELS, grid_sentence, reference_channel
from inspire_med.data.nifti import Grid, read_volume, same_grid
from inspire_med.data.resample import register_rigidly, resample_to
from inspire_med.errors import InputError

Volume = NDArray[np.float32]


def aligned_volumes(
    case: Case, channels: Sequence[str], *, grids_differ: bool, register: bool
) -> tuple[dict[str, Volume], NDArray[np.bool_], Grid]:
    """Read a case's channels onto the grid of its reference channel.

    Args:
        case: The case.
        channels: Channels to read; those that the case lacks are left out.
        grids_differ: Resample a FLAIR that lies on another grid instead of refusing it.
        register: Also move it rigidly onto the reference.

    Returns:
        Volumes by channel; the voxels that are not zero in any channel acquired on this grid; the
        grid.

    Raises:
        InputError: If a file is broken, lies on another grid and must not, or lies elsewhere.
    """
    reference = reference_channel(case.images) or ""
    fixed, grid = read_volume(case.images[reference], case.components.get(reference))
    volumes, brain = {reference: fixed}, fixed != 0
    for channel in channels:
        if channel == reference or channel not in case.images:
            continue
        path = case.images[channel]
        volume, own = read_volume(path, case.components.get(channel))
        if same_grid(own, grid):
            volumes[channel] = volume
            brain |= volume != 0
        elif grids_differ and channel in RESAMPLED_CHANNELS:
            movement = register_rigidly(volume, own, fixed, grid) if register else sitk.Transform()
            volumes[channel] = resample_to(volume, own, grid, movement)
            if not volumes[channel].any():
                raise InputError(
                    f"{path}: shows nothing where {case.images[reference].name} lies; do both "
                    "belong to one patient and one visit?"
                )
        else:
            raise InputError(grid_sentence(path, own, case.images[reference], grid))
    return volumes, brain, grid
