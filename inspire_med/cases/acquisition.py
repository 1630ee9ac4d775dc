"""Acquisition: changes of a sample as if another scanner, coil or protocol had made its image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from numpy.random import Generator
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn.functional import interpolate

from inspire_med.cases.changes import Change, Sample


@dataclass(frozen=True)
class WithinForeground:
    """Changes that leave zero what was zero in every channel.

    Under `mri` that is what lies around the head; elsewhere hardly a voxel is.
    """

    chain: Sequence[Change]

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        altered = sample
        for change in self.chain:
            altered = change(altered, random)
        if altered is sample:
            return sample
        shown = reduce(torch.logical_or, (channel != 0 for channel in sample["image"]))
        return {**altered, "image": altered["image"] * shown}


@dataclass(frozen=True)
class Gamma:
    """Raise each channel, brought to 0..1, to a power of its own; mean and deviation stay.

    Args:
        low, high: Powers; those below and above 1 are equally often.
        inverted: Take it from the bright end, as 1 - x.
    """

    low: float
    high: float
    inverted: bool = False

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        ends = [(self.low, 1.0) if random.random() < 0.5 else (1.0, self.high) for _ in _of(sample)]
        powers = [float(random.uniform(*each)) for each in ends]
        return _each(sample, [self._bent(power) for power in powers])

    def _bent(self, power: float) -> Callable[[Tensor], Tensor]:
        def bend(channel: Tensor) -> Tensor:
            low, high = torch.aminmax(channel)
            if low == high:
                return channel
            share = (channel - low).div_(high - low)
            bent = (1 - share).pow_(power).neg_() if self.inverted else share.pow_(power)
            about = bent.sub_(bent.mean())
            mean = channel.mean()
            # In a fraction of the time of torch's own `std`.
            ratio = torch.linalg.vector_norm(channel - mean) / torch.linalg.vector_norm(about)
            return about.mul_(ratio).add_(mean)

        return bend


@dataclass(frozen=True)
class Blur:
    """Smooth half of the channels by a Gaussian, along each axis by a width of its own.

    Args:
        low, high: Its standard deviation in voxels.
    """

    low: float
    high: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        drawn = [self._drawn(sample, random) for _ in _of(sample)]
        return _each(sample, drawn)

    def _drawn(self, sample: Sample, random: Generator) -> Callable[[Tensor], Tensor] | None:
        if random.random() < 0.5:
            return None
        widths = random.uniform(self.low, self.high, sample["image"].ndim - 1).tolist()
        return lambda channel: torch.from_numpy(
            gaussian_filter(channel.numpy(), widths, mode="nearest", truncate=3.0)
        )


@dataclass(frozen=True)
class LowResolution:
    """Make half of the channels coarser: every n-th voxel is kept, and what lies between is linear.

    Args:
        least: Smallest share of the voxels of an axis.
    """

    least: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        size = sample["image"].shape[1:]
        mode = "bilinear" if len(size) == 2 else "trilinear"

        def drawn() -> Callable[[Tensor], Tensor] | None:
            if random.random() < 0.5:
                return None
            share = float(random.uniform(self.least, 1))
            coarse = [max(1, round(side * share)) for side in size]
            return lambda channel: interpolate(
                interpolate(channel[None, None], size=coarse, mode="nearest-exact"),
                size=list(size),
                mode=mode,
            )[0, 0]

        return _each(sample, [drawn() for _ in _of(sample)])


@dataclass(frozen=True)
class BiasField:
    """Multiply each channel by exp of a smooth field of its own, up to ± `most` at the corners.

    Along each axis it is linear between three numbers, as a coil's fall-off is across a head.
    """

    most: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        image = sample["image"]
        dims = image.ndim - 1
        knots = random.uniform(-self.most, self.most, (len(image), *[3] * dims)).astype(np.float32)
        mode = "bilinear" if dims == 2 else "trilinear"
        field = interpolate(
            torch.from_numpy(knots)[None], size=image.shape[1:], mode=mode, align_corners=True
        )
        return {**sample, "image": field[0].exp_().mul_(image)}


@dataclass(frozen=True)
class DropChannels:
    """Zero each channel with a chance, as if the sequence were missing; one that shows stays.

    What is missing in prediction is zero too, after normalisation (`--fill_missing`).
    """

    chance: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        image = sample["image"]
        kept = random.random(len(image)) >= self.chance
        order = random.permutation(len(image))  # drawn in any case: a seed's numbers stay in step
        if kept.all():
            return sample
        shows = image.flatten(1).any(1).numpy()
        if not kept[shows].any():
            kept[[number for number in order if shows[number]][:1]] = True
        factor = torch.from_numpy(kept.astype(np.float32))
        return {**sample, "image": image * factor.view(-1, *[1] * (image.ndim - 1))}


def _of(sample: Sample) -> range:
    """The channels' numbers."""
    return range(len(sample["image"]))


def _each(sample: Sample, changes: Sequence[Callable[[Tensor], Tensor] | None]) -> Sample:
    """Alter each channel by a function of its own; None leaves it."""
    if not any(changes):
        return sample
    pairs = zip(sample["image"], changes, strict=True)
    image = torch.stack(
        [channel if change is None else change(channel) for channel, change in pairs]
    )
    return {**sample, "image": image}
