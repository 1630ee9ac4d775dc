"""`brats2026-*`: lesions of the BraTS 2026 challenges, paired one to one.

Source: the challenges' package brats_evaluation 0.0.10, which drives panoptica 2.1.7;
`brats2026_rules.py` holds the rules in words.
"""

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures import lesions, matching, overlap, surface
from inspire_med.evaluation.measures.one_to_one import by_most_dice
from inspire_med.evaluation.protocols.brats2021 import on_its_box
from inspire_med.evaluation.protocols.brats2026_rules import (
    CHALLENGES,
    LESIONWISE,
    WHOLE,
    detection_measures,
    policy,
)
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import RegionResult
from inspire_med.evaluation.rounding import at_most

PAIRED = 1e-6  # Dice of a pair at least
LARGE = 20.0  # mm3
FOUND = 0.1  # Dice from which a paired lesion counts as found where sizes are told apart
WITHIN = 0.5  # voxels, of NSD of the whole region
PENALTY = 373.0

Scores = dict[str, float]


class Lesions(NamedTuple):
    """The lesions of a reference and what answers to each, `(lesions,)`.

    Attributes:
        mm3: Their sizes.
        dice: 0 where a lesion is in no pair.
        nsd: Likewise.
        hd95: Infinite where a lesion is in no pair.
        spurious: Number of predicted lesions in no pair.
    """

    mm3: NDArray[np.float64]
    dice: NDArray[np.float64]
    nsd: NDArray[np.float64]
    hd95: NDArray[np.float64]
    spurious: int

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Which of them are in a pair."""
        return np.isfinite(self.hd95)


def score_brats2026(means: Callable[[Lesions], Scores], pair: RegionPair) -> RegionResult:
    """The measures of a `brats2026-*` protocol; `means` makes those over lesions."""
    pair = on_its_box(pair)
    reference, prediction = (lesions.components(mask) for mask in (pair.reference, pair.prediction))
    found = by_most_dice(reference, prediction, PAIRED)
    surfaces, spurious = _surfaces(found, pair.spacing_mm), len(found.spurious)
    each = Lesions(reference.mm3(pair.spacing_mm), found.dice, *surfaces, spurious)
    tp = int(each.paired.sum())
    counts = detection("", tp, each.spurious, len(reference) - tp, undefined=nan)
    table = matching.lesion_table(found, each.hd95.tolist(), pair.spacing_mm, pair.origin)
    return RegionResult({**means(each), **counts, **score_whole(pair)}, table)


def score_whole(pair: RegionPair) -> Scores:
    """Of the whole region, distances in voxels; without a voxel in common as if it were missed."""
    counts = overlap.count(pair.reference, pair.prediction)
    if counts.tp == 0:
        values = (0.0, 0.0, PENALTY) if counts.fp + counts.fn else (nan,) * 3
        return dict(zip(WHOLE, values, strict=True))
    distances = surface.border_distances(pair.reference, pair.prediction, (1.0, 1.0, 1.0))
    return {
        "dice": overlap.dice(counts),
        "nsd": surface.nsd_by_direction(distances, WITHIN),
        "hd95": surface.joint_percentile_mm(distances),
    }


def over_pairs(each: Lesions) -> Scores:
    """Means over the lesions in a pair."""
    if each.paired.any():
        values = [float(of[each.paired].mean()) for of in (each.dice, each.nsd, each.hd95)]
    else:
        values = [0.0, 0.0, inf] if len(each.mm3) + each.spurious else [nan] * 3
    return dict(zip(LESIONWISE, values, strict=True))


def over_large(each: Lesions) -> Scores:
    """Means over large lesions and all spurious ones; what was found of large and small ones."""
    # 20 mm3 or more; turned round, as a header's rounding must not make 20 of them fewer.
    large = at_most(LARGE / each.mm3, 1.0)
    found = each.paired & (each.dice >= FOUND)
    scores: Scores = {}
    for prefix, sized in (("large_", large), ("small_", ~large)):
        tp, number = int((found & sized).sum()), int(sized.sum())
        counts = detection(prefix, tp, each.spurious, number - tp, undefined=0.0)
        scores |= counts if number else dict.fromkeys(counts, nan)
    if not large.any():
        return dict.fromkeys(LESIONWISE, nan) | scores
    hd95 = np.where(each.paired, each.hd95, PENALTY)
    parts = (each.dice, 0.0), (each.nsd, 0.0), (hd95, PENALTY)
    number = int(large.sum()) + each.spurious
    means = [float(of[large].sum() + each.spurious * spurious) / number for of, spurious in parts]
    return dict(zip(LESIONWISE, means, strict=True)) | scores


def detection(prefix: str, tp: int, fp: int, fn: int, *, undefined: float) -> Scores:
    """Counts of lesions and their ratios; `undefined` stands for one over 0."""

    def ratio(part: int, whole: int) -> float:
        return part / whole if whole else undefined

    return {
        f"{prefix}lesions_tp": float(tp),
        f"{prefix}lesions_fp": float(fp),
        f"{prefix}lesions_fn": float(fn),
        f"{prefix}lesion_precision": ratio(tp, tp + fp),
        f"{prefix}lesion_recall": ratio(tp, tp + fn),
        f"{prefix}lesion_f1": ratio(2 * tp, 2 * tp + fp + fn),
    }


def _surfaces(
    found: matching.Match, spacing_mm: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """NSD within the smallest side of a voxel, and HD95, of each lesion with its partner."""
    # The package takes SimpleITK's arrays, whose axes are z, y, x, with its sides, x, y, z.
    sides = spacing_mm[::-1]
    nsd, hd95 = np.zeros(len(found.hits)), np.full(len(found.hits), inf)
    for lesion, parts in enumerate(found.hits):
        if parts:
            distances = surface.border_distances(*found.masks(lesion), sides)
            nsd[lesion] = surface.nsd_by_direction(distances, min(sides))
            hd95[lesion] = surface.joint_percentile_mm(distances)
    return nsd, hd95


def _protocol(name: str) -> MaskProtocol:
    challenge = CHALLENGES[name]
    sizes = ("large_", "small_") if challenge.by_size else ()
    measures = [LESIONWISE, *map(detection_measures, (*sizes, "")), WHOLE]
    return MaskProtocol(
        name=f"brats2026-{name}",
        title=f"BraTS 2026 {challenge.title}: lesions paired one to one",
        policy=policy(challenge),
        measures={key: measure for each in measures for key, measure in each.items()},
        ranked_by=("lesionwise_dice", "lesionwise_nsd", "lesion_f1"),
        score=partial(score_brats2026, over_large if challenge.by_size else over_pairs),
        regions=challenge.regions,
        spatial_dims=(3,),
    )


BRATS2026 = tuple(_protocol(name) for name in CHALLENGES)
