"""Planning: a plan whose memory and time are those of real training steps on this machine."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.fitting import fitted, with_need
from inspire_med.cases.planning.means import Line, Means, Need
from inspire_med.cases.planning.plan import Plan
from inspire_med.cases.planning.rules import draft
from inspire_med.config import TrainConfig
from inspire_med.training.trials import Trials

# Voxels of a sample in the two steps that the line goes through, by axes. There are two samples;
# in the second step as many small ones as hold so many voxels together.
_PROBES: Mapping[int, tuple[int, int]] = {2: (96**2, 192**2), 3: (32**3, 56**3)}
_LEAST_EDGE = 8  # of theirs
_MOST_SAMPLES = 16
_NO_ROOM = 1.5  # a step that found no room is taken to need so many times what there is

TryStep = Callable[[Plan], Need | None]


def make_plan(
    config: TrainConfig,
    manifest: Manifest,
    fingerprint: Fingerprint,
    means: Means,
    given: Mapping[str, Any],
) -> Plan:
    """Plan a training, and try its steps.

    Args:
        config: Its options; those that the plan decides are not looked at, unless they are `given`.
        manifest: The data set.
        fingerprint: Of the training fold.
        means: What there is to train with.
        given: Fields of the plan that are asked for.

    Raises:
        InputError: If the smallest patch finds no room, or the network cannot be made.
    """
    intensity = manifest.task.preparation.intensity
    assert intensity != "fixed"  # which comes with weights, not with a task
    first = draft(fingerprint, intensity, means, given)
    with Trials(config, manifest, means) as trials:
        return by_trials(first, fingerprint, means, given, trials.try_step)


def by_trials(
    first: Plan,
    fingerprint: Fingerprint,
    means: Means,
    given: Mapping[str, Any],
    try_step: TryStep,
) -> Plan:
    """Shrink or fill a drafted plan by what its steps take.

    Two small steps give a line over the voxels; the plan that fits by it is tried itself, and is
    made smaller while it takes more than there is.

    Args:
        first: As `draft` gave it.
        fingerprint: Of the training fold.
        means: What there is to train with.
        given: Fields of the plan that are asked for.
        try_step: Measures a step; None where it finds no room.

    Raises:
        InputError: As `fitted`.
    """
    no_room = Need(_NO_ROOM * means.memory_gib, 0.0)
    few, many = _PROBES[fingerprint.spatial_dims]
    small, larger = _probe(first, few, means, most=2), _probe(first, many, means, _MOST_SAMPLES)
    line = Line.through(
        (small, try_step(small) or no_room), (larger, try_step(larger) or no_room), means.shares
    )
    plan = fitted(first, fingerprint, means, line, given)
    if means.gpu and not torch.cuda.is_available():
        how = "by two small steps on this machine, which has no GPU"
        return with_need(plan, replace(line(plan), step_s=math.nan), means, how)
    while True:
        need = try_step(plan) or no_room
        if need.fits(means):
            return with_need(plan, need, means, "measured")
        line = line.raised(plan, need)
        smaller = fitted(first, fingerprint, means, line, given)
        if smaller == plan:  # too slow, and nothing smaller makes sense
            return with_need(plan, need, means, "measured")
        plan = smaller


def _probe(plan: Plan, voxels: int, means: Means, most: int) -> Plan:
    """The plan's network on smaller samples of the same proportions, two or more at a time."""
    size = plan.seen_size
    share = min(1.0, (voxels / math.prod(size)) ** (1 / len(size)))
    edges = tuple(max(min(edge, _LEAST_EDGE), round(edge * share)) for edge in size)
    samples = min(max(2, round(2 * voxels / math.prod(edges))), most)
    batch = samples * means.shares.at_least
    if plan.patch_size is None:
        return replace(plan, image_size=edges, batch_size=batch)
    return replace(plan, patch_size=edges, batch_size=batch)
