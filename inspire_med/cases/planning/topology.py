"""Topology: which axes a network halves from level to level, and how wide its kernels are.

The rules are nnU-Net's (Isensee et al., Nature Methods 2021, supplementary note 2), written anew.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_EDGE = 4  # voxels along an axis of the coarsest level: one of less is halved no more
_ALIKE = 2.0  # voxel sizes within this factor count as one


@dataclass(frozen=True)
class Topology:
    """The levels of a network, fine to coarse.

    Args:
        strides: For each step between levels, by axis.
        kernel_sizes: For each level, by axis.
    """

    strides: tuple[tuple[int, ...], ...]
    kernel_sizes: tuple[tuple[int, ...], ...]

    @property
    def levels(self) -> int:
        """How many."""
        return len(self.kernel_sizes)

    @property
    def divisors(self) -> tuple[int, ...]:
        """What a size must be a multiple of, along each axis, to be halved evenly."""
        return divisors_of(self.strides)


def topology(spacing: Sequence[float], size: Sequence[int], levels: int | None = None) -> Topology:
    """Choose strides and kernels.

    An axis is halved while at least `LEAST_EDGE` voxels are left of it, and only if its voxels are
    smaller than twice the smallest of those that can still be halved: slices that lie far apart
    wait until the plane has come to their resolution. A last single axis is halved only from
    three times `LEAST_EDGE` on. Kernels are 1 along an axis until its voxels are smaller than twice
    the smallest, and 3 from there on, and at the coarsest level.

    Args:
        spacing: Voxel size along each axis, in any one unit.
        size: Voxels of the patch along each axis.
        levels: How many there must be; None leaves it to the rule, which makes at least two.
    """
    voxel, edge = [float(width) for width in spacing], [int(count) for count in size]
    kernel = [1] * len(edge)
    strides: list[tuple[int, ...]] = []
    kernels: list[tuple[int, ...]] = []
    while levels is None or len(strides) < levels - 1:
        halved = _halved(voxel, edge)
        if not halved:
            if levels is None and strides:
                break
            halved = _finest(voxel, range(len(voxel)))  # told to, or the only step
        kernel = [_kernel(k, width, min(voxel)) for k, width in zip(kernel, voxel, strict=True)]
        kernels.append(tuple(kernel))
        strides.append(tuple(2 if axis in halved else 1 for axis in range(len(edge))))
        for axis in halved:
            voxel[axis] *= 2
            edge[axis] = math.ceil(edge[axis] / 2)
    return Topology(tuple(strides), (*kernels, (3,) * len(edge)))


def divisors_of(strides: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The product of the strides along each axis."""
    return tuple(math.prod(steps) for steps in zip(*strides, strict=True))


def _halved(voxel: Sequence[float], edge: Sequence[int]) -> list[int]:
    """Axes that the rule halves next; none ends it."""
    large = [axis for axis, count in enumerate(edge) if count >= 2 * LEAST_EDGE]
    fine = _finest(voxel, large)
    if len(fine) == 1 and edge[fine[0]] < 3 * LEAST_EDGE:
        return []
    return fine


def _finest(voxel: Sequence[float], axes: Sequence[int]) -> list[int]:
    smallest = min((voxel[axis] for axis in axes), default=0.0)
    return [axis for axis in axes if voxel[axis] < _ALIKE * smallest]


def _kernel(before: int, width: float, smallest: float) -> int:
    return 3 if before == 3 or width < _ALIKE * smallest else 1
