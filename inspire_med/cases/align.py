"""Align: the volumes of a case in one orientation and on one grid, that of its reference."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.errors import InputError
from inspire_med.imaging.grid import (
    Grid,
    apart_in_words,
    corner_distance_mm,
    grids_overlap,
    same_grid,
    tolerance_mm,
)
from inspire_med.imaging.orientation import Turn, closest_canonical, orientation_of
from inspire_med.imaging.picture import is_picture, picture_size
from inspire_med.imaging.register import register_rigidly
from inspire_med.imaging.resample import resample_to
from inspire_med.imaging.volume import Header, Volume, read_grid, read_volume
from inspire_med.tasks.task import Preparation


@dataclass(frozen=True)
class Aligned:
    """The volumes of a case as they lie over each other.

    Args:
        volumes: By channel, (i, j, k) in the network's orientation, on one grid.
        own: Channels that were acquired on that grid.
        grid: The reference's as its file has it.
        header: The reference's; None of arrays.
        turn: From the file's axes to the network's.
    """

    volumes: Mapping[str, NDArray[np.float32]]
    own: tuple[str, ...]
    grid: Grid
    header: Header | None
    turn: Turn


def align(
    case: Case | FoundCase,
    channels: Sequence[str],
    preparation: Preparation,
    read: Callable[[str], Volume] | None = None,
) -> Aligned:
    """Read a case's channels onto the grid of its reference channel.

    Args:
        case: The case.
        channels: Channels to read; those that the case lacks are left out.
        preparation: Orientation, and which channels may lie on another grid.
        read: Reads a channel; None reads its file.

    Raises:
        InputError: If a file is broken, lies on another grid and must not, or lies elsewhere.
    """
    files: dict[str, Volume] = {}

    def keep(channel: str) -> Grid:
        files[channel] = (read or partial(read_channel, case))(channel)
        return files[channel].grid

    grids, problems = read_grids(case, channels, preparation, keep)
    problems += grid_problems(case, grids, preparation)
    if problems:
        raise InputError(problems[0])
    name = reference_channel(case.images, channels, preparation)
    grid, header = files[name].grid, files[name].header
    codes = preparation.orientation or orientation_of(grid.affine)
    turn = Turn.to(codes, grid.affine)
    view = turn.grid(grid)
    # One after another, so that a channel is held twice, as it was read and turned, and no two are.
    seen = {channel: _turned(files.pop(channel), grid, codes) for channel in [*files]}
    own = tuple(channel for channel, volume in seen.items() if same_grid(volume.grid, view))
    volumes = {channel: volume.values for channel, volume in seen.items()}
    for channel in seen.keys() - own:
        moving, movement = seen[channel], None
        if preparation.register:
            movement = _registered(moving, seen[name], case.images[channel])
        volumes[channel] = resample_to(moving.values, moving.grid, view, movement)
        if not volumes[channel].any():
            raise InputError(elsewhere_sentence(case.images[channel], case.images[name]))
    return Aligned(volumes, own, grid, header, turn)


def read_channel(case: Case | FoundCase, channel: str) -> Volume:
    """Read one channel of a case of volumes.

    Raises:
        InputError: As `read_volume`.
    """
    return read_volume(case.images[channel], case.components.get(channel))


def turn_beside(grid: Grid, reference: Grid, codes: str) -> Turn:
    """The turn to `codes` of what lies on a grid; the reference's own where that is its grid.

    Two grids that differ by rounding could else be turned in two ways where they lie at 45 degrees.
    """
    return Turn.to(codes, (reference if same_grid(grid, reference) else grid).affine)


def _turned(volume: Volume, reference: Grid, codes: str) -> Volume:
    turn = turn_beside(volume.grid, reference, codes)
    values = np.ascontiguousarray(turn.apply(volume.values))
    return Volume(values, turn.grid(volume.grid), volume.header)


def reference_channel(
    images: Mapping[str, Path], channels: Collection[str], preparation: Preparation
) -> str:
    """The channel whose grid is the case's own: the task's reference, or the first that lies on it.

    It is one of those that are used. Only where all of these may lie on grids of their own is it
    another, for labels lie on its grid.

    Args:
        images: The case's channels.
        channels: Those that are used.
        preparation: Names the reference, and channels that may lie on another grid.
    """
    usual = [name for name in images if name == preparation.reference]
    bound = [name for name in images if name not in preparation.resampled]
    able = [*usual, *bound]
    return next(iter([name for name in able if name in channels] or able or images))


def as_read(case: Case, channels: Sequence[str], preparation: Preparation) -> Case:
    """The case without the images that are not read for these channels."""
    read = {*channels, reference_channel(case.images, channels, preparation)}
    return replace(case, images={name: case.images[name] for name in case.images if name in read})


def read_grids(
    case: Case | FoundCase,
    channels: Sequence[str],
    preparation: Preparation,
    read: Callable[[str], Grid],
) -> tuple[dict[str, Grid], list[str]]:
    """The grids of the reference and of the channels that the case has, and what is wrong.

    Args:
        case: A case of volumes.
        channels: Channels that are needed.
        preparation: Names the reference.
        read: Reads a channel of the case.
    """
    grids: dict[str, Grid] = {}
    problems: list[str] = []
    reference = reference_channel(case.images, channels, preparation)
    for channel in dict.fromkeys((reference, *channels)):
        if channel in case.images:
            try:
                grids[channel] = read(channel)
            except InputError as error:
                problems.append(str(error))
    return grids, problems


def grid_problems(
    case: Case | FoundCase, grids: Mapping[str, Grid], preparation: Preparation
) -> list[str]:
    """One sentence for each channel that does not lie on the reference's grid and must.

    Args:
        case: A case of volumes.
        grids: The grids of the channels that could be read.
        preparation: Which channels may lie on another grid, as long as both show one place.
    """
    if not grids:
        return []
    reference = reference_channel({name: case.images[name] for name in grids}, grids, preparation)
    own, own_path = grids[reference], case.images[reference]
    problems: list[str] = []
    for channel, grid in grids.items():
        if lie_alike(grid, own):
            continue
        if channel not in preparation.resampled:
            problems.append(grid_sentence(case.images[channel], grid, own_path, own))
        elif not grids_overlap(grid, own):
            problems.append(elsewhere_sentence(case.images[channel], own_path))
    return problems


def header_problems(
    case: Case | FoundCase, channels: Sequence[str], preparation: Preparation
) -> list[str]:
    """What is wrong with a case's images as far as headers show it; no voxel is read."""
    if is_picture(case.images):
        try:
            picture_size(next(iter(case.images.values())))
        except InputError as error:
            return [str(error)]
        return []
    grids, problems = read_grids(
        case,
        channels,
        preparation,
        lambda name: read_grid(case.images[name], case.components.get(name)),
    )
    return problems + grid_problems(case, grids, preparation)


