"""Check: is a case fit for use; if not, which file is at fault, why, and how to mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.data.case import Case
from inspire_med.data.layouts.found import FoundCase
from inspire_med.data.look_alike import picture_signature
from inspire_med.data.nifti import Grid, corner_distance_mm, read_volume, same_grid
from inspire_med.data.picture import read_mask, read_picture
from inspire_med.errors import InputError

REFERENCE_CHANNELS = ("dwi",)  # whose grid is the case's own where grids may differ
RESAMPLED_CHANNELS = ("flair",)  # ISLES: acquired on another grid, resampled by preprocessing


@dataclass(frozen=True)
class Verdict:
    """What the check of one case found.

    Args:
        case: The case with shape and spacing, or None if it cannot be used.
        problems: One sentence each.
        values: Label values that occur in its label file.
        foreground: Share of labelled voxels, for balanced folds.
        signature: Perceptual hash of an image, to find near-duplicates; empty for volumes.
    """

    case: Case | None
    problems: tuple[str, ...] = ()
    values: frozenset[int] = frozenset()
    foreground: float = 0.0
    signature: bytes = b""


@dataclass(frozen=True)
class Expectation:
    """What every case of a set must fulfil.

    Args:
        channels: Channels the network will read.
        values: Label values that may occur.
        fill_missing: Channels that a case lacks are filled with zeros and marked.
        grids_differ: Whether a channel may lie on another grid (ISLES' FLAIR).
    """

    channels: tuple[str, ...]
    values: tuple[int, ...]
    fill_missing: bool = False
    grids_differ: bool = False


def check_case(found: FoundCase, expected: Expectation) -> Verdict:
    """Open every file of a case and say everything that is wrong with it, not only the first."""
    missing = tuple(name for name in expected.channels if name not in found.images)
    if missing and not (expected.fill_missing and len(missing) < len(expected.channels)):
        return Verdict(None, (_missing_sentence(found, missing),))
    if found.components and len(set(found.images.values())) == 1 and _is_picture(found):
        return _check_picture(found)
    return _check_volumes(found, expected, missing)


def read_label(path: Path, values: Sequence[int]) -> tuple[NDArray[np.uint8], Grid]:
    """Read a label volume and refuse what is not in `values`.

    Raises:
        InputError: As `read_volume`; also if a voxel has another value, or no whole number.
    """
    data, grid = read_volume(path)
    present = np.unique(data)
    strange = [value for value in present if value not in values]
    if strange:
        shown = ", ".join(f"{value:g}" for value in strange[:5])
        raise InputError(
            f"{path}: holds the label values {shown}, expected {tuple(values)}; is it the label "
            "file, and of this set?"
        )
    return data.astype(np.uint8), grid


def _is_picture(found: FoundCase) -> bool:
    return not next(iter(found.images.values())).name.lower().endswith((".nii", ".nii.gz"))


def _missing_sentence(found: FoundCase, missing: tuple[str, ...]) -> str:
    place = next(iter(found.images.values()), found.label)
    folder = found.id if place is None else f"{place.parent}"
    return (
        f"{folder}: case {found.id} lacks {' and '.join(missing)}; add the file, leave the channel "
        "out with --channels, or fill it with --fill_missing."
    )


def _check_picture(found: FoundCase) -> Verdict:
    try:
        path = next(iter(found.images.values()))
        picture = read_picture(path)
        case = _case(found, picture.shape[:2], (1.0, 1.0), ())
        if found.label is None:
            return Verdict(case, signature=picture_signature(picture))
        mask = read_mask(found.label)
        if mask.shape != picture.shape[:2]:
            return Verdict(None, (_size_sentence(found.label, mask.shape, path, picture.shape),))
    except InputError as error:
        return Verdict(None, (str(error),))
    values = frozenset(int(value) for value in np.unique(mask))
    return Verdict(case, (), values, float(mask.mean()), picture_signature(picture))


def _check_volumes(found: FoundCase, expected: Expectation, missing: tuple[str, ...]) -> Verdict:
    problems: list[str] = []
    grids: dict[str, Grid] = {}
    for channel in expected.channels:
        if channel in found.images:
            try:
                grids[channel] = _check_volume(found, channel)
            except InputError as error:
                problems.append(str(error))
    values, foreground, label_grid = frozenset[int](), 0.0, None
    if found.label is not None:
        try:
            label, label_grid = read_label(found.label, expected.values)
            values = frozenset(int(value) for value in np.unique(label))
            foreground = float((label > 0).mean())
        except InputError as error:
            problems.append(str(error))
    reference = reference_channel(grids)
    if reference is not None:
        problems += _grid_problems(found, grids, reference, label_grid, expected)
    if problems or reference is None:
        return Verdict(None, tuple(problems))
    grid = grids[reference]
    return Verdict(_case(found, grid.shape, grid.spacing_mm, missing), (), values, foreground)


def reference_channel(channels: Mapping[str, object] | Sequence[str]) -> str | None:
    """The channel whose grid is the case's own: DWI where there is one, else the first."""
    named = [name for name in REFERENCE_CHANNELS if name in channels]
    return next(iter([*named, *channels]), None)


def _check_volume(found: FoundCase, channel: str) -> Grid:
    path = found.images[channel]
    data, grid = read_volume(path, found.components.get(channel))
    if not data.any():
        raise InputError(f"{path}: every voxel of {channel} is zero; export it again.")
    return grid


def _grid_problems(
    found: FoundCase,
    grids: Mapping[str, Grid],
    reference: str,
    label_grid: Grid | None,
    expected: Expectation,
) -> list[str]:
    paths = {channel: found.images[channel] for channel in grids if channel != reference}
    others = {
        paths[channel]: grid
        for channel, grid in grids.items()
        if channel != reference and not (expected.grids_differ and channel in RESAMPLED_CHANNELS)
    }
    if label_grid is not None and found.label is not None:
        others[found.label] = label_grid
    own = grids[reference]
    return [
        grid_sentence(path, grid, found.images[reference], own)
        for path, grid in others.items()
        if not same_grid(grid, own)
    ]


def grid_sentence(path: Path, grid: Grid, reference_path: Path, reference: Grid) -> str:
    """Say how two images of one case lie apart."""
    if grid.shape != reference.shape:
        apart = f"has {grid.shape} voxels where {reference_path.name} has {reference.shape}"
    else:
        distance = corner_distance_mm(grid, reference)
        apart = f"lies up to {distance:.1f} mm away from {reference_path.name}"
    return f"{path}: {apart}; resample it to that grid."


def _size_sentence(label: Path, size: tuple[int, ...], path: Path, picture: tuple[int, ...]) -> str:
    return (
        f"{label}: its size {size[1]} x {size[0]} is not that of {path.name}, {picture[1]} x "
        f"{picture[0]}; is it the mask of this image?"
    )


def _case(
    found: FoundCase, shape: Sequence[int], spacing_mm: tuple[float, ...], filled: tuple[str, ...]
) -> Case:
    return Case(
        id=found.id,
        patient=found.patient,
        images=found.images,
        shape=tuple(shape),
        spacing_mm=spacing_mm,
        label=found.label,
        site=found.site,
        components=found.components,
        filled=filled,
    )
