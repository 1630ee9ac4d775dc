"""Sizes: of a sample, and the network's levels that go with it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.planning.means import Means
from inspire_med.cases.planning.plan import OPTIONS, Plan
from inspire_med.cases.planning.topology import Topology, divisors_of, topology

LARGEST: Mapping[int, int] = {2: 512**2, 3: 256**3}  # voxels that a patch begins with
_MOST_LEVELS: Mapping[int, int | None] = {2: 6, 3: None}  # sizes of pictures stay multiples of 32
# Finest level and most channels; by whether there is a GPU, and axes.
_WIDTHS: Mapping[tuple[bool, int], tuple[int, int]] = {
    (True, 2): (32, 512),
    (True, 3): (32, 320),
    (False, 2): (24, 256),
    (False, 3): (16, 128),
}
Given = Mapping[str, Any]


def median_shape(fingerprint: Fingerprint, spacing: Sequence[float]) -> tuple[int, ...]:
    """Median voxels along each axis once every case is resampled to a voxel size."""
    shapes = np.array(fingerprint.shapes) * np.array(fingerprint.spacings_mm) / np.array(spacing)
    return tuple(max(1, int(count)) for count in np.median(shapes.round(), axis=0))


def first_size(plan: Plan, median: Sequence[int], means: Means) -> tuple[int, ...]:
    """A cube in mm, no longer than the median shape, that the levels halve evenly.

    Pictures keep their proportions.
    """
    dims = len(median)
    voxel = np.array(plan.spacing_mm or [1 / edge for edge in median], dtype=float)
    cube = (1 / voxel) * (LARGEST[dims] * np.prod(voxel)) ** (1 / dims)
    edges = [min(int(edge), count) for edge, count in zip(cube.round(), median, strict=True)]
    return even(plan, edges)


def _levels(plan: Plan, size: Sequence[int], levels: int | None = None) -> Topology:
    """The rule's levels below the stem."""
    voxel = plan.spacing_mm or (1.0,) * len(size)
    edges = [math.ceil(edge / plan.stem_stride) for edge in size]
    most = _MOST_LEVELS[len(edges)]
    found = topology(voxel, edges, levels)
    if levels is None and most is not None and found.levels > most:
        return topology(voxel, edges, most)
    return found


def even(plan: Plan, edges: Sequence[int]) -> tuple[int, ...]:
    """The nearest larger size that its own levels halve evenly."""
    divisors = [plan.stem_stride * each for each in _levels(plan, edges).divisors]
    return tuple(math.ceil(edge / by) * by for edge, by in zip(edges, divisors, strict=True))


def sized(
    plan: Plan, size: Sequence[int], fingerprint: Fingerprint, means: Means, given: Given
) -> Plan:
    """The plan at a size of sample, its levels by that size.

    Args:
        plan: The plan.
        size: Voxels along each axis.
        fingerprint: Of the training fold.
        means: What there is to train with.
        given: Fields of the plan that are asked for.
    """
    picture = fingerprint.spatial_dims == 2 and plan.patch_size is None
    asked = given.get("widths") or given.get("kernel_sizes")
    levels = len(asked) if asked else None
    if "strides" in given:
        levels = len(given["strides"]) + 1
    found = _levels(plan, size, levels)
    finest, most = _WIDTHS[means.gpu, fingerprint.spatial_dims]
    doubled = tuple(min(finest * 2**level, most) for level in range(found.levels))
    strides = given.get("strides", found.strides)
    down = " x ".join(map(str, divisors_of(strides)))
    waits = ", an axis of longer voxels waiting for the others" if 1 in strides[0] else ""
    flat = any(1 in kernel for kernel in found.kernel_sizes)
    plan = replace(
        plan,
        image_size=tuple(size) if picture else plan.image_size,
        patch_size=None if picture else tuple(size),
        strides=strides,
        kernel_sizes=given.get("kernel_sizes", found.kernel_sizes),
        widths=given.get("widths", doubled),
        deep_supervision=given.get("deep_supervision", min(3, found.levels)),
    ).because(
        strides=f"down by {down} until fewer than 8 voxels are left{waits}",
        kernel_sizes="1 along an axis whose voxels are twice as long as the shortest or more"
        if flat
        else "voxels are alike along all axes",
        widths=f"doubled from {finest} to at most {most}, sized for "
        f"{'a GPU' if means.gpu else 'a few cores'}",
        deep_supervision="the finest levels share in the loss, three of them where there are",
    )
    return plan.because(**{name: f"as asked for ({OPTIONS[name]})" for name in given})
