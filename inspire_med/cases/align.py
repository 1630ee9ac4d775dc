"""Align: the volumes of a case on one grid, its own."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.placement import (
    elsewhere_sentence,
    grid_problems,
    read_grids,
    reference_channel,
)
from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid, same_grid
from inspire_med.imaging.resample import register_rigidly, resample_to
from inspire_med.imaging.volume import Volume, read_volume


def aligned_volumes(
    case: Case, channels: Sequence[str], *, grids_differ: bool, register: bool
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.bool_], Volume]:
    """Read a case's channels onto the grid of its reference channel.

    Args:
        case: The case.
        channels: Channels to read; those that the case lacks are left out.
        grids_differ: Resample a FLAIR that lies on another grid instead of refusing it.
        register: Also move it rigidly onto the reference.

    Returns:
        Volumes by channel; the voxels that are not zero in any channel acquired on this grid; the
        reference channel.

    Raises:
        InputError: If a file is broken, lies on another grid and must not, or lies elsewhere.
    """
    files: dict[str, Volume] = {}

    def read(channel: str) -> Grid:
        path, component = case.images[channel], case.components.get(channel)
        files[channel] = read_volume(path, component)
        return files[channel].grid

    grids, problems = read_grids(case, channels, read)
    problems += grid_problems(case, grids, grids_differ=grids_differ)
    if problems:
        raise InputError(problems[0])
    reference = reference_channel(case.images)
    fixed = files[reference]
    volumes = {channel: volume.values for channel, volume in files.items()}
    brain = fixed.values != 0
    for channel, moving in files.items():
        if same_grid(moving.grid, fixed.grid):
            brain |= moving.values != 0
        else:
            movement = sitk.Transform()
            if register:
                movement = _registered(moving, fixed, case.images[channel])
            volumes[channel] = resample_to(moving.values, moving.grid, fixed.grid, movement)
            if not volumes[channel].any():
                raise InputError(elsewhere_sentence(case.images[channel], case.images[reference]))
    return volumes, brain, fixed


def _registered(moving: Volume, fixed: Volume, path: Path) -> sitk.Transform:
    try:
        return register_rigidly(moving.values, moving.grid, fixed.values, fixed.grid)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].rstrip(".")
        raise InputError(
            f"{path}: cannot be registered ({reason}); leave the case out, or prepare without "
            "--register."
        ) from None