def lie_alike(first: Grid, second: Grid) -> bool:
    """Do the voxels of two grids lie in the same places, be they stored in another order?"""
    return same_grid(first, second) or same_grid(
        closest_canonical(first), closest_canonical(second)
    )


def grid_sentence(path: Path, grid: Grid | None, reference_path: Path, reference: Grid) -> str:
    """Say how two images of one case lie apart; a picture has no grid."""
    if grid is None:
        apart = f"is a picture where {reference_path.name} is a volume"
    elif grid.shape != reference.shape:
        apart = f"has {grid.shape} voxels where {reference_path.name} has {reference.shape}"
    else:
        distance, how = corner_distance_mm(grid, reference), apart_in_words(grid, reference)
        apart = (
            f"lies up to {distance:.2g} mm away from {reference_path.name}"
            f"{f' ({how})' if how else ''}, more than the "
            f"{tolerance_mm(grid, reference):.2g} mm that are put up with"
        )
    return f"{path}: {apart}; resample it to that grid."


def elsewhere_sentence(path: Path, reference_path: Path) -> str:
    """Say that two images of one case show different places."""
    return (
        f"{path}: shows nothing where {reference_path.name} lies; do both belong to one patient "
        "and one visit?"
    )


def _registered(moving: Volume, fixed: Volume, path: Path) -> sitk.Transform:
    try:
        return register_rigidly(moving.values, moving.grid, fixed.values, fixed.grid)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].rstrip(".")
        raise InputError(
            f"{path}: cannot be registered ({reason}); leave the case out, or prepare without "
            "--register."
        ) from None
