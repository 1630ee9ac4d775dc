"""Stroke patient: a head with infarcts and what looks like them, finer than any scan of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from inspire_med.cases.phantom.fields import Field, paint_ball, radius_field, smooth_noise
from inspire_med.cases.phantom.sizes import LESION_ML, LESIONS, log_normal
from inspire_med.imaging.grid import Grid

BODY_MM = (165.0, 198.0, 143.0)
TISSUES = ("white", "grey", "csf", "infarct", "old", "blood", "base")
DISTRACTORS = (("old", 5, 7.0, 15.0), ("blood", 6, 5.5, 12.5))


@dataclass(frozen=True)
class Body:
    """What is scanned.

    Args:
        tissue: Index into TISSUES of every voxel.
        head: 1 where there is head.
        mm: Voxel size.
    """

    tissue: NDArray[np.uint8]
    head: Field
    mm: float

    def sample(self, values: Field, grid: Grid) -> Field:
        """Values at a grid's voxel centres; the patient's middle is at 0 mm."""
        matrix = grid.affine[:3, :3] / self.mm
        start = grid.affine[:3, 3] / self.mm + (np.array(values.shape) - 1) / 2
        axes = np.ogrid[tuple(slice(size) for size in grid.shape)]
        points = np.stack(
            [
                sum(part * along for part, along in zip(row, axes, strict=True)) + first
                for row, first in zip(matrix, start, strict=True)
            ]
        )
        return map_coordinates(values, points, order=1, mode="constant")


def draw_body(random: np.random.Generator, mm: float, enlarged: float) -> Body:
    """A patient with infarcts.

    Args:
        random: What all is drawn from.
        mm: Voxel size.
        enlarged: Volume of infarcts as a multiple of real ones.
    """
    shape = tuple(round(length / mm) for length in BODY_MM)
    middle = np.array(shape) / 2 - 0.5
    radii = np.array(shape) * random.uniform(0.42, 0.46, 3)
    depth = radius_field(shape, middle, radii) + 0.03 * smooth_noise(random, shape, 8 / mm)
    tissue = np.full(shape, TISSUES.index("white"), np.uint8)
    tissue[depth + 0.08 * smooth_noise(random, shape, 5.5 / mm) > 0.78] = TISSUES.index("grey")
    furrows = smooth_noise(random, shape, 4.4 / mm) > 0.8
    tissue[(depth > 0.86) & furrows] = TISSUES.index("csf")
    for side in (-1, 1):
        centre = middle + random.uniform((side * 14 - 3, -11, 0), (side * 14 + 3, 11, 11)) / mm
        ventricle = radius_field(shape, centre, random.uniform((7, 22, 11), (11, 33, 19)) / mm)
        ventricle += 0.15 * smooth_noise(random, shape, 5.5 / mm)
        tissue[ventricle < 1] = TISSUES.index("csf")
    floor = middle - (0, -radii[1] * 0.35, radii[2] * 0.8)
    base = radius_field(shape, floor, np.array((27, 25, 14)) / mm)
    tissue[base + 0.2 * smooth_noise(random, shape, 5.5 / mm) < 1] = TISSUES.index("base")
    inside = depth < 0.88
    for name, count, low, high in DISTRACTORS:
        for _ in range(count):
            radii = np.full(3, random.uniform(low, high) / mm)
            paint_ball(tissue, inside, random, TISSUES.index(name), radii)
    for _ in range(round(log_normal(random, LESIONS))):
        cubic_mm = 1000 * enlarged * log_normal(random, LESION_ML)
        radii = np.full(3, np.cbrt(cubic_mm * 3 / (4 * np.pi)) / mm)
        paint_ball(tissue, inside, random, TISSUES.index("infarct"), radii)
    return Body(tissue, (depth < 1).astype(np.float32), mm)
