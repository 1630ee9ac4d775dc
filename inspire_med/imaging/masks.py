"""Masks: label maps to regions and back, and the smallest boxes that hold them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]
Regions = Mapping[str, Sequence[int]]

ANY_LABEL: tuple[int, ...] = ()  # a region of whatever is not 0
IGNORE = "ignore"  # nnU-Net's word among a set's regions for voxels that nobody has judged


def region_masks(labels: NDArray[Any], regions: Regions) -> NDArray[np.bool_]:
    """Masks of all regions of a label map, `(regions, *spatial)`."""
    return np.stack([among(labels, values) for values in regions.values()])


def values_of(regions: Regions) -> set[int]:
    """Label values that make up any of the regions."""
    return {value for values in regions.values() for value in values}


def among(labels: NDArray[Any], values: Collection[int]) -> NDArray[np.bool_]:
    """Where a label map holds any of these values; a comparison a value beats a look-up table."""
    if values == ANY_LABEL:
        return np.asarray(labels != 0)
    found = np.zeros_like(labels, dtype=bool)  # in the same order: another takes six times as long
    for value in values:
        found |= labels == value
    return found


def part_ignored(regions: Regions) -> tuple[dict[str, Sequence[int]], int | None]:
    """Regions without the one called `ignore`, and that one's value; None where there is none."""
    others = {name: values for name, values in regions.items() if name != IGNORE}
    return others, next(iter(regions.get(IGNORE, ())), None)


def odd_ignored(regions: Regions) -> str:
    """What is wrong with the region called `ignore`, in words; empty where nothing is."""
    others, ignore = part_ignored(regions)
    if ignore is None:
        return ""
    if len(regions[IGNORE]) > 1:
        return f"{IGNORE} has several values, where one may stand"
    sharing = [name for name, values in others.items() if ignore in values]
    if sharing:
        return f"{IGNORE} has {ignore}, which {sharing[0]} has too"
    return "" if others else f"has no region beside {IGNORE}"


class Masks(Protocol):
    """Masks by their place in the order of regions: an array, or what makes each when asked."""

    def __getitem__(self, index: int, /) -> NDArray[np.bool_]: ...


def labels_from_regions(masks: Masks, regions: Regions) -> NDArray[np.uint8]:
    """Overlapping region masks to one label map in the set's own values.

    A region counts only where the regions that hold all of its values are found too: a core outside
    of the whole tumour is none, and painting it would make the whole tumour wrong as well. Regions
    are painted from the one of most label values to that of fewest; each paints the lowest of its
    values that no smaller region inside it has (BraTS: WT 2, TC 1, ET 4).

    Args:
        masks: (regions, *spatial), in the order of `regions`; each is asked for once, and only
            those stay that decide where others count.
        regions: Region name to label values.
    """
    groups = [set(values) for values in regions.values()]
    kept: dict[int, NDArray[np.bool_]] = {}
    labels: NDArray[np.uint8] | None = None
    for index in sorted(range(len(groups)), key=lambda i: -len(groups[i])):
        mask = masks[index]
        if labels is None:
            labels = np.zeros(mask.shape, dtype=np.uint8)
        inside = [group for group in groups if group < groups[index]]
        own = groups[index].difference(*inside)
        around = [kept[i] for i, group in enumerate(groups) if group > groups[index]]
        labels[np.logical_and.reduce([mask, *around])] = min(own or groups[index])
        if inside:
            kept[index] = mask
    assert labels is not None  # a task has a region
    return labels


def bounding_box(mask: NDArray[Any]) -> Box | None:
    """Slices around everything that is not zero, or None where all is zero."""
    box: list[slice] = []
    rest: Any = mask
    for _ in range(mask.ndim):  # each axis looks only at the shadow of what the ones before left
        present = np.flatnonzero(rest.any(axis=tuple(range(1, rest.ndim))))
        if len(present) == 0:
            return None
        side = slice(int(present[0]), int(present[-1]) + 1)
        box.append(side)
        rest = rest[side].any(axis=0)
    return tuple(box)


def joint_box(first: NDArray[Any], second: NDArray[Any]) -> Box | None:
    """Slices around everything that is not zero in either of two arrays of one shape."""
    boxes = [box for box in (bounding_box(first), bounding_box(second)) if box is not None]
    if not boxes:
        return None
    return tuple(
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )
