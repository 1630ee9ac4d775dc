"""Prepare volumes: scans that lie on one grid, and their label, on the network's grid."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.normalise import z_score_within
from inspire_med.cases.restore import resize
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import bounding_box, region_masks
from inspire_med.imaging.volume import Header


def volumes_record(
    brain: NDArray[np.bool_],
    grid: Grid,
    header: Header | None,
    name: str,
    *,
    crop: bool,
    spacing_mm: Sequence[float] | None,
) -> dict[str, Any]:
    """Where the prepared volumes lie in the file's: what `restore` and `write_mask` read.

    Args:
        brain: Voxels that are not zero in some channel.
        grid: The file's.
        header: Likewise; arrays have none.
        name: For the record.
        crop: Cut to the box of `brain`; where it is empty, nothing is cut.
        spacing_mm: Voxel size to resample to; None keeps the file's.
    """
    whole = tuple(slice(0, size) for size in grid.shape)
    box = (bounding_box(brain) if crop else None) or whole
    size = [side.stop - side.start for side in box]
    if spacing_mm is not None:
        pairs = zip(size, grid.spacing_mm, spacing_mm, strict=True)
        size = [max(1, round(count * old / new)) for count, old, new in pairs]
    return {
        "id": name,
        "kind": "volume",
        "shape": list(grid.shape),
        "spacing_mm": list(grid.spacing_mm),
        "box": [[side.start, side.stop] for side in box],
        "size": size,
        "affine": grid.affine.tolist(),
        "header": None if header is None else asdict(header),
    }


def volumes_image(
    volumes: Mapping[str, NDArray[np.float32]],
    brain: NDArray[np.bool_],
    channels: Sequence[str],
    record: Mapping[str, Any],
) -> NDArray[np.float32]:
    """Cut, normalise and resample, (channels, *size); a channel that is not there is zero."""
    cut = _cut(record)
    stack = [
        z_score_within(volumes[channel][cut], brain[cut])
        if channel in volumes
        else np.zeros(brain[cut].shape, np.float32)
        for channel in channels
    ]
    return resize(np.stack(stack), record["size"])


def volumes_target(
    label: NDArray[np.uint8], record: Mapping[str, Any], regions: Mapping[str, Sequence[int]]
) -> NDArray[np.uint8]:
    """Cut and resample the regions of a label map on the file's grid, (regions, *size)."""
    masks = region_masks(label[_cut(record)], regions).astype(np.float32)
    return (resize(masks, record["size"]) >= 0.5).astype(np.uint8)


def _cut(record: Mapping[str, Any]) -> tuple[slice, ...]:
    return tuple(slice(low, high) for low, high in record["box"])
