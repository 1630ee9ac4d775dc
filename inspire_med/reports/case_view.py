"""Case view: a case as it lies in its files, ready for the eye: image, reference, prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.errors import InputError
from inspire_med.evaluation.case import known_values
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.masks import region_masks
from inspire_med.imaging.picture import is_picture, read_picture
from inspire_med.imaging.resample import in_order_of
from inspire_med.imaging.volume import is_volume, read_grid, read_volume


@dataclass(frozen=True)
class CaseView:
    """Arrays on the case's own grid, in the argument order of the viz functions.

    Attributes:
        image: `(3, rows, columns)` of a picture, `(1, i, j, k)` of a volume's chosen channel.
        reference: `(regions, *spatial)`, or None where the case has no label.
        prediction: `(regions, *spatial)`, or None where none was given.
        regions: Their names.
        spacing_mm: Voxel size; 1 (pixel) for pictures.
        affine: Voxel to RAS+ world; None for pictures.
    """

    image: NDArray[Any]
    reference: NDArray[np.bool_] | None
    prediction: NDArray[np.bool_] | None
    regions: tuple[str, ...]
    spacing_mm: tuple[float, ...]
    affine: NDArray[np.float64] | None


def view_case(
    case: Case,
    regions: Mapping[str, Sequence[int]],
    prediction: Path | None = None,
    channel: str | None = None,
    ignore: int | None = None,
) -> CaseView:
    """Read one case for looking at it.

    Args:
        case: As in the manifest.
        regions: The manifest's regions.
        prediction: Mask file that `predict` wrote for the case.
        channel: Channel to show of a volume; by default the first on the case's grid.
        ignore: The set's label value of voxels that nobody has judged.

    Raises:
        InputError: If a file is unreadable, or no such channel lies on the case's grid.
    """
    values = known_values(regions)
    channels = read_channels(case, case.shape, [channel] if channel else [])
    if not channels or channel not in (None, *channels):
        wanted = "no channel" if channel is None else f"no channel {channel}"
        raise InputError(
            f"{case.id}: {wanted} on the case's grid {case.shape}; the manifest has "
            f"{', '.join(case.images)}."
        )
    ((_, image),) = channels.items()
    grid = case_grid(case, channel)
    reference, predicted = (
        None
        if path is None
        else region_masks(in_order_of(grid, read_labels(path, values, left_out)).labels, regions)
        for path, left_out in ((case.label, ignore), (prediction, None))
    )
    affine = None if grid is None else grid.affine
    return CaseView(image, reference, predicted, tuple(regions), case.spacing_mm, affine)


def read_channels(
    case: Case, shape: tuple[int, ...], wanted: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """What can be drawn under masks of this shape, by name, `(1 or 3, *shape)`.

    It is the picture, or those of a volume's wanted channels that have this shape; where none has,
    or none is wanted, the first channel that has.
    """
    for path in case.images.values():
        if not is_volume(path):
            picture = np.moveaxis(read_picture(path), -1, 0)
            return {"image": picture} if picture.shape[1:] == shape else {}
    fitting = {
        name: path
        for name, path in case.images.items()
        if read_grid(path, case.components.get(name)).shape == shape
    }
    chosen = [name for name in wanted if name in fitting] or list(fitting)[:1]
    return {
        name: read_volume(fitting[name], case.components.get(name)).values[None] for name in chosen
    }


def case_grid(case: Case, channel: str | None = None) -> Grid | None:
    """The grid of a case's own shape that a channel, or any, lies on; None of pictures, or none."""
    if not case.images or is_picture(case.images):
        return None
    grids = (
        read_grid(path, case.components.get(name))
        for name, path in case.images.items()
        if channel in (None, name)
    )
    return next((grid for grid in grids if grid.shape == case.shape), None)
