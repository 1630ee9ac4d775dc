"""`isles2022`: the four measures of the ISLES'22 challenge, for stroke lesions."""

import numpy as np

from inspire_med.evaluation.measures import lesions, matching, overlap
from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols.brats2021 import on_its_box
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import RegionResult
from inspire_med.imaging.masks import ANY_LABEL


def score_isles2022(pair: RegionPair) -> RegionResult:
    """The measures of the `isles2022` protocol.

    Lesion F1 is TP / (TP + (FP + FN) / 2), with lesions of the reference that the prediction
    touches as TP, the others as FN, and predicted ones that touch none as FP.
    """
    pair = on_its_box(pair)
    counts = overlap.count(pair.reference, pair.prediction)
    reference, prediction = (lesions.components(mask) for mask in (pair.reference, pair.prediction))
    found = matching.match(reference, prediction)
    missed = sum(not parts for parts in found.hits)
    wrong = len(found.spurious) + missed
    touched = len(reference) - missed
    scores = {
        "dice": overlap.dice(counts),
        "lesion_f1": touched / (touched + wrong / 2) if touched + wrong else 1.0,
        "absolute_volume_difference_ml": abs(counts.fp - counts.fn)
        * float(np.prod(pair.spacing_mm))
        / 1000,
        "absolute_lesion_count_difference": float(abs(len(reference) - len(prediction))),
    }
    return RegionResult(scores, matching.lesion_table(found, pair.spacing_mm, pair.origin))


ISLES2022 = MaskProtocol(
    name="isles2022",
    title="ISLES'22: stroke lesions",
    policy=(
        "lesions: connected by faces, edges or corners (26 neighbours), of any size",
        "dice: both masks empty 1, one empty 0",
        "lesion_f1: TP / (TP + (FP + FN) / 2), TP lesions of the reference with a predicted voxel, "
        "FN those without, FP predicted lesions without a voxel of the reference; both empty 1. "
        "Not symmetric: TP are counted in the reference",
        "absolute_volume_difference_ml: absolute, in ml",
        "absolute_lesion_count_difference: of the numbers of lesions, absolute",
        "volumes use the reference's spacing; the challenge's notebook takes that of the DWI image",
    ),
    measures={
        "dice": MEASURES["dice"],
        "lesion_f1": Measure("Lesion F1", "", "high"),
        "absolute_volume_difference_ml": Measure("Absolute volume difference", "ml", "low"),
        "absolute_lesion_count_difference": Measure(
            "Absolute lesion count difference", "count", "low"
        ),
    },
    ranked_by=(
        *("dice", "lesion_f1"),
        *("absolute_volume_difference_ml", "absolute_lesion_count_difference"),
    ),
    score=score_isles2022,
    regions={"lesion": ANY_LABEL},
    spatial_dims=(3,),
)
