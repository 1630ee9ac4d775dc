"""Rules: from a fingerprint and the means to a plan.

nnU-Net 2's rules (Isensee et al., Nature Methods 2021; its documentation of the planner), written
anew; where ours are others, docs/plan.md says why.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.planning.means import Means, Need, NeedOf
from inspire_med.cases.planning.plan import OPTIONS, Plan, words
from inspire_med.cases.planning.topology import Topology, divisors_of, topology
from inspire_med.errors import InputError
from inspire_med.tasks.task import Intensity
from inspire_med.wording import counted

ANISOTROPIC = 3.0  # an axis whose voxels are so many times as long as those of the others
MOST_SEEN = 0.05  # share of the training fold's voxels in one batch
_LEAST_EDGE: Mapping[int, int] = {2: 192, 3: 48}  # no axis is made shorter than this
_LARGEST: Mapping[int, int] = {2: 512**2, 3: 256**3}  # voxels that a patch begins with
_LEAST_BATCH: Mapping[int, int] = {2: 8, 3: 2}
_MOST_BATCH: Mapping[int, int] = {2: 16, 3: 16}
_MOST_LEVELS: Mapping[int, int | None] = {2: 6, 3: None}  # sizes of pictures stay multiples of 32
# Finest level and most channels; by whether there is a GPU, and axes.
_WIDTHS: Mapping[tuple[bool, int], tuple[int, int]] = {
    (True, 2): (32, 512),
    (True, 3): (32, 320),
    (False, 2): (24, 256),
    (False, 3): (16, 128),
}
_FEW: Mapping[int, int] = {2: 500, 3: 100}  # cases; fewer are varied strongly
_HOUNSFIELD = -500.0  # no scan in MRI is so dark; air in CT is -1000

Given = Mapping[str, Any]


def draft(
    fingerprint: Fingerprint, intensity: Intensity, means: Means, given: Given | None = None
) -> Plan:
    """The largest plan that makes sense of the data, before memory and time have their say.

    Args:
        fingerprint: Of the training fold.
        intensity: The task's scheme.
        means: What there is to train with.
        given: Fields of the plan that are asked for; the others go by them.
    """
    given = given or {}
    dims = fingerprint.spatial_dims
    reasons: dict[str, str] = {}
    spacing, reasons["spacing_mm"] = _spacing(fingerprint, given)
    median = median_shape(fingerprint, spacing)
    batch, reasons["batch_size"] = _least_batch(fingerprint, means, given)
    plan = Plan(
        spacing_mm=(spacing[0], spacing[1], spacing[2]) if dims == 3 else None,
        image_size=given.get("image_size"),
        intensity=given.get("intensity", intensity),
        patch_size=given.get("patch_size"),
        batch_size=batch,
        strides=(),
        kernel_sizes=(),
        widths=(),
        stem_stride=given.get("stem_stride", 2 if dims == 2 and not means.gpu else 1),
        norm=given.get("norm", "batch" if batch > means.shares.at_least else "instance"),
        deep_supervision=given.get("deep_supervision", 3),
        augment=given.get("augment", "strong" if fingerprint.cases < _FEW[dims] else "usual"),
        reasons=reasons,
    )
    plan = plan.because(
        intensity=_on_intensity(fingerprint, plan.intensity),
        stem_stride="whole resolution"
        if plan.stem_stride == 1
        else "half the grid is fine enough for a smooth edge, and a step costs about a quarter",
        augment=f"{counted(fingerprint.cases, 'case')}, where fewer than {_FEW[dims]} are varied "
        "strongly",
        norm="learns faster than instance norm in short runs"
        if plan.norm == "batch"
        else "one sample at a time has no statistics of a batch",
    )
    if "patch_size" in given or (dims == 2 and "image_size" in given):
        size, size_reason = plan.seen_size, ""
    else:
        size = first_size(plan, median, means)
        size_reason = f"the median shape, {words(median)}, as far as {_LARGEST[dims]:,} voxels go"
    plan = plan.because(
        patch_size=size_reason if dims == 3 else "pictures are seen whole",
        image_size=size_reason if dims == 2 else "volumes are resampled by spacing",
    )
    return _sized(plan, size, fingerprint, means, given)


def fitted(
    plan: Plan, fingerprint: Fingerprint, means: Means, need: NeedOf, given: Given | None = None
) -> Plan:
    """The plan shrunk until a step fits the means, or its batch grown as long as it does.

    Args:
        plan: As `draft` gave it.
        fingerprint: Of the training fold.
        means: What there is to train with.
        need: What a step of a plan takes; it must not fall as patch or batch grow.
        given: As of `draft`.

    Raises:
        InputError: If the smallest patch finds no room.
    """
    given = given or {}
    fixed_size = "patch_size" in given or (plan.image_size is not None and "image_size" in given)
    if not need(plan).fits(means) and not fixed_size:
        plan = _shrunk(plan, fingerprint, means, need, given)
    elif need(plan).fits(means) and "batch_size" not in given:
        plan = _with_more_samples(plan, fingerprint, means, need)
    if need(plan).memory_gib > means.memory_gib:
        raise InputError(
            f"--plan: {counted(plan.batch_size, 'sample')} of {words(plan.seen_size)} voxels take "
            f"about {need(plan).memory_gib:.1f} GiB, and there are {means.memory_gib:.1f} of "
            f"{means.words}; free memory, or give a smaller --data.patch_size and "
            "--data.batch_size."
        )
    return plan


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
    cube = (1 / voxel) * (_LARGEST[dims] * np.prod(voxel)) ** (1 / dims)
    edges = [min(int(edge), count) for edge, count in zip(cube.round(), median, strict=True)]
    return _even(plan, edges)


def _on_intensity(fingerprint: Fingerprint, intensity: Intensity) -> str:
    if intensity == "mri" and fingerprint.darkest < _HOUNSFIELD:
        return (
            f"the task's own, but values such as {fingerprint.darkest:.0f} are those of CT; "
            "give ct if it is"
        )
    return "the task's own"


def _spacing(fingerprint: Fingerprint, given: Given) -> tuple[tuple[float, ...], str]:
    """The median; of slices that lie far apart their 10th percentile, so that few are lost."""
    asked = given.get("spacing_mm")
    if fingerprint.spatial_dims == 2:
        return (1.0, 1.0), "pictures have no unit"
    if asked is not None:
        return tuple(asked), ""
    spacings = np.array(fingerprint.spacings_mm)
    target, size = np.median(spacings, axis=0), np.median(fingerprint.shapes, axis=0)
    worst = int(target.argmax())
    others = [axis for axis in range(3) if axis != worst]
    reason = f"the median of {counted(len(spacings), 'case')}"
    far_apart = target[worst] > ANISOTROPIC * target[others].max()
    if far_apart and ANISOTROPIC * size[worst] < size[others].min():
        tenth = float(np.percentile(spacings[:, worst], 10))
        target[worst] = max(tenth, float(target[others].max()))
        reason += f"; along the thick slices of axis {worst + 1} the 10th percentile"
    return tuple(round(float(width), 6) for width in target), reason


def _least_batch(fingerprint: Fingerprint, means: Means, given: Given) -> tuple[int, str]:
    by = _batch_step(means)
    least = math.ceil(max(_LEAST_BATCH[fingerprint.spatial_dims], means.shares.at_least) / by) * by
    return given.get("batch_size", least), "the least that a step makes sense of"


def _batch_step(means: Means) -> int:
    """By how many samples batches differ: parts must be alike."""
    return means.shares.at_least if means.shares.parts > 1 else 1


def _most_batch(plan: Plan, fingerprint: Fingerprint, means: Means) -> int:
    """So many that a step sees no more than a twentieth of the fold."""
    spacing = plan.spacing_mm or (1.0, 1.0)
    whole = math.prod(
        plan.seen_size if plan.spacing_mm is None else median_shape(fingerprint, spacing)
    )
    share = int(MOST_SEEN * fingerprint.cases * whole / math.prod(plan.seen_size))
    least, _ = _least_batch(fingerprint, means, {})
    return max(least, min(share, _MOST_BATCH[fingerprint.spatial_dims]))


def _with_more_samples(plan: Plan, fingerprint: Fingerprint, means: Means, need: NeedOf) -> Plan:
    most = _most_batch(plan, fingerprint, means)
    best, reason = plan, plan.reasons["batch_size"]
    by = _batch_step(means)
    for batch in range(plan.batch_size + by, most + 1, by):
        larger = replace(plan, batch_size=batch)
        if not need(larger).fits(means):
            reason = f"{'one' if by == 1 else by} more would not fit"
            break
        best, reason = larger, f"no more than {MOST_SEEN:.0%} of the fold, nor {most}, in one step"
    return best.because(batch_size=reason)


def _shrunk(plan: Plan, fingerprint: Fingerprint, means: Means, need: NeedOf, given: Given) -> Plan:
    """The first of ever smaller patches that fits; where none is in time, the last with room."""
    median = median_shape(fingerprint, plan.spacing_mm or (1.0, 1.0))
    smaller = plan
    for size in _smaller_sizes(plan, median):
        smaller = _sized(plan, size, fingerprint, means, given)
        if need(smaller).fits(means):
            break
    limit = f"{means.memory_gib:.1f} GiB"
    if means.step_s is not None:
        limit += f" and {means.step_s:g} s a step"
    reason = f"the median shape, {words(median)}, made smaller until a step fits {limit}"
    if not need(smaller).in_time(means):
        reason = f"no smaller makes sense, though a step takes {need(smaller).step_s:.1f} s"
    name = "patch_size" if plan.image_size is None else "image_size"
    return smaller.because(**{name: reason})


def _smaller_sizes(plan: Plan, median: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Ever fewer voxels: each time the axis that covers most of the median shape gets shorter."""
    size = plan.seen_size
    floor = [min(_LEAST_EDGE[len(size)], edge) for edge in size]
    while True:
        free = [axis for axis, edge in enumerate(size) if edge > floor[axis]]
        if not free:
            return
        axis = max(free, key=lambda axis: size[axis] / median[axis])
        for edge in range(size[axis] - 1, floor[axis] - 1, -1):
            shorter = _even(
                plan, [edge if other == axis else old for other, old in enumerate(size)]
            )
            if math.prod(shorter) < math.prod(size):
                break
        else:
            return
        size = shorter
        yield size


