"""`brats2023-*`: lesion-wise Dice and HD95 of the BraTS 2023 challenges.

Source: the challenges' evaluation script and its description (BraTS-2023-Metrics).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from inspire_med.evaluation.measures import lesions, matching
from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols.brats2021 import (
    on_its_box,
    score_whole,
    whole_policy,
)
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import Lesion, RegionResult

PENALTY_MM = 374.0
REGIONS = {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}

LESION_MEASURES = {
    "lesionwise_dice": Measure("Lesion-wise Dice", "", "high"),
    "lesionwise_hd95_mm": Measure("Lesion-wise HD95", "mm", "low"),
    "lesions_tp": Measure("Lesions found", "count", "high"),
    "lesions_fp": Measure("Spurious lesions", "count", "low"),
    "lesions_fn": Measure("Missed lesions", "count", "low"),
}


@dataclass(frozen=True)
class Challenge:
    """What differs between the challenges of 2023.

    Attributes:
        steps: Dilations within which parts of the reference are one lesion.
        larger_than: Size in mm3 that a lesion of the reference must exceed to count.
    """

    steps: int
    larger_than: float


CHALLENGES = {
    "gli": Challenge(steps=3, larger_than=50),
    "men": Challenge(steps=1, larger_than=50),
    "met": Challenge(steps=1, larger_than=2),
    "ped": Challenge(steps=3, larger_than=50),
    "ssa": Challenge(steps=3, larger_than=50),
}


def score_brats2023(challenge: Challenge, pair: RegionPair) -> RegionResult:
    """The measures of a `brats2023-*` protocol."""
    pair = on_its_box(pair)
    whole = score_whole(pair, PENALTY_MM)
    found = matching.match(
        lesions.grouped(pair.reference, challenge.steps), lesions.components(pair.prediction)
    )
    hd95_mm = found.hd95_mm(pair.spacing_mm)
    table = matching.lesion_table(
        found, hd95_mm, pair.spacing_mm, pair.origin, challenge.larger_than
    )
    return RegionResult({**lesion_scores(table, PENALTY_MM), **whole}, table)


def lesion_scores(table: Sequence[Lesion], penalty_mm: float) -> dict[str, float]:
    """Means over the lesions that count, and how many there are of each kind.

    Missed and spurious ones enter with Dice 0 and the penalty. Without any lesion that counts Dice
    is 1 and HD95 0.
    """
    counted = [lesion for lesion in table if lesion.counted]
    matched = [lesion for lesion in counted if lesion.kind == "matched"]
    missed = sum(lesion.kind == "missed" for lesion in counted)
    dice = sum(lesion.dice for lesion in matched)
    hd95_mm = sum(lesion.hd95_mm for lesion in matched)
    hd95_mm += penalty_mm * (len(counted) - len(matched))
    return {
        "lesionwise_dice": dice / len(counted) if counted else 1.0,
        "lesionwise_hd95_mm": hd95_mm / max(len(counted), 1),
        "lesions_tp": float(len(matched)),
        "lesions_fp": float(sum(lesion.kind == "spurious" for lesion in table)),
        "lesions_fn": float(missed),
    }


def lesion_policy(dilations: str, bound: str) -> tuple[str, ...]:
    """Which voxels are one lesion of the reference, and when it is found, in words."""
    return (
        "lesions of the reference: 26-connected parts of its mask after "
        f"{dilations} by the 18-neighbourhood, without the added rim; they count if larger than "
        f"{bound}",
        "a part of the prediction hits each lesion that has a voxel of it in its dilated mask; a "
        "lesion is compared with the whole of all that hit it",
        "lesions_tp, lesions_fn: lesions that count with and without a hit; lesions_fp: what was "
        "predicted and hits no lesion, not even one too small to count",
    )


def _protocol(name: str) -> MaskProtocol:
    challenge = CHALLENGES[name]
    return MaskProtocol(
        name=f"brats2023-{name}",
        title=f"BraTS 2023 {name.upper()}: lesion-wise Dice and HD95",
        policy=(
            "rules: the challenge's script at commit 43c9052 of BraTS-2023-Metrics",
            *lesion_policy(
                "one dilation" if challenge.steps == 1 else f"{challenge.steps} dilations",
                f"{challenge.larger_than:g} mm3",
            ),
            "parts of the prediction: its 26-connected parts, of any size, not dilated",
            "lesionwise_dice: mean over the lesions that count and the spurious ones; missed and "
            "spurious ones 0, none of either 1",
            "lesionwise_hd95_mm: likewise; missed and spurious ones 374, none of either 0",
            "the other measures are those of the whole region",
            *whole_policy("374"),
        ),
        measures={**LESION_MEASURES, **MEASURES},
        ranked_by=("lesionwise_dice", "lesionwise_hd95_mm"),
        score=partial(score_brats2023, challenge),
        regions=REGIONS,
        spatial_dims=(3,),
    )


BRATS2023 = tuple(_protocol(name) for name in CHALLENGES)
