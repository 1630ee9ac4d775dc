"""The rules of the BraTS 2026 challenges in words: regions, measures, what each value means.

Source: the challenges' package brats_evaluation 0.0.10.
"""

from dataclasses import dataclass

from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols.brats2024_rules import CHALLENGES_2025
from inspire_med.imaging.masks import Regions


@dataclass(frozen=True)
class Challenge:
    """What differs between the challenges.

    Attributes:
        title: Its name.
        regions: Label values of each region.
        by_size: Whether large and small lesions are told apart.
    """

    title: str
    regions: Regions
    by_size: bool = False


# Labels are those of 2025.
CHALLENGES = {
    "gli": Challenge("GLI", CHALLENGES_2025["gli"].regions),
    "met": Challenge("MET", CHALLENGES_2025["met"].regions, by_size=True),
    "ped": Challenge("PED", CHALLENGES_2025["ped"].regions),
    "menrt": Challenge("MEN-RT", CHALLENGES_2025["menrt"].regions),
    "menpre": Challenge("MEN, before treatment", CHALLENGES_2025["men"].regions),
    "goat": Challenge("GoAT", CHALLENGES_2025["men"].regions),
}

LESIONWISE = {
    "lesionwise_dice": Measure("Lesion-wise Dice", "", "high"),
    "lesionwise_nsd": Measure("Lesion-wise NSD", "", "high"),
    # Where the sides of a voxel differ it is no distance in mm; the policy says why.
    "lesionwise_hd95": Measure("Lesion-wise HD95 (cubic voxels)", "mm", "low"),
}
WHOLE = {
    "dice": MEASURES["dice"],
    "nsd": Measure("NSD @ 0.5 voxels", "", "high"),
    "hd95": Measure("HD95", "voxels", "low"),
}


def detection_measures(prefix: str) -> dict[str, Measure]:
    """Counts of lesions and their ratios; the prefix is that of a size, or empty."""
    size = prefix.replace("_", " ").capitalize()

    def titled(words: str) -> str:
        return f"{size}{words}" if size else words[0].upper() + words[1:]

    return {
        f"{prefix}lesions_tp": Measure(titled("lesions found"), "count", "high"),
        f"{prefix}lesions_fp": Measure(titled("spurious lesions"), "count", "low"),
        f"{prefix}lesions_fn": Measure(titled("missed lesions"), "count", "low"),
        f"{prefix}lesion_precision": Measure(titled("lesion precision"), "", "high"),
        f"{prefix}lesion_recall": Measure(titled("lesion recall"), "", "high"),
        f"{prefix}lesion_f1": Measure(titled("lesion F1"), "", "high"),
    }


_PAIRED = (
    "lesionwise_dice, lesionwise_nsd, lesionwise_hd95: mean over the lesions in a pair alone; "
    "where there is none 0, 0 and infinite, counted as undefined; without any lesion undefined",
    "missed and spurious lesions enter the counts alone: read lesionwise values beside them",
)
_BY_SIZE = (
    "lesionwise_dice, lesionwise_nsd, lesionwise_hd95: mean over the large lesions, of 20 mm3 or "
    "more, and all spurious ones; missed and spurious ones 0, 0 and 373; without a large lesion "
    "undefined",
    "large_lesions_tp, large_lesions_fn, small_lesions_tp, small_lesions_fn: lesions of 20 mm3 or "
    "more, and smaller ones, that are in a pair of Dice 0.1 or more, and the others; "
    "large_lesions_fp, small_lesions_fp: all spurious lesions, of any size, in both",
    "large_lesion_precision, large_lesion_recall, large_lesion_f1, small_lesion_precision, "
    "small_lesion_recall, small_lesion_f1: of these counts, 0 where the denominator is; all of a "
    "size undefined where the reference has no lesion of it",
)


def policy(challenge: Challenge) -> tuple[str, ...]:
    """What each value of a challenge means, a line each."""
    return (
        "rules: the challenge's package brats_evaluation 0.0.10 (July 2026) on panoptica 2.1.7",
        "lesions: connected by faces, edges or corners (26 neighbours), of any size, not dilated",
        "a lesion of the reference and a predicted one are a pair; each is in one pair at most, "
        "and the pairs are those with the largest sum of Dice",
        "lesions_tp: pairs; lesions_fn, lesions_fp: lesions and predicted ones in no pair",
        "lesion_precision, lesion_recall, lesion_f1: of these counts; undefined where the "
        "denominator is 0",
        *(_BY_SIZE if challenge.by_size else _PAIRED),
        "lesionwise_hd95: border voxels, 95 % quantile of both directions in one list, "
        "interpolated; lesionwise_nsd: mean of both shares of border voxels within (<=) the "
        "voxel's smallest side of the other's",
        "lesionwise distances take the voxel's sides in reverse, as the challenge's package does: "
        "mm where all sides are equal, as in BraTS volumes of 1 mm; no true distances elsewhere",
        "dice, nsd, hd95: of the whole region; both masks empty undefined, no voxel in common 0, "
        "0 and 373",
        "hd95: likewise on border voxels, but in voxels, whatever their size; nsd: share of border "
        "voxels within 0.5 voxels, which is those that coincide",
        "a missing prediction is an error; the challenge gives it 0 everywhere and 373 for HD95",
        "standard deviations over lesions, which the challenge's table has, are not given",
    )