def _levels(plan: Plan, size: Sequence[int], levels: int | None = None) -> Topology:
    """The rule's levels below the stem."""
    voxel = plan.spacing_mm or (1.0,) * len(size)
    edges = [math.ceil(edge / plan.stem_stride) for edge in size]
    most = _MOST_LEVELS[len(edges)]
    found = topology(voxel, edges, levels)
    if levels is None and most is not None and found.levels > most:
        return topology(voxel, edges, most)
    return found


def _even(plan: Plan, edges: Sequence[int]) -> tuple[int, ...]:
    """The nearest larger size that its own levels halve evenly."""
    divisors = [plan.stem_stride * each for each in _levels(plan, edges).divisors]
    return tuple(math.ceil(edge / by) * by for edge, by in zip(edges, divisors, strict=True))


def _sized(
    plan: Plan, size: Sequence[int], fingerprint: Fingerprint, means: Means, given: Given
) -> Plan:
    """The plan at a size of sample, its levels by that size."""
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
    sized = replace(
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
    return sized.because(**{name: f"as asked for ({OPTIONS[name]})" for name in given})


def with_need(plan: Plan, need: Need, means: Means, how: str) -> Plan:
    """The plan whose batch size tells what a step takes; of seconds, if they are known."""
    seconds = f" and {need.step_s:.2g} s" if math.isfinite(need.step_s) else ""
    where = "" if means.gpu else f" on {counted(means.cores, 'core')}"
    parts = f" in {means.shares.parts} parts" if means.shares.parts > 1 else ""
    each = " of each process" if means.shares.processes > 1 else ""
    takes = (
        f"a step{parts} takes {need.memory_gib:.1f} of {means.memory_gib:.1f} GiB{each}{seconds}"
        f"{where}, {how}"
    )
    return plan.because(batch_size=f"{plan.reasons['batch_size']}; {takes}")
