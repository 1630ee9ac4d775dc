"""Batches: how few and how many samples a step makes sense of."""

import math
from collections.abc import Mapping

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.planning.means import Means
from inspire_med.cases.planning.plan import Plan
from inspire_med.cases.planning.sizes import Given, median_shape

MOST_SEEN = 0.05  # share of the training fold's voxels in one batch
_LEAST_BATCH: Mapping[int, int] = {2: 8, 3: 2}
_MOST_BATCH: Mapping[int, int] = {2: 16, 3: 16}


def least_batch(fingerprint: Fingerprint, means: Means, given: Given) -> tuple[int, str]:
    """The smallest batch, or the one that is asked for, and why."""
    by = batch_step(means)
    least = math.ceil(max(_LEAST_BATCH[fingerprint.spatial_dims], means.shares.at_least) / by) * by
    return given.get("batch_size", least), "the least that a step makes sense of"


def batch_step(means: Means) -> int:
    """By how many samples batches differ: parts must be alike."""
    return means.shares.at_least if means.shares.parts > 1 else 1


def most_batch(plan: Plan, fingerprint: Fingerprint, means: Means) -> int:
    """So many that a step sees no more than a twentieth of the fold."""
    spacing = plan.spacing_mm or (1.0, 1.0)
    whole = math.prod(
        plan.seen_size if plan.spacing_mm is None else median_shape(fingerprint, spacing)
    )
    share = int(MOST_SEEN * fingerprint.cases * whole / math.prod(plan.seen_size))
    least, _ = least_batch(fingerprint, means, {})
    return max(least, min(share, _MOST_BATCH[fingerprint.spatial_dims]))
