"""`brats2021`: the whole-region evaluation of BraTS up to 2022, labels 1, 2 and 4."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite, sqrt

import numpy as np

from inspire_med.evaluation.measures.measure import MEASURES
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.protocols.segmentation import SEGMENTATION
from inspire_med.evaluation.result import RegionResult
from inspire_med.imaging.masks import joint_box

DIAGONAL_MM = sqrt(240**2 + 240**2 + 155**2)  # of a BraTS volume, 373.1287


def score_brats2021(pair: RegionPair) -> RegionResult:
    """The measures of the `brats2021` protocol."""
    return RegionResult(score_whole(on_its_box(pair), DIAGONAL_MM))


def score_whole(pair: RegionPair, penalty_mm: float) -> dict[str, float]:
    """The measures of `segmentation` with the empty rules of BraTS, as in `defined`."""
    return defined(SEGMENTATION.score(pair).measures, penalty_mm)


def defined(measures: Mapping[str, float], penalty_mm: float) -> dict[str, float]:
    """The same measures with a number for each undefined one, as BraTS has it.

    Args:
        measures: Value by name.
        penalty_mm: What stands for an infinite distance; 0 stands for an undefined ratio, which
            is the specificity where the reference leaves no background.
    """
    numbers = {name: penalty_mm if name.endswith("_mm") else 0.0 for name in measures}
    return {name: value if isfinite(value) else numbers[name] for name, value in measures.items()}


def on_its_box(pair: RegionPair) -> RegionPair:
    """The same region on no more of the volume than it fills: one voxel where it is empty."""
    box = joint_box(pair.reference, pair.prediction) or (slice(0, 1),) * len(pair.shape)
    return replace(
        pair,
        reference=np.ascontiguousarray(pair.reference[box]),
        prediction=np.ascontiguousarray(pair.prediction[box]),
        origin=tuple(at + side.start for at, side in zip(pair.origin, box, strict=True)),
    )


def whole_policy(penalty: str) -> tuple[str, ...]:
    """The rules of `score_whole`."""
    return (
        "dice, recall: both masks empty 1, one empty 0",
        "specificity: over the whole volume; 0 where the reference leaves no background",
        "hd95_mm: surface elements weighted by area, larger of the two directed 95 % distances, "
        f"not interpolated, with the reference's spacing; both empty 0, one empty {penalty}",
        "iou, precision, assd_mm, nsd@1mm, nsd@2mm, volume_difference_ml: the project's own, not "
        "part of the challenge. iou, precision: both empty 1, one empty 0",
        f"assd_mm: mean over the border voxels of both masks; both empty 0, one empty {penalty}",
        "nsd@1mm, nsd@2mm: share of the surface area within (<=) 1 and 2 mm of the other surface; "
        "both empty 1, one empty 0",
        "volume_difference_ml: prediction minus reference, signed",
    )


BRATS2021 = MaskProtocol(
    name="brats2021",
    title="BraTS 2021: whole regions, labels 1, 2 and 4",
    policy=(
        *whole_policy("373.1287 (the diagonal of 240 x 240 x 155 voxels of 1 mm)"),
        "hd95 on surface elements is the convention of the BraTS evaluators; papers that used "
        "MedPy's percentile over both directions together report other values",
    ),
    measures=MEASURES,
    ranked_by=("dice", "hd95_mm"),
    score=score_brats2021,
    regions={"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)},
    spatial_dims=(3,),
)
