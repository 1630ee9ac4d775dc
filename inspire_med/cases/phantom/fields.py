"""Fields: the smooth random shapes that every phantom is made of."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.sparse import csr_array

Field = NDArray[np.floating[Any]]
Vector = Sequence[float] | Field
Mask = NDArray[np.bool_]


def smooth_noise(random: np.random.Generator, shape: Sequence[int], sigma: float | Vector) -> Field:
    """A random field of mean 0 and deviation 1; structures are about `sigma` voxels wide.

    White noise on a coarse lattice under cubic B-splines, whose own deviation is their step over
    the root of 3: as white noise under a Gaussian, at a fraction of its cost.
    """
    sigmas = np.broadcast_to(np.asarray(sigma, float), len(shape))
    curves = [_splines(size, float(wide)) for size, wide in zip(shape, sigmas, strict=True)]
    field = random.standard_normal([count for _, count in curves], dtype=np.float32)
    for each, _ in curves:  # takes the first axis, leaves it last
        rest = field.shape[1:]
        field = np.moveaxis((each @ field.reshape(len(field), -1)).reshape(-1, *rest), 0, -1)
        field = np.ascontiguousarray(field)
    return (field - field.mean()) / max(float(field.std()), 1e-6)


@lru_cache(maxsize=64)
def _splines(size: int, sigma: float) -> tuple[csr_array, int]:
    """Values of the splines (column) at voxels (row), and how many splines."""
    step = sigma * sqrt(3)
    knots = (np.arange(max(1, ceil((size - 1) / step)) + 7) - 3) * step
    values = BSpline.design_matrix(np.arange(size), knots, 3)
    return csr_array(values, dtype=np.float32), len(knots) - 4


def radius_field(shape: Sequence[int], centre: Vector, radii: Vector) -> Field:
    """Distance from `centre` in units of the ellipsoid's `radii`: 1 on its surface."""
    axes = [
        (np.arange(size, dtype=np.float32) - np.float32(middle)) / np.float32(radius)
        for size, middle, radius in zip(shape, centre, radii, strict=True)
    ]
    return np.sqrt(sum(np.meshgrid(*[axis**2 for axis in axes], indexing="ij", sparse=True)))


def soft_step(field: Field, width: float) -> Field:
    """1 where `field` is well below 1, 0 well above, a soft edge of `width` between."""
    return (1 / (1 + np.exp(np.clip((field - 1) / width, -30, 30)))).astype(np.float32)


def lowest(field: Field, inside: Mask, count: int) -> Mask:
    """The `count` voxels inside where the field is lowest, or all inside where there are less."""
    values = field[inside]
    if count >= len(values):
        return inside
    if count < 1:
        return np.zeros_like(inside)
    return inside & (field <= np.partition(values, count - 1)[count - 1])


def box_around(shape: Sequence[int], centre: Vector, radii: Vector) -> tuple[slice, ...]:
    """What of a grid is within `radii` voxels of `centre` along each axis."""
    return tuple(
        slice(max(0, int(middle - radius)), min(size, int(middle + radius) + 2))
        for size, middle, radius in zip(shape, centre, radii, strict=True)
    )


def paint_ball(
    tissue: NDArray[np.uint8],
    inside: Mask,
    random: np.random.Generator,
    value: int,
    radii: Vector,
) -> None:
    """Write `value` into one warped ball of about `radii` voxels, its middle somewhere inside."""
    radii = np.asarray(radii) * random.uniform(0.7, 1.3, tissue.ndim)
    centre = place_inside(inside, random)
    box = box_around(tissue.shape, centre, 1.8 * radii)
    field = radius_field(tissue[box].shape, centre - [part.start for part in box], radii)
    field += 0.2 * smooth_noise(random, field.shape, np.maximum(0.4 * radii, 1))
    tissue[box][inside[box] & (field < 1)] = value


def place_inside(inside: Mask, random: np.random.Generator) -> Field:
    """A voxel of the mask."""
    while True:  # masks are a good part of their box, so that this is soon over
        place = random.integers(0, inside.shape)
        if inside[tuple(place)]:
            return place.astype(float)
