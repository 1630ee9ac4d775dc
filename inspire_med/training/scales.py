"""Scales: a step's whole batch made larger or smaller, by the step's number alone."""

import math
from collections.abc import Sequence

from torch import Tensor

from inspire_med.blocks.resize import resize
from inspire_med.cases.patches import case_number

# What halves five times divides 32; a volume's patch is small, and its networks halve three times.
_MULTIPLES = {2: 32, 3: 8}


def scaled_sizes(
    size: Sequence[int],
    scales: Sequence[float],
    strides: Sequence[Sequence[int]] | None = None,
) -> list[tuple[int, ...]]:
    """Sizes of a batch at each scale, in their order.

    A picture's become multiples of 32, as in PraNet's training script (Fan et al., MICCAI 2020), a
    volume's multiples of 8, the nearest; or, along each axis, of the product of the strides that
    the network was given. An axis that is shorter than that, or whose multiple lies the other way,
    gets the nearest size of any kind.

    Args:
        size: Of a sample, in pixels or voxels along each axis.
        scales: Factors.
        strides: Of the network from level to level along each axis; None for the usual ones.
    """
    usual = [_MULTIPLES[len(size)]] * len(size)
    units = usual if strides is None else list(map(math.prod, zip(*strides, strict=True)))
    return [
        tuple(_scaled(length, scale, unit) for length, unit in zip(size, units, strict=True))
        for scale in scales
    ]


def _scaled(length: int, scale: float, unit: int) -> int:
    if scale == 1:
        return length
    multiple = round(length * scale / unit) * unit
    short = length * min(scale, 1) < unit
    other_way = (multiple - length) * (scale - 1) < 0
    return max(1, round(length * scale)) if short or other_way else multiple


def resized(batch: Tensor, sizes: Sequence[Sequence[int]], *, seed: int, step: int) -> Tensor:
    """Bring a step's images or targets to the step's size, linearly, centres in their places.

    Every round of as many steps as there are sizes takes them in a new seeded order: the same on
    every rank and after a restart. PraNet's script takes all of them for each batch, in a step
    each.

    A target's voxel becomes its share of foreground, which is what coarse levels of deep
    supervision learn from too. Made 0 or 1 again, an edge would move by up to half a voxel against
    the image, and what is thinner than a voxel would be gone.

    Args:
        batch: The images or targets.
        sizes: What `scaled_sizes` answers.
        seed: Of the run.
        step: Number of the step, from 0 on.

    Shape:
        - Input: `(batch, channels, *spatial)`.
        - Output: `(batch, channels, *sizes[...])`.
    """
    return resize(batch, sizes[case_number(seed, step, len(sizes))])
