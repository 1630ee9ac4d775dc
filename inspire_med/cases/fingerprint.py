"""Fingerprint: what the cases of a training fold are like, in numbers; no decision is made here."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.intensity import foreground_of, spread_sample, statistics_of
from inspire_med.cases.prepare import read_planes, read_volumes
from inspire_med.errors import InputError
from inspire_med.imaging.masks import Regions, bounding_box, region_masks
from inspire_med.imaging.picture import is_picture
from inspire_med.tasks.task import Preparation
from inspire_med.wording import counted

MOST_READ = 100  # cases, evenly spread over the fold: medians of more hardly differ
_UNIT_ML = 1e-3  # of a mm3


@dataclass(frozen=True)
class RegionFacts:
    """One region over the cases that were read.

    Args:
        present: Cases that have it.
        size: Median over those, in ml; of pictures the share of the picture.
        least: The smallest, in the same unit.
        most: The largest.
        parts: Median number of its connected parts.
    """

    present: int
    size: float
    least: float
    most: float
    parts: float


@dataclass(frozen=True)
class Fingerprint:
    """What the cases of a training fold are like, in the order of the network's axes.

    Args:
        cases: Labelled cases in the fold.
        spacings_mm: Voxel size of each case that was read; of pictures 1.
        shapes: Voxels of each, after cropping to what is not zero where the task crops.
        kept: Median share of a volume's voxels that cropping leaves.
        intensities: By channel, of labelled voxels: `low` and `high` (percentiles 0.5 and 99.5),
            `mean` and `sd`; empty where no voxel is labelled.
        darkest: Median over the cases of the lowest value of any channel.
        regions: By name.
    """

    cases: int
    spacings_mm: tuple[tuple[float, ...], ...]
    shapes: tuple[tuple[int, ...], ...]
    kept: float
    intensities: Mapping[str, Mapping[str, float]]
    darkest: float
    regions: Mapping[str, RegionFacts]

    @property
    def spatial_dims(self) -> int:
        """Axes: 2 of pictures, 3 of volumes."""
        return len(self.shapes[0])

    @property
    def anisotropy(self) -> float:
        """Largest over smallest median voxel size."""
        median = np.median(self.spacings_mm, axis=0)
        return float(median.max() / median.min())

    def lines(self) -> list[str]:
        """What a reader of a plan should know of the data, one line for each kind of fact."""
        shape = " x ".join(f"{count:g}" for count in np.median(self.shapes, axis=0))
        if self.spatial_dims == 2:
            grid = f"median shape {shape}"
        else:
            spacing = " x ".join(f"{width:g}" for width in np.median(self.spacings_mm, axis=0))
            grid = (
                f"median voxel {spacing} mm, {self.anisotropy:.3g} times as long as wide; median "
                f"shape {shape}, {self.kept:.0%} of the volume"
            )
        read = counted(len(self.shapes), "case")
        return [
            f"{counted(self.cases, 'case')} to train on, {read} read: {grid}",
            *(
                f"{channel} where labelled: {facts['low']:.4g} to {facts['high']:.4g} (99 % of the "
                f"voxels), mean {facts['mean']:.4g}, sd {facts['sd']:.4g}"
                for channel, facts in self.intensities.items()
            ),
            *(f"region {name}: {self._of(region)}" for name, region in self.regions.items()),
        ]

    def _of(self, region: RegionFacts) -> str:
        seen = f"in {region.present:,} of the {counted(len(self.shapes), 'case')}"
        if not region.present:
            return seen
        by, unit = (1, "ml") if self.spatial_dims == 3 else (100, "% of the picture")
        sizes = (f"{by * size:.3g}" for size in (region.size, region.least, region.most))
        median, least, most = sizes
        parts = f"{region.parts:g} part{'' if region.parts == 1 else 's'}"
        return f"{seen}, median {median} {unit} ({least} to {most}), in {parts}"


@dataclass(frozen=True)
class _Facts:
    """One case."""

    spacing_mm: tuple[float, ...]
    shape: tuple[int, ...]
    kept: float
    labelled: Mapping[str, NDArray[Any]]
    darkest: float
    sizes: tuple[float, ...]
    parts: tuple[int, ...]


def fingerprint_of(
    cases: Sequence[Case],
    channels: Sequence[str],
    regions: Regions,
    preparation: Preparation,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Fingerprint:
    """Read a training fold, at most `MOST_READ` cases of it.

    Args:
        cases: Labelled cases.
        channels: Channel names in the order of the network's input.
        regions: Region name to label values.
        preparation: Orientation, cropping, and which channels lie on another grid.
        workers: Threads; reading leaves the interpreter free.
        progress: Called with (done, total) after every case.

    Raises:
        InputError: If there is no case, or a file of one is broken.
    """
    if not cases:
        raise InputError("plan: no labelled case is left to go by; check the manifest and --fold.")
    numbers = spread_sample(np.arange(len(cases)), MOST_READ)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        jobs = [pool.submit(_facts, cases[n], channels, regions, preparation) for n in numbers]
        try:
            found: list[_Facts] = []
            for job in jobs:
                found.append(job.result())
                if progress is not None:
                    progress(len(found), len(jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    labelled = [facts.labelled for facts in found if any(map(len, facts.labelled.values()))]
    return Fingerprint(
        cases=len(cases),
        spacings_mm=tuple(facts.spacing_mm for facts in found),
        shapes=tuple(facts.shape for facts in found),
        kept=float(np.median([facts.kept for facts in found])),
        intensities=statistics_of(labelled),
        darkest=float(np.median([facts.darkest for facts in found])),
        regions={name: _region(found, place) for place, name in enumerate(regions)},
    )


def _facts(
    case: Case, channels: Sequence[str], regions: Regions, preparation: Preparation
) -> _Facts:
    if is_picture(case.images):
        planes, label = read_planes(case, channels, regions, preparation)
        values, unit = dict(zip(channels, planes, strict=True)), 1 / label.size
        spacing: tuple[float, ...] = (1.0, 1.0)
        own = list(values)
    else:
        aligned, label = read_volumes(case, channels, regions, preparation)
        values, own = aligned.volumes, list(aligned.own)
        spacing = aligned.turn.grid(aligned.grid).spacing_mm
        unit = _UNIT_ML * float(np.prod(spacing))
    box = None
    if preparation.crop_to_foreground:
        box = bounding_box(foreground_of([values[name] for name in own], preparation))
    shape = label.shape if box is None else tuple(side.stop - side.start for side in box)
    masks = region_masks(label, regions)
    inside = label > 0
    return _Facts(
        spacing_mm=tuple(map(float, spacing)),
        shape=shape,
        kept=float(np.prod(shape) / label.size),
        labelled={name: spread_sample(volume[inside]) for name, volume in values.items()},
        darkest=min(float(volume.min()) for volume in values.values()),
        sizes=tuple(float(mask.sum()) * unit for mask in masks),
        parts=tuple(_parts(mask) for mask in masks),
    )


def _parts(mask: NDArray[np.bool_]) -> int:
    """Connected parts, neighbours over corners included."""
    box = bounding_box(mask)
    if box is None:
        return 0
    connectivity = 8 if mask.ndim == 2 else 26
    inside = np.ascontiguousarray(mask[box])
    return int(cc3d.connected_components(inside, connectivity=connectivity, return_N=True)[1])


def _region(found: Sequence[_Facts], place: int) -> RegionFacts:
    sizes = [facts.sizes[place] for facts in found if facts.sizes[place]]
    parts = [facts.parts[place] for facts in found if facts.sizes[place]]
    if not sizes:
        return RegionFacts(0, 0.0, 0.0, 0.0, 0.0)
    median, count = float(np.median(sizes)), float(np.median(parts))
    return RegionFacts(len(sizes), median, min(sizes), max(sizes), count)
