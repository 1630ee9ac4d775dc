"""Fields: the smooth random shapes that every phantom is made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Field = NDArray[np.floating[Any]]
Vector = Sequence[float] | Field


def smooth_noise(random: np.random.Generator, shape: Sequence[int], sigma: float) -> Field:
    """A Gaussian random field of mean 0 and deviation 1; structures are about `sigma` wide."""
    field = gaussian_filter(random.standard_normal(tuple(shape), dtype=np.float32), sigma)
    return (field - field.mean()) / max(float(field.std()), 1e-6)


def radius_field(shape: Sequence[int], centre: Vector, radii: Vector) -> Field:
    """Distance from `centre` in units of the ellipsoid's `radii`: 1 on its surface."""
    axes = [
        (np.arange(size, dtype=np.float32) - middle) / radius
        for size, middle, radius in zip(shape, centre, radii, strict=True)
    ]
    squares = np.meshgrid(*[axis**2 for axis in axes], indexing="ij", sparse=True)
    return np.sqrt(np.sum(np.broadcast_arrays(*squares), axis=0)).astype(np.float32)


def paint_ball(
    tissue: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    random: np.random.Generator,
    value: int,
    radius: float,
) -> None:
    """Write `value` into one warped ball of about `radius` voxels, somewhere inside."""
    places = np.argwhere(inside)
    centre = places[random.integers(len(places))]
    field = radius_field(tissue.shape, centre, radius * random.uniform(0.7, 1.3, 3))
    tissue[inside & (field + 0.2 * smooth_noise(random, tissue.shape, 2) < 1)] = value


def soft_step(field: Field, width: float) -> Field:
    """1 where `field` is well below 1, 0 well above, a soft edge of `width` between."""
    return (1 / (1 + np.exp(np.clip((field - 1) / width, -30, 30)))).astype(np.float32)
