"""Restore: from the network's grid back to the file's, and written as the file was."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.blocks.resize import resize as resize_tensor
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.picture import write_grey_picture
from inspire_med.imaging.volume import Header, write_volume


def restore(values: NDArray[Any], record: Mapping[str, Any]) -> NDArray[np.float32]:
    """Undo resizing and cropping; outside the crop is zero.

    Args:
        values: (regions, *prepared spatial): probabilities or masks.
        record: As `Preprocessor.prepare` left it.

    Returns:
        (regions, *the file's spatial), float32.
    """
    inner_shape = [high - low for low, high in record["box"]]
    inner = resize(np.asarray(values, dtype=np.float32), inner_shape)
    if inner_shape == list(record["shape"]):
        return inner
    whole = np.zeros((len(inner), *record["shape"]), dtype=np.float32)
    whole[(slice(None), *(slice(low, high) for low, high in record["box"]))] = inner
    return whole


def resize(values: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.float32]:
    """Resize (channels, *spatial) linearly to (channels, *size); voxels are cells."""
    if tuple(values.shape[1:]) == tuple(size):
        return values
    batch = torch.from_numpy(np.ascontiguousarray(values))[None]
    return np.ascontiguousarray(resize_tensor(batch, size)[0].numpy())


def labels_from_regions(
    masks: NDArray[np.bool_], regions: Mapping[str, Sequence[int]]
) -> NDArray[np.uint8]:
    """Overlapping region masks to one label map in the set's own values.

    A region counts only where the regions that hold all of its values are found too: a core outside
    of the whole tumour is none, and painting it would make the whole tumour wrong as well. Regions
    are painted from the one of most label values to that of fewest; each paints the lowest of its
    values that no smaller region inside it has (BraTS: WT 2, TC 1, ET 4).

    Args:
        masks: (regions, *spatial), in the order of `regions`.
        regions: Region name to label values.
    """
    labels = np.zeros(masks.shape[1:], dtype=np.uint8)
    groups = [set(values) for values in regions.values()]
    for index in sorted(range(len(groups)), key=lambda i: -len(groups[i])):
        inside = [group for group in groups if group < groups[index]]
        own = groups[index].difference(*inside)
        around = [masks[i] for i, group in enumerate(groups) if group > groups[index]]
        labels[np.logical_and.reduce([masks[index], *around])] = min(own or groups[index])
    return labels


def write_mask(path: Path, labels: NDArray[np.uint8], record: Mapping[str, Any]) -> None:
    """Write a label map on the case's own grid: .png as 0/255, NIfTI with the input's header.

    Args:
        path: Ends in .png for pictures, in .nii.gz or .nii for volumes.
        labels: (*the file's spatial), the set's own values.
        record: As `Preprocessor.prepare` left it.
    """
    if record["kind"] == "picture":
        write_grey_picture(path, (labels > 0).astype(np.uint8) * 255)
    else:
        _write_volume(path, labels.astype(np.uint8), record)


def write_probabilities(
    path: Path, probabilities: NDArray[np.float32], record: Mapping[str, Any]
) -> None:
    """Write (regions, *spatial): volumes as 4-D NIfTI with the region last, pictures as 8-bit PNG.

    A picture has one region; 255 stands for 1.
    """
    if record["kind"] == "picture":
        write_grey_picture(path, np.rint(probabilities[0] * 255).astype(np.uint8))
    else:
        _write_volume(path, np.moveaxis(probabilities.astype(np.float32), 0, -1), record)


def _write_volume(path: Path, array: NDArray[Any], record: Mapping[str, Any]) -> None:
    grid = Grid(tuple(record["shape"]), np.asarray(record["affine"], dtype=np.float64))
    write_volume(path, array, grid, Header(**record["header"]) if record["header"] else None)
