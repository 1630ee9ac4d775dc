"""Images as nnU-Net wants them: one file a channel, all on one grid, by links where they lie so."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.cases.align import align, reference_channel
from inspire_med.cases.case import Case
from inspire_med.cases.prepare import plane_of
from inspire_med.imaging.grid import Grid, same_grid
from inspire_med.imaging.picture import opened_image, read_picture
from inspire_med.imaging.stored import Header
from inspire_med.imaging.volume import count_components, open_volume, read_grid, write_volume
from inspire_med.tasks.task import Preparation


def write_volumes(
    folder: Path, case: Case, channels: Sequence[str], preparation: Preparation
) -> tuple[Grid, Header]:
    """Link or write `ID_0000.nii.gz`, ..., and answer with the grid that all lie on.

    A channel is written where it is a part of a larger file, of another format, on another grid
    than the reference (it is resampled, and registered where the task says so), or filled.
    """
    reference = reference_channel(case.images, channels, preparation)
    first = open_volume(case.images[reference])
    grid = Grid(first.shape[:3], first.affine)
    written: list[tuple[str, Path]] = []
    for number, channel in enumerate(channels):
        path = folder / f"{case.id}_{number:04d}.nii.gz"
        if channel in case.images and _lies_as_wanted(case, channel, grid):
            path.symlink_to(case.images[channel])
        else:
            written.append((channel, path))
    if written:
        aligned = align(case, [channel for channel, _ in written], preparation)
        empty = np.zeros(grid.shape, np.int16)
        for channel, path in written:
            found = aligned.volumes.get(channel)
            values = empty if found is None else _smaller(aligned.turn.undo(found))
            write_volume(path, values, grid, first.header)
    return grid, first.header


def write_pictures(folder: Path, case: Case, channels: Sequence[str]) -> None:
    """Link or write `ID_0000.png`, whose colours are the channels, or a grey one for each channel.

    Args:
        folder: Where to.
        case: Of a picture, or of one for each channel.
        channels: In the order of their numbers.
    """
    files = {case.images[name] for name in channels if name in case.images}
    if len(files) == 1 and [plane_of(case, name) for name in channels] == [0, 1, 2]:
        _write_picture(folder / f"{case.id}_0000.png", *files, mode="RGB", plane=slice(None))
        return
    for number, channel in enumerate(channels):
        path = folder / f"{case.id}_{number:04d}.png"
        if channel in case.images:
            plane = plane_of(case, channel)
            _write_picture(path, case.images[channel], mode="L", plane=plane)
        else:
            Image.fromarray(np.zeros(case.shape, np.uint8)).save(path)


def _write_picture(path: Path, file: Path, *, mode: str, plane: int | slice) -> None:
    with opened_image(file) as image:
        as_wanted = file.suffix == ".png" and image.mode == mode
    if as_wanted:
        path.symlink_to(file)
    else:
        Image.fromarray(np.ascontiguousarray(read_picture(file)[..., plane])).save(path)


def _lies_as_wanted(case: Case, channel: str, grid: Grid) -> bool:
    path, component = case.images[channel], case.components.get(channel)
    return (
        path.name.endswith(".nii.gz")
        and count_components(path) == 1
        and same_grid(read_grid(path, component), grid)
    )


def _smaller(values: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.int16]:
    """As whole numbers where that loses nothing: scanners store these."""
    whole = np.clip(values, -(2**15), 2**15 - 1).astype(np.int16)
    return whole if np.array_equal(whole, values) else np.ascontiguousarray(values)
