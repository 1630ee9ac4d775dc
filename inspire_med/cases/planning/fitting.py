"""Fitting: a drafted plan made smaller, or its batch larger, until a step takes what there is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.planning.batches import MOST_SEEN, batch_step, most_batch
from inspire_med.cases.planning.means import Means, Need, NeedOf
from inspire_med.cases.planning.plan import Plan, words
from inspire_med.cases.planning.sizes import Given, even, median_shape, sized
from inspire_med.errors import InputError
from inspire_med.wording import counted

_LEAST_EDGE: Mapping[int, int] = {2: 192, 3: 48}  # no axis is made shorter than this


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


def _with_more_samples(plan: Plan, fingerprint: Fingerprint, means: Means, need: NeedOf) -> Plan:
    most = most_batch(plan, fingerprint, means)
    best, reason = plan, plan.reasons["batch_size"]
    by = batch_step(means)
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
        smaller = sized(plan, size, fingerprint, means, given)
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
            shorter = even(plan, [edge if other == axis else old for other, old in enumerate(size)])
            if math.prod(shorter) < math.prod(size):
                break
        else:
            return
        size = shorter
        yield size
