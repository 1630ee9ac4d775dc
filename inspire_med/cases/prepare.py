"""Prepare: the files of a case to the arrays that a network sees, with the way back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.cases.align import (
    Aligned,
    align,
    grid_sentence,
    reference_channel,
    turn_beside,
)
from inspire_med.cases.case import Case
from inspire_med.cases.intensity import (
    foreground_of,
    normalise,
    normalise_channel,
    spread_sample,
    statistics_of,
)
from inspire_med.errors import InputError
from inspire_med.imaging.grid import same_grid
from inspire_med.imaging.labels import LabelMap, read_labels, refuse_others
from inspire_med.imaging.masks import Regions, bounding_box, region_masks, values_of
from inspire_med.imaging.orientation import orientation_of
from inspire_med.imaging.picture import COLOURS, is_picture, read_picture
from inspire_med.imaging.placement import Placement
from inspire_med.imaging.resample import resize, resize_judged, resize_masks
from inspire_med.imaging.stored import Header
from inspire_med.imaging.volume import Volume
from inspire_med.tasks.task import Preparation


@dataclass(frozen=True)
class Prepared:
    """A case as the network sees it.

    Args:
        image: (channels, *spatial), float32, or a float16 memory map from the store.
        placement: The way back to the file's grid.
        target: (regions, *spatial), 0 or 1, or None without a label. Where the set has a label to
            ignore, one more mask stands behind: what was judged. No region has a voxel elsewhere.
    """

    image: NDArray[Any]
    placement: Placement
    target: NDArray[np.uint8] | None = None

    def image_tensor(self) -> torch.Tensor:
        """The whole image as a float32 tensor; an image that is one in memory is not copied."""
        return torch.from_numpy(np.require(self.image, np.float32, ["C", "W"]))


def prepare_case(
    case: Case,
    channels: Sequence[str],
    regions: Regions,
    preparation: Preparation,
    read: Callable[[str], Volume] | None = None,
) -> Prepared:
    """Read a case's files; turn, align, crop, normalise and resample them.

    Args:
        case: The case.
        channels: Channel names in the order of the network's input.
        regions: Region name to label values.
        preparation: How.
        read: Reads a channel that is a volume; None reads its file.

    Raises:
        InputError: If a file is broken, a channel is missing, or grids differ.
    """
    missing = [name for name in channels if name not in case.images and name not in case.filled]
    if missing:
        raise InputError(
            f"{case.id}: lacks the channel {missing[0]} that the network reads; add the file, "
            "or prepare the case with --fill_missing."
        )
    if is_picture(case.images):
        return _prepare_picture(case, channels, regions, preparation)
    aligned = align(case, channels, preparation, read)
    image, placement = prepare_aligned(aligned, channels, preparation)
    target = None
    if case.label is not None:
        target = _target(_label_beside(case, aligned, regions, preparation), regions, placement)
    return Prepared(image, placement, target)


def foreground_statistics(
    cases: Sequence[Case], channels: Sequence[str], regions: Regions, preparation: Preparation
) -> dict[str, dict[str, float]]:
    """What `ct` needs to know of the labelled voxels of the training cases, by channel.

    Raises:
        InputError: If a file is broken, or if no voxel is labelled.
    """
    samples: list[dict[str, NDArray[Any]]] = []
    for case in cases:
        aligned, label = read_volumes(case, channels, regions, preparation)
        labelled = label > 0
        present = [name for name in channels if name in aligned.volumes]
        samples.append({name: spread_sample(aligned.volumes[name][labelled]) for name in present})
    if not any(len(values) for sample in samples for values in sample.values()):
        raise InputError("training: no voxel is labelled; check the manifest and the fold.")
    return statistics_of(samples)


def read_volumes(
    case: Case, channels: Sequence[str], regions: Regions, preparation: Preparation
) -> tuple[Aligned, NDArray[np.uint8]]:
    """A labelled case's volumes, turned and on one grid, and its label map beside them.

    The map is 0 where nobody has judged.

    Raises:
        InputError: If a file is broken, or grids differ.
    """
    aligned = align(case, channels, preparation)
    return aligned, _label_beside(case, aligned, regions, preparation).labels


def read_planes(
    case: Case, channels: Sequence[str], regions: Regions, preparation: Preparation
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A labelled picture's channels, (channels, height, width), and its label map.

    The map is 0 where nobody has judged.

    Raises:
        InputError: If a file is broken.
    """
    assert case.label is not None
    return _read_channels(case, channels), _label(case.label, regions, preparation).labels


