"""`isles2022`, `isles2024`, `isles2026`: the measures of the ISLES challenges.

What differs is when a lesion is found.

Sources: the challenges' evaluation scripts (ezequieldlrosa/isles22 and isles24, utils/eval_utils);
of ISLES'26 what stebo85/isles26 says of its script.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures import lesions, matching, overlap
from inspire_med.evaluation.measures.lesions import Parts
from inspire_med.evaluation.measures.matching import Match
from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.measures.one_to_one import by_highest_iou
from inspire_med.evaluation.measures.precision_recall import pr_auc
from inspire_med.evaluation.protocols.brats2021 import on_its_box
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import RegionResult
from inspire_med.imaging.masks import ANY_LABEL

REGIONS = {"lesion": ANY_LABEL}
ISLES_MEASURES = {
    "dice": MEASURES["dice"],
    "lesion_f1": Measure("Lesion F1", "", "high"),
    "absolute_volume_difference_ml": Measure("Absolute volume difference", "ml", "low"),
    "absolute_lesion_count_difference": Measure("Absolute lesion count difference", "count", "low"),
}


def score_isles(matched: Callable[[Parts, Parts], Match], pair: RegionPair) -> RegionResult:
    """The measures of the ISLES protocols.

    Lesion F1 is TP / (TP + (FP + FN) / 2), with lesions of the reference that are found as TP, the
    others as FN, and predicted ones that answer to none as FP.

    Args:
        matched: From the lesions of reference and prediction to which of them is found by which.
        pair: The region.
    """
    pair = on_its_box(pair)
    counts = overlap.count(pair.reference, pair.prediction)
    reference, prediction = (lesions.components(mask) for mask in (pair.reference, pair.prediction))
    found = matched(reference, prediction)
    missed = sum(not parts for parts in found.hits)
    wrong = len(found.spurious) + missed
    tp = len(reference) - missed
    scores = {
        "dice": overlap.dice(counts),
        "lesion_f1": tp / (tp + wrong / 2) if tp + wrong else 1.0,
        "absolute_volume_difference_ml": abs(counts.fp - counts.fn)
        * float(np.prod(pair.spacing_mm))
        / 1000,
        "absolute_lesion_count_difference": float(abs(len(reference) - len(prediction))),
    }
    hd95_mm = found.hd95_mm(pair.spacing_mm)
    table = matching.lesion_table(found, hd95_mm, pair.spacing_mm, pair.origin)
    return RegionResult(scores, table)


def isles_policy(f1: str, where: str) -> tuple[str, ...]:
    """The rules of `score_isles`.

    Args:
        f1: What TP, FN and FP are.
        where: Where the challenge takes its volumes.
    """
    return (
        "lesions: connected by faces, edges or corners (26 neighbours), of any size",
        "dice: both masks empty 1, one empty 0",
        f"lesion_f1: TP / (TP + (FP + FN) / 2), {f1}; both empty 1",
        "absolute_volume_difference_ml: absolute, in ml",
        "absolute_lesion_count_difference: of the numbers of lesions, absolute",
        where,
    )


def one_to_one_words(iou: str) -> str:
    """What is found where lesions are paired with predicted ones, each once."""
    return (
        f"TP pairs of a lesion and a predicted one with IoU {iou} or more, each in one pair at "
        "most, the highest IoU first; FN and FP the lesions and predicted ones in no pair"
    )


ISLES2022 = MaskProtocol(
    name="isles2022",
    title="ISLES'22: stroke lesions",
    policy=(
        "rules: the challenge's utils/eval_utils.py at commit 31b7c8c",
        *isles_policy(
            "TP lesions of the reference with a predicted voxel, FN those without, FP predicted "
            "lesions without a voxel of the reference (not symmetric: TP are counted in the "
            "reference)",
            "volumes use the reference's spacing; the challenge's notebook takes that of the DWI "
            "image",
        ),
    ),
    measures=ISLES_MEASURES,
    ranked_by=tuple(ISLES_MEASURES),
    score=partial(score_isles, matching.match),
    regions=REGIONS,
    spatial_dims=(3,),
)

ISLES2024 = MaskProtocol(
    name="isles2024",
    title="ISLES'24: stroke lesions, paired one to one",
    policy=(
        "rules: the challenge's utils/eval_utils.py at commit 94b3486 (December 2025); until then "
        "a pair needed IoU 0.5",
        *isles_policy(
            one_to_one_words("0.2"),
            "the masks are taken as they are; the challenge's notebook limits them to the brain "
            "of the NCCT first",
        ),
        "the script does not pin panoptica: with 1.0.1 and before, dice is 0 where no lesion is "
        "found; here, as with 1.1, it is that of the masks",
    ),
    measures=ISLES_MEASURES,
    ranked_by=tuple(ISLES_MEASURES),
    score=partial(score_isles, partial(by_highest_iou, at_least=0.2)),
    regions=REGIONS,
    spatial_dims=(3,),
)


def score_probabilities(
    reference: NDArray[np.bool_], probability: NDArray[Any]
) -> dict[str, float]:
    """The measure of ISLES'26 that takes the map."""
    return {"pr_auc": pr_auc(reference, probability)}


ISLES2026 = MaskProtocol(
    name="isles2026",
    title="ISLES'26: stroke lesions, paired one to one, and their probabilities",
    policy=(
        "rules: second hand, as stebo85/isles26 (commit b92a747) tells them of the challenge's "
        "utils/eval_utils.py of 24 July 2026 (c430f15); not held against that file itself",
        *isles_policy(one_to_one_words("0.25"), "the masks are taken as they are"),
        "pr_auc: of the probabilities in <case id>_prob.nii.gz, area under precision over recall "
        "at every value of the map, by trapezoids (not average precision), over the whole volume; "
        "reference empty: 1 under a constant map, else 0",
    ),
    measures={**ISLES_MEASURES, "pr_auc": Measure("PR-AUC", "", "high")},
    ranked_by=(*ISLES_MEASURES, "pr_auc"),
    score=partial(score_isles, partial(by_highest_iou, at_least=0.25)),
    regions=REGIONS,
    spatial_dims=(3,),
    score_map=score_probabilities,
)
