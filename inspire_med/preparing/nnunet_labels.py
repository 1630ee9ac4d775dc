"""Labels as nnU-Net 2 has them: values that count on from 0, and regions that may overlap."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.imaging.grid import Grid, same_grid
from inspire_med.imaging.labels import LabelMap, read_labels
from inspire_med.imaging.masks import IGNORE, Regions, values_of
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.volume import Header, write_volume


def numbers(regions: Regions, ignore: int | None = None) -> dict[int, int]:
    """nnU-Net's labels by the set's own: 0, 1, 2, ...; one for each region where none overlap.

    The last is that of what is to be ignored.
    """
    groups = [(value,) for value in sorted(values_of(regions))]
    if not _overlap(regions):
        groups = [tuple(values) for values in regions.values()]
    places = enumerate([(0,), *groups, *([] if ignore is None else [(ignore,)])])
    return {value: place for place, own in places for value in own}


def described_labels(regions: Regions, ignore: int | None = None) -> dict[str, Any]:
    """The part of dataset.json on labels.

    Regions that overlap are lists of values, the largest first, and `regions_class_order` says
    which value nnU-Net paints each with: one that no later region has, as these come on top.
    """
    number = numbers(regions, ignore)
    last = {} if ignore is None else {IGNORE: number[ignore]}
    if not _overlap(regions):
        own = {name: number[values[0]] for name, values in regions.items()}
        return {"labels": {"background": 0, **own, **last}}
    ordered = sorted(regions.items(), key=lambda region: -len(region[1]))
    lists = {name: [number[value] for value in values] for name, values in ordered}
    order: list[int] = []
    for place, own in enumerate(lists.values()):
        later = {value for other in list(lists.values())[place + 1 :] for value in other}
        order.append(next((value for value in own if value not in later), own[0]))
    return {"labels": {"background": 0, **lists, **last}, "regions_class_order": order}


def write_label(
    path: Path, label: Path, number: Mapping[int, int], grid: Grid, header: Header
) -> None:
    """Write a volume's label, as a link where not a voxel of it must change.

    Args:
        path: Ends in .nii.gz.
        label: The set's own file.
        number: As `numbers` says.
        grid: The images', on which nnU-Net wants it.
        header: Theirs.
    """
    found = read_labels(label, number)
    alike = found.grid is not None and same_grid(found.grid, grid)
    kept = all(number[value] == value for value in found.values) and not found.note
    if alike and kept and label.name.endswith(".nii.gz"):
        path.symlink_to(label)
    else:
        write_volume(path, _laid_as(grid, found, _renumbered(found.labels, number)), grid, header)


def write_mask_picture(path: Path, label: Path, number: Mapping[int, int]) -> None:
    """Write a picture's label as a PNG of the numbers themselves, not of black and white."""
    found = read_labels(label, number)
    Image.fromarray(_renumbered(found.labels, number)).save(path)


def _overlap(regions: Regions) -> bool:
    return sum(len(values) for values in regions.values()) > len(values_of(regions))


def _renumbered(labels: NDArray[Any], number: Mapping[int, int]) -> NDArray[np.uint8]:
    table = np.zeros(max(number) + 1, np.uint8)
    for value, other in number.items():
        table[value] = other
    return table[labels]


def _laid_as(grid: Grid, found: LabelMap, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same voxels in the order of a grid's axes."""
    if found.grid is None or same_grid(found.grid, grid):
        return labels
    canonical = Turn.to("RAS", found.grid.affine).apply(labels)
    return np.ascontiguousarray(Turn.to("RAS", grid.affine).undo(canonical))