def plane_of(case: Case, channel: str) -> int:
    """Which plane of its picture a channel is; one of a grey picture is any."""
    own = COLOURS.index(channel) if channel in COLOURS else 0
    return case.components.get(channel, own)


def prepare_aligned(
    aligned: Aligned, channels: Sequence[str], preparation: Preparation
) -> tuple[NDArray[np.float32], Placement]:
    """Crop, normalise and resample what is turned already; a channel that is not there is zero.

    Channels that were acquired on another grid do not tell what is foreground.
    """
    volumes = aligned.volumes
    foreground = foreground_of([volumes[name] for name in aligned.own], preparation)
    box = bounding_box(foreground) if preparation.crop_to_foreground else None
    placement = Placement.of_volume(
        aligned.grid, aligned.turn, box, preparation.spacing_mm, aligned.header
    )
    inside = placement.cut(foreground)
    image = np.zeros((len(channels), *placement.size), np.float32)
    for place, name in enumerate(channels):
        if name in volumes:
            normal = normalise_channel(placement.cut(volumes[name]), name, inside, preparation)
            image[place] = resize(normal[None], placement.size)[0]
    return image, placement


def prepare_planes(
    planes: NDArray[np.uint8],
    channels: Sequence[str],
    preparation: Preparation,
    header: Header | None = None,
) -> tuple[NDArray[np.float32], Placement]:
    """Resize (channels, height, width) and normalise it; `header` says where it lies, if known."""
    placement = Placement.of_picture(planes.shape[1:], preparation.image_size, header)
    seen = placement.forward(planes)
    return normalise(seen, channels, foreground_of(list(seen), preparation), preparation), placement


def _prepare_picture(
    case: Case, channels: Sequence[str], regions: Regions, preparation: Preparation
) -> Prepared:
    image, placement = prepare_planes(_read_channels(case, channels), channels, preparation)
    target = None
    if case.label is not None:
        target = _target(_label(case.label, regions, preparation), regions, placement)
    return Prepared(image, placement, target)


def _read_channels(case: Case, channels: Sequence[str]) -> NDArray[np.uint8]:
    """(channels, height, width); a channel that is not there is zero."""
    pictures = {path: read_picture(path) for path in set(case.images.values())}
    planes = {
        name: pictures[case.images[name]][..., plane_of(case, name)]
        for name in channels
        if name in case.images
    }
    if len({plane.shape for plane in planes.values()}) > 1:
        raise InputError(f"{case.id}: its pictures differ in size; scale them to one.")
    empty = np.zeros_like(next(iter(planes.values())))
    return np.stack([planes.get(name, empty) for name in channels])


def _label_beside(
    case: Case, aligned: Aligned, regions: Regions, preparation: Preparation
) -> LabelMap:
    """The case's label map in the network's orientation."""
    assert case.label is not None
    label = _label(case.label, regions, preparation)
    reference = case.images[reference_channel(case.images, aligned.volumes, preparation)]
    if label.grid is None:
        raise InputError(grid_sentence(case.label, None, reference, aligned.grid))
    view = aligned.turn.grid(aligned.grid)
    turn = turn_beside(label.grid, aligned.grid, orientation_of(view.affine))
    if not same_grid(turn.grid(label.grid), view):
        raise InputError(grid_sentence(case.label, label.grid, reference, aligned.grid))
    return replace(
        label,
        labels=turn.apply(label.labels),
        judged=None if label.judged is None else turn.apply(label.judged),
        affine=turn.grid(label.grid).affine,
    )


def _label(path: Path, regions: Regions, preparation: Preparation) -> LabelMap:
    values = {0, *values_of(regions)}
    found = read_labels(path, values, preparation.ignore)
    refuse_others(found.labels, values, found.name)
    return found


def _target(label: LabelMap, regions: Regions, placement: Placement) -> NDArray[np.uint8]:
    """The masks as the network sees them, of what was judged at the end; see `Prepared`."""
    masks = region_masks(placement.cut(label.labels), regions)
    if label.judged is None:
        return resize_masks(masks, placement.size)
    return resize_judged(masks, placement.cut(label.judged), placement.size)
