"""`brats2024-*`, `brats2025-*`: lesion-wise Dice, HD95 and, since 2025, NSD of the challenges.

Source: the challenges' evaluation scripts (BraTS-2024-Metrics, of July 2024 and July 2025);
`brats2024_rules.py` holds what differs between them.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod

from inspire_med.evaluation.measures import lesions, matching, overlap, surface
from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols.brats2021 import defined, on_its_box
from inspire_med.evaluation.protocols.brats2023 import (
    LESION_MEASURES,
    lesion_policy,
    lesion_scores,
)
from inspire_med.evaluation.protocols.brats2024_rules import (
    CHALLENGES_2024,
    CHALLENGES_2025,
    Challenge,
    Rule,
)
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import Lesion, RegionResult

TOLERANCES_MM = (0.5, 1.0)


def score_brats2024(challenge: Challenge, pair: RegionPair) -> RegionResult:
    """The measures of a `brats2024-*` protocol; a region without a name by the first rule."""
    pair, _, table = scored_lesions(challenge, pair)
    penalty_mm = challenge.penalty_mm(pair.shape)
    return RegionResult(
        {**lesion_scores(table, penalty_mm), **score_whole(pair, penalty_mm)}, table
    )


def score_brats2025(challenge: Challenge, pair: RegionPair) -> RegionResult:
    """The measures of a `brats2025-*` protocol: those of 2024, and NSD."""
    pair, found, table = scored_lesions(challenge, pair)
    penalty_mm = challenge.penalty_mm(pair.shape)
    shares = border_nsd(pair.reference, pair.prediction, pair.spacing_mm)
    scores = {
        **lesion_scores(table, penalty_mm),
        **lesionwise_nsd(found, table, pair.spacing_mm),
        **score_whole(pair, penalty_mm),
        **{f"nsd@{tolerance_mm:g}mm": share for tolerance_mm, share in shares.items()},
    }
    return RegionResult(scores, table)


def scored_lesions(
    challenge: Challenge, pair: RegionPair
) -> tuple[RegionPair, matching.Match, tuple[Lesion, ...]]:
    """The region as it is scored, which of its lesions are hit by what, and all of them listed."""
    rule = challenge.rules[pair.name or next(iter(challenge.rules))]
    pair = cleaned(rule, pair if rule.joined_by else on_its_box(pair))
    reference, prediction = lesions_of(rule, pair)
    for tissue in rule.joined_by:
        other = challenge.rules[tissue]
        beside = lesions_of(other, cleaned(other, pair.tissues[tissue]))
        reference, prediction = map(matching.joined, (reference, prediction), beside)
    found = matching.match(reference, prediction)
    hd95_mm = found.hd95_mm(pair.spacing_mm)
    table = matching.lesion_table(found, hd95_mm, pair.spacing_mm, pair.origin, rule.larger_than)
    if not challenge.spurious_count:
        table = tuple(replace(one, counted=one.counted and one.kind != "spurious") for one in table)
    return pair, found, table


def cleaned(rule: Rule, pair: RegionPair) -> RegionPair:
    """The region without the lesions of the prediction that the rule takes out."""
    most = rule.removed(prod(pair.spacing_mm))
    kept = lesions.without_small(pair.prediction, rule.predicted_steps, most)
    return replace(pair, prediction=kept)


def lesions_of(rule: Rule, pair: RegionPair) -> tuple[lesions.Parts, lesions.Parts]:
    """Those of the reference and of the prediction, before any joining across tissues."""
    return (
        lesions.grouped(pair.reference, rule.steps),
        lesions.grouped(pair.prediction, rule.predicted_steps),
    )


def score_whole(pair: RegionPair, penalty_mm: float) -> dict[str, float]:
    """The measures of the whole region that all years have."""
    counts = overlap.count(pair.reference, pair.prediction, pair.size)
    distances = surface.surface_distances(pair.reference, pair.prediction, pair.spacing_mm)
    measures = {
        "dice": overlap.dice(counts),
        "recall": overlap.recall(counts),
        "specificity": overlap.specificity(counts),
        "hd95_mm": surface.hausdorff_mm(distances),
    }
    return defined(measures, penalty_mm)


def lesionwise_nsd(
    found: matching.Match, table: Sequence[Lesion], spacing_mm: Sequence[float]
) -> dict[str, float]:
    """Mean NSD over what enters `lesionwise_dice`; missed and spurious lesions 0, none 1."""
    number = sum(lesion.counted for lesion in table)
    shares = [
        border_nsd(*found.masks(lesion), spacing_mm)
        for lesion, parts in enumerate(found.hits)
        if parts and table[lesion].counted
    ]
    return {
        f"lesionwise_nsd@{tolerance_mm:g}mm": sum(share[tolerance_mm] for share in shares) / number
        if number
        else 1.0
        for tolerance_mm in TOLERANCES_MM
    }


def border_nsd(
    reference: lesions.Mask, prediction: lesions.Mask, spacing_mm: Sequence[float]
) -> dict[float, float]:
    """NSD on border voxels by tolerance, each mask counting half; both empty 1, one empty 0."""
    distances = surface.border_distances(reference, prediction, spacing_mm)
    if any(distances.empty):
        return dict.fromkeys(TOLERANCES_MM, float(all(distances.empty)))
    return {
        tolerance_mm: surface.nsd_by_direction(distances, tolerance_mm)
        for tolerance_mm in TOLERANCES_MM
    }


_WHOLE = {name: MEASURES[name] for name in ("dice", "recall", "specificity", "hd95_mm")}
_POLICY = (
    "lesionwise_dice: mean over the lesions that count and the spurious ones; missed and spurious "
    "ones 0, none of either 1",
    "lesionwise_hd95_mm: likewise; missed and spurious ones the penalty, none of either 0",
    "dice, recall: of the whole region; both masks empty 1, one empty 0",
    "specificity: over the whole volume; 0 where the reference leaves no background",
    "hd95_mm: of the whole region, surface elements weighted by area, larger of the two directed "
    "95 % distances, not interpolated; both empty 0, one empty the penalty",
)
_NUMBERED = (
    "differs from the challenge's script: recall, specificity and hd95_mm are those of the masks; "
    "the script takes them from numbered lesions, which changes them where a mask has more than one"
)


def _of_2024(name: str) -> MaskProtocol:
    challenge = CHALLENGES_2024[name]
    return MaskProtocol(
        name=f"brats2024-{name}",
        title=f"BraTS 2024 {challenge.title}: lesion-wise Dice and HD95",
        policy=(
            "rules: the challenge's script at commit 9c2bcf9 (July 2024) of BraTS-2024-Metrics",
            *challenge.policy,
            *lesion_policy(*challenge.sizes),
            *_POLICY,
            _NUMBERED,
        ),
        measures={**LESION_MEASURES, **_WHOLE},
        ranked_by=("lesionwise_dice", "lesionwise_hd95_mm"),
        score=partial(score_brats2024, challenge),
        regions=challenge.regions,
        spatial_dims=(3,),
        tissues=challenge.tissues,
    )


def _of_2025(name: str) -> MaskProtocol:
    challenge = CHALLENGES_2025[name]
    return MaskProtocol(
        name=f"brats2025-{name}",
        title=f"BraTS 2025 {challenge.title}: lesion-wise Dice, HD95 and NSD",
        policy=(
            "rules: the challenge's script at commit f1131e3 (July 2025) of BraTS-2024-Metrics",
            *challenge.policy,
            *lesion_policy(*challenge.sizes),
            *_POLICY,
            "lesionwise_nsd@0.5mm, lesionwise_nsd@1mm: mean as of lesionwise_dice",
            "nsd@0.5mm, nsd@1mm: share of each mask's border voxels within (<=) 0.5 and 1 mm of "
            "the other's, mean of the two shares (nnU-Net's formula, not the area-weighted one of "
            "other protocols); both empty 1, one empty 0",
            _NUMBERED,
        ),
        measures={
            **LESION_MEASURES,
            "lesionwise_nsd@0.5mm": Measure("Lesion-wise NSD @ 0.5 mm", "", "high"),
            "lesionwise_nsd@1mm": Measure("Lesion-wise NSD @ 1 mm", "", "high"),
            **_WHOLE,
            "nsd@0.5mm": Measure("NSD @ 0.5 mm", "", "high"),
            "nsd@1mm": MEASURES["nsd@1mm"],
        },
        ranked_by=("lesionwise_dice", "lesionwise_hd95_mm"),
        score=partial(score_brats2025, challenge),
        regions=challenge.regions,
        spatial_dims=(3,),
        tissues=challenge.tissues,
    )


BRATS2024 = tuple(map(_of_2024, CHALLENGES_2024))
BRATS2025 = tuple(map(_of_2025, CHALLENGES_2025))
