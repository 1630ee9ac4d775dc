"""Placement: do the images of one case lie where they should? Their headers tell."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.errors import InputError
from inspire_med.imaging.grid import (
    GRID_TOLERANCE_MM,
    Grid,
    corner_distance_mm,
    grids_overlap,
    same_grid,
)
from inspire_med.imaging.picture import is_picture, picture_size
from inspire_med.imaging.volume import read_grid

REFERENCE_CHANNELS = ("dwi",)  # whose grid is the case's own where grids may differ
RESAMPLED_CHANNELS = ("flair",)  # ISLES: acquired on another grid, resampled by preprocessing


def reference_channel(images: Mapping[str, Path]) -> str:
    """The channel whose grid is the case's own, used or not: DWI, or else the first."""
    return next(name for name in (*REFERENCE_CHANNELS, *images) if name in images)


def read_grids(
    case: Case | FoundCase, channels: Sequence[str], read: Callable[[str], Grid]
) -> tuple[dict[str, Grid], list[str]]:
    """The grids of the reference and of the channels that the case has, and what is wrong.

    Args:
        case: A case of volumes.
        channels: Channels that are needed.
        read: Reads a channel of the case.
    """
    grids: dict[str, Grid] = {}
    problems: list[str] = []
    for channel in dict.fromkeys((reference_channel(case.images), *channels)):
        if channel in case.images:
            try:
                grids[channel] = read(channel)
            except InputError as error:
                problems.append(str(error))
    return grids, problems


def grid_problems(
    case: Case | FoundCase, grids: Mapping[str, Grid], *, grids_differ: bool
) -> list[str]:
    """One sentence for each channel that does not lie on the reference's grid and must.

    Args:
        case: A case of volumes.
        grids: The channels' grids; without the reference's nothing can be said.
        grids_differ: Whether FLAIR may lie on another grid, as long as both show one place.
    """
    reference = reference_channel(case.images)
    if reference not in grids:
        return []
    own, own_path = grids[reference], case.images[reference]
    problems: list[str] = []
    for channel, grid in grids.items():
        if same_grid(grid, own):
            continue
        if not (grids_differ and channel in RESAMPLED_CHANNELS):
            problems.append(grid_sentence(case.images[channel], grid, own_path, own))
        elif not grids_overlap(grid, own):
            problems.append(elsewhere_sentence(case.images[channel], own_path))
    return problems


def header_problems(
    case: Case | FoundCase, channels: Sequence[str], *, grids_differ: bool
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
        lambda name: read_grid(case.images[name], case.components.get(name)),
    )
    return problems + grid_problems(case, grids, grids_differ=grids_differ)


def grid_sentence(path: Path, grid: Grid, reference_path: Path, reference: Grid) -> str:
    """Say how two images of one case lie apart."""
    if grid.shape != reference.shape:
        apart = f"has {grid.shape} voxels where {reference_path.name} has {reference.shape}"
    else:
        distance = corner_distance_mm(grid.affine, reference.affine, grid.shape)
        apart = (
            f"lies up to {distance:.2g} mm away from {reference_path.name}, more than the "
            f"{GRID_TOLERANCE_MM} mm that are put up with"
        )
    return f"{path}: {apart}; resample it to that grid."


def elsewhere_sentence(path: Path, reference_path: Path) -> str:
    """Say that two images of one case show different places."""
    return (
        f"{path}: shows nothing where {reference_path.name} lies; do both belong to one patient "
        "and one visit?"
    )
