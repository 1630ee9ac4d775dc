"""Check: is a case fit for use; if not, which file is at fault, why, and how to mend it."""

from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from inspire_med.cases.align import (
    grid_problems,
    grid_sentence,
    lie_alike,
    read_grids,
    reference_channel,
)
from inspire_med.cases.case import Case
from inspire_med.cases.layouts.found import FoundCase, broken_sentence, is_broken
from inspire_med.cases.look_alike import picture_signature
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.twins import fingerprint, fingerprint_of_volume
from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.labels import LabelMap, read_labels, refuse_others
from inspire_med.imaging.masks import Regions, values_of
from inspire_med.imaging.picture import is_picture, read_picture
from inspire_med.imaging.volume import Volume, read_volume
from inspire_med.tasks.task import Preparation

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Verdict:
    """What the check of one case found.

    Args:
        case: The case with shape and spacing, or None if it cannot be used.
        problems: One sentence each.
        values: Label values that occur in its label file.
        foreground: Share of labelled voxels, for balanced folds.
        signature: Perceptual hash of an image, to find near-duplicates; empty for volumes.
        fingerprints: Of the content of each image, to find twins.
        notes: What had to be decided about its files, one sentence each.
    """

    case: Case | None
    problems: tuple[str, ...] = ()
    values: frozenset[int] = frozenset()
    foreground: float = 0.0
    signature: bytes = b""
    fingerprints: frozenset[bytes] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """What every case of a set must fulfil.

    Args:
        channels: Channels the network will read.
        values: Label values that may occur.
        fill_missing: Channels that a case lacks are filled with zeros and marked.
        preparation: Names the reference, and the channels that may lie on another grid.
    """

    channels: tuple[str, ...]
    values: tuple[int, ...]
    fill_missing: bool = False
    preparation: Preparation = field(default_factory=Preparation)


def check_case(found: FoundCase, expected: Expectation) -> Verdict:
    """Open every file of a case and say everything that is wrong with it, not only the first."""
    broken = dict.fromkeys(broken_sentence(path) for path in found.files if is_broken(path))
    if broken:
        return Verdict(None, tuple(broken))
    missing = tuple(name for name in expected.channels if name not in found.images)
    if missing and not (expected.fill_missing and len(missing) < len(expected.channels)):
        return Verdict(None, (_missing_sentence(found, missing),))
    if is_picture(found.images):
        return _check_picture(found, expected)
    return _check_volumes(found, expected, missing)


def check_again(manifest: Manifest, progress: Progress) -> list[Verdict]:
    """Open every file of a manifest's cases once more.

    Args:
        manifest: The manifest.
        progress: Is told after each case how many are done, and of how many.
    """
    values = {0, *values_of(manifest.regions)}
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(2) as pool:  # reading leaves the interpreter free
        for verdict in pool.map(lambda case: _check_again(case, manifest, values), manifest.cases):
            verdicts.append(verdict)
            progress(len(verdicts), len(manifest.cases))
    return verdicts


def empty_in(verdicts: Sequence[Verdict], regions: Regions) -> tuple[dict[str, int], int]:
    """In how many labels each region is empty, and how many labels there are."""
    labelled = [verdict for verdict in verdicts if verdict.case and verdict.case.label]
    counts = {
        name: sum(verdict.values.isdisjoint(values) for verdict in labelled)
        for name, values in regions.items()
    }
    return counts, len(labelled)


def _check_again(case: Case, manifest: Manifest, values: Set[int]) -> Verdict:
    found = FoundCase(case.id, case.patient, case.images, case.label, case.site, case.components)
    channels = tuple(name for name in manifest.channels if name not in case.filled)
    preparation = manifest.task.preparation
    return check_case(found, Expectation(channels, tuple(sorted(values)), preparation=preparation))


def _missing_sentence(found: FoundCase, missing: tuple[str, ...]) -> str:
    place = next(iter(found.images.values()), found.label)
    folder = found.id if place is None else f"{place.parent}"
    return (
        f"{folder}: case {found.id} lacks {' and '.join(missing)}; add the file, leave the channel "
        "out with --channels, or fill it with --fill_missing."
    )


def _check_picture(found: FoundCase, expected: Expectation) -> Verdict:
    try:
        path = next(iter(found.images.values()))
        picture = read_picture(path)
        fit = Verdict(
            _case(found, picture.shape[:2], (1.0, 1.0), ()),
            signature=picture_signature(picture),
            fingerprints=fingerprint(picture),
        )
        if found.label is None:
            return fit
        label = read_labels(found.label, expected.values)
        if label.labels.shape != picture.shape[:2]:
            sentence = _size_sentence(found.label, label.labels.shape, path, picture.shape)
            return Verdict(None, (sentence,))
        refuse_others(label.labels, expected.values, label.name)
    except InputError as error:
        return Verdict(None, (str(error),))
    return _labelled(fit, label)


def _check_volumes(found: FoundCase, expected: Expectation, missing: tuple[str, ...]) -> Verdict:
    preparation = expected.preparation
    fingerprints: frozenset[bytes] = frozenset()

    def read(channel: str) -> Grid:
        nonlocal fingerprints
        volume = _check_volume(found, channel)
        fingerprints |= fingerprint_of_volume(volume)
        return volume.grid

    grids, problems = read_grids(found, expected.channels, preparation, read)
    problems += grid_problems(found, grids, preparation)
    reference = reference_channel(found.images, preparation)
    own = grids.get(reference)
    label = None
    if found.label is not None:
        try:
            label = read_labels(found.label, expected.values)
            refuse_others(label.labels, expected.values, label.name)
            grid = label.grid
            if own is not None and not (grid and lie_alike(grid, own)):
                problems.append(grid_sentence(found.label, grid, found.images[reference], own))
        except InputError as error:
            problems.append(str(error))
    if problems or own is None:
        return Verdict(None, tuple(problems))
    fit = Verdict(
        _case(found, own.shape, own.spacing_mm, missing),
        fingerprints=fingerprints,
    )
    return fit if label is None else _labelled(fit, label)


def _labelled(fit: Verdict, label: LabelMap) -> Verdict:
    """The verdict of a case that is fit for use, with what its label shows."""
    return replace(
        fit,
        values=label.values,
        foreground=float((label.labels > 0).mean()),
        notes=(label.note,) if label.note else (),
    )


def _check_volume(found: FoundCase, channel: str) -> Volume:
    path = found.images[channel]
    volume = read_volume(path, found.components.get(channel))
    if not volume.values.any():
        raise InputError(f"{path}: every voxel of {channel} is zero; export it again.")
    return volume


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
        fold=found.fold,
        components=found.components,
        filled=filled,
    )
