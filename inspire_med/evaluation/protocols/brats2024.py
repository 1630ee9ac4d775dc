"""`brats2024-*`: lesion-wise Dice, HD95 and NSD of the BraTS 2024 challenges.

Source: the challenges' evaluation scripts (BraTS-2024-Metrics); `brats2024_rules.py` holds what
differs between them.
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
from inspire_med.evaluation.protocols.brats2024_rules import CHALLENGES, Challenge, Rule
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import Lesion, RegionResult

TOLERANCES_MM = (0.5, 1.0)


def score_brats2024(challenge: Challenge, pair: RegionPair) -> RegionResult:
    """The measures of a `brats2024-*` protocol; a region without a name by the first rule."""
    rule = challenge.rules[pair.name or next(iter(challenge.rules))]
    pair = cleaned(rule, pair if rule.joined_by else on_its_box(pair))
    reference, prediction = lesions_of(rule, pair)
    for tissue in rule.joined_by:
        other = challenge.rules[tissue]
        beside = lesions_of(other, cleaned(other, pair.tissues[tissue]))
        reference, prediction = map(matching.joined, (reference, prediction), beside)
    found = matching.match(reference, prediction)
    table = matching.lesion_table(found, pair.spacing_mm, pair.origin, rule.larger_than)
    if not challenge.spurious_count:
        table = tuple(replace(one, counted=one.counted and one.kind != "spurious") for one in table)
    penalty_mm = challenge.penalty_mm(pair.shape)
    scores = {**lesion_scores(table, penalty_mm), **lesionwise_nsd(found, table, pair.spacing_mm)}
    return RegionResult({**scores, **score_whole(pair, penalty_mm)}, table)


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
    """The whole-region measures of 2024."""
    counts = overlap.count(pair.reference, pair.prediction, pair.size)
    distances = surface.surface_distances(pair.reference, pair.prediction, pair.spacing_mm)
    shares = border_nsd(pair.reference, pair.prediction, pair.spacing_mm)
    measures = {
        "dice": overlap.dice(counts),
        "recall": overlap.recall(counts),
        "specificity": overlap.specificity(counts),
        "hd95_mm": surface.hausdorff_mm(distances),
        **{f"nsd@{tolerance_mm:g}mm": share for tolerance_mm, share in shares.items()},
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


def _protocol(name: str) -> MaskProtocol:
    challenge = CHALLENGES[name]
    return MaskProtocol(
        name=f"brats2024-{name}",
        title=f"BraTS 2024 {challenge.title}: lesion-wise Dice, HD95 and NSD",
        policy=(
            *challenge.policy,
            *lesion_policy(*challenge.sizes),
            "lesionwise_dice, lesionwise_nsd@0.5mm, lesionwise_nsd@1mm: mean over the lesions that "
            "count and the spurious ones; missed and spurious ones 0, none of either 1",
            "lesionwise_hd95_mm: likewise; missed and spurious ones the penalty, none of either 0",
            "dice, recall: of the whole region; both masks empty 1, one empty 0",
            "specificity: over the whole volume; 0 where the reference leaves no background",
            "hd95_mm: of the whole region, surface elements weighted by area, larger of the two "
            "directed 95 % distances, not interpolated; both empty 0, one empty the penalty",
            "nsd@0.5mm, nsd@1mm: share of each mask's border voxels within (<=) 0.5 and 1 mm of "
            "the other's, mean of the two shares (nnU-Net's formula, not the area-weighted one of "
            "the other protocols); both empty 1, one empty 0",
            "differs from the challenge's script: recall, specificity and hd95_mm are those of the "
            "masks; the script takes them from numbered lesions, which changes them where a mask "
            "has more than one",
        ),
        measures={
            **LESION_MEASURES,
            "lesionwise_nsd@0.5mm": Measure("Lesion-wise NSD @ 0.5 mm", "", "high"),
            "lesionwise_nsd@1mm": Measure("Lesion-wise NSD @ 1 mm", "", "high"),
            **{name: MEASURES[name] for name in ("dice", "recall", "specificity", "hd95_mm")},
            "nsd@0.5mm": Measure("NSD @ 0.5 mm", "", "high"),
            "nsd@1mm": MEASURES["nsd@1mm"],
        },
        ranked_by=("lesionwise_dice", "lesionwise_hd95_mm"),
        score=partial(score_brats2024, challenge),
        regions=challenge.regions,
        spatial_dims=(3,),
        tissues=challenge.tissues,
    )


BRATS2024 = tuple(_protocol(name) for name in CHALLENGES)
