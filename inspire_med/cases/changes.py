"""Changes: what may happen to a training sample, by numbers drawn when it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from monai.transforms.utils import create_rotate, create_scale, create_shear
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from inspire_med.cases.distort import Outside, places, sampled, sampled_masks

Sample = Mapping[str, Tensor]


class Change(Protocol):
    """Makes another {"image", "target"}, channels first, of one; leaves the given tensors alone."""

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw numbers, and alter by them."""
        ...


@dataclass(frozen=True)
class Sometimes:
    """A change that happens to a share of the samples."""

    chance: float
    change: Change

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Alter, or do not."""
        return self.change(sample, random) if random.random() < self.chance else sample


class Flip:
    """Mirror along each axis in one sample of two."""

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        dims = sample["image"].ndim - 1
        axes = [axis + 1 for axis in range(dims) if random.random() < 0.5]
        return {name: values.flip(axes) for name, values in sample.items()} if axes else sample


@dataclass(frozen=True)
class Distort:
    """Turn, shear and zoom about the middle.

    Args:
        angle: Largest rotation, in radians; in 3-D about each axis.
        zoom: Largest change of an axis's length, as a share.
        shear: Largest shear, in 2-D.
        outside: What comes in from beyond the ends.
    """

    angle: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    outside: Outside = "zeros"

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        size = sample["image"].shape[1:]
        grid = places(size, self.matrix(random, len(size)))
        return {
            "image": sampled(sample["image"], grid, "bilinear", self.outside),
            "target": sampled_masks(sample["target"], grid, self.outside),
        }

    def matrix(self, random: Generator, dims: int) -> NDArray[np.float64]:
        """Draw the dims x dims matrix."""
        angles = random.uniform(-self.angle, self.angle, 1 if dims == 2 else 3)
        shears = random.uniform(-self.shear, self.shear, 2 if dims == 2 else 0)
        zooms = 1 + random.uniform(-self.zoom, self.zoom, dims)
        turn = create_rotate(dims, angles.tolist())
        shear = create_shear(dims, shears.tolist())
        return np.asarray(turn @ shear @ create_scale(dims, zooms.tolist()))[:dims, :dims]


@dataclass(frozen=True)
class Gain:
    """Multiply each channel by a number of its own, 1 ± `most`; zero stays zero."""

    most: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        return _with_image(sample, sample["image"] * (1 + _by_channel(sample, random, self.most)))


@dataclass(frozen=True)
class Contrast:
    """Multiply each channel's distances from its mean by a number of its own, 1 ± `most`.

    This and `Brightness` go by the channel's own mean and deviation, so that they are the same
    change of grey levels whatever numbers the intensities were standardised with.
    """

    most: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        mean = _mean_by_channel(sample["image"])
        factor = 1 + _by_channel(sample, random, self.most)
        return _with_image(sample, mean + factor * (sample["image"] - mean))


@dataclass(frozen=True)
class Brightness:
    """Add a number of its own to each channel, up to ± `most` of its standard deviation."""

    most: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        image = sample["image"]
        # In a fraction of the time of torch's own `std`.
        deviation = _mean_by_channel((image - _mean_by_channel(image)).square()).sqrt()
        return _with_image(sample, image + _by_channel(sample, random, self.most) * deviation)


@dataclass(frozen=True)
class Saturation:
    """Multiply the channels' distances from their mean by one number, 1 ± `most`."""

    most: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        image, factor = sample["image"], 1 + float(random.uniform(-self.most, self.most))
        grey = image.mean(0, keepdim=True)
        return _with_image(sample, grey + factor * (image - grey))


@dataclass(frozen=True)
class Noise:
    """Add Gaussian noise of a standard deviation of up to `most`."""

    most: float

    def __call__(self, sample: Sample, random: Generator) -> Sample:
        """Draw and alter."""
        image, deviation = sample["image"], float(random.uniform(0, self.most))
        source = torch.Generator().manual_seed(int(random.integers(2**63)))
        noise = torch.randn(image.shape, generator=source)  # numpy's takes three times as long
        return _with_image(sample, noise.mul_(deviation).add_(image))


def _by_channel(sample: Sample, random: Generator, most: float) -> Tensor:
    """A number within ± `most` for each channel, (channels, 1, ...)."""
    image = sample["image"]
    drawn = random.uniform(-most, most, len(image)).astype(np.float32)
    return torch.from_numpy(drawn).view(-1, *[1] * (image.ndim - 1))


def _mean_by_channel(image: Tensor) -> Tensor:
    return image.mean(tuple(range(1, image.ndim)), keepdim=True)


def _with_image(sample: Sample, image: Tensor) -> Sample:
    return {**sample, "image": image}
