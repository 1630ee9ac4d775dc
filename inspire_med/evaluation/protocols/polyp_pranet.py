"""`polyp-pranet`: grey maps at 256 thresholds, as the polyp papers since PraNet report them."""

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures import overlap
from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.measures.s_measure import s_measure
from inspire_med.evaluation.measures.threshold_curves import (
    count_adaptive,
    count_at_levels,
    e_measure,
    overlap_curves,
    stretched,
)
from inspire_med.evaluation.measures.weighted_f import weighted_f
from inspire_med.evaluation.protocols.kinds import MapProtocol, OfMeanCurve
from inspire_med.evaluation.result import RegionResult


def score_polyp(mask: NDArray[np.bool_], grey: NDArray[np.float64]) -> RegionResult:
    """The measures of one picture, and its curves for those of the whole set.

    Args:
        mask: The reference, `(height, width)`.
        grey: The map as predicted, likewise, in [0, 1].
    """
    grey = stretched(grey)
    counts = count_at_levels(mask, grey)
    curves = {**overlap_curves(counts), "e": e_measure(counts)}
    at_half = overlap.count(mask, grey > 0.5)
    scores = {
        "mean_dice": float(curves["dice"].mean()),
        "mean_iou": float(curves["iou"].mean()),
        "weighted_f": weighted_f(mask, grey),
        "s_measure": s_measure(mask, grey),
        "mean_e": float(curves["e"].mean()),
        "adaptive_e": float(e_measure(count_adaptive(mask, grey))[0]),
        "mae": float(np.abs(grey - mask).mean()),
        "mean_recall": float(curves["recall"].mean()),
        "mean_specificity": float(curves["specificity"].mean()),
        "dice@0.5": overlap.dice(at_half),
        "iou@0.5": overlap.iou(at_half),
    }
    return RegionResult(scores, curves=curves)


def highest(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value at the best threshold of each curve, `(..., thresholds)`.

    Of the mean curve of all pictures: not the mean of each picture's own best.
    """
    return curves.max(axis=-1)


# What goes for a map by itself, whatever its scores are averaged over.
MAP_POLICY: tuple[str, ...] = (
    "region polyp: reference pixels above 128 of the grey picture; pictures of 0 and 1, or of "
    "0 and 128, become empty by this rule and are named",
    "map: first channel in [0, 1], resized (bilinear) to its reference where sizes differ, "
    "then stretched to begin at 0 and end at 1; a constant map stays as it is",
    "thresholds: map >= j/255 for j = 0 ... 255, the stretched map cut down to 256 levels; at "
    "0 all is foreground, so a perfect map has mean_dice below 1",
    "mean_dice, mean_iou, mean_e, mean_recall, mean_specificity: mean over the 256 thresholds",
    "mean_dice, mean_iou, mean_recall, mean_specificity: 0 at a threshold without a true "
    "positive, so an empty reference scores 0 whatever was predicted",
    "mean_specificity: undefined where the reference is the whole picture",
    "mean_e, max_e, adaptive_e: sum over pixels / (pixels - 1), may pass 1 by 1/pixels; an "
    "empty reference counts what is left out, a full one what is found",
    "adaptive_e: at the threshold twice the map's mean, at most 1",
    "s_measure: alpha 0.5, centroid rounded half up; a quadrant without pixels counts 0; empty "
    "reference 1 - mean of the map, full reference its mean",
    "weighted_f: beta 1, Gaussian 7 x 7 of sigma 5 with zeros outside; empty reference 0",
    "mae: mean absolute difference of the stretched map",
)

POLYP_PRANET = MapProtocol(
    name="polyp-pranet",
    title="Polyp segmentation as PraNet evaluates it, at exact thresholds",
    policy=(
        *MAP_POLICY,
        "the mDice of the papers is mean_dice",
        "max_dice, max_iou, max_e: highest value of the curve averaged over all pictures; they "
        "exist for the whole set alone",
        "dice@0.5, iou@0.5: stretched map > 0.5; both empty 1, one empty 0",
    ),
    measures={
        "mean_dice": Measure("Mean Dice", "", "high"),
        "max_dice": Measure("Max Dice", "", "high"),
        "mean_iou": Measure("Mean IoU", "", "high"),
        "max_iou": Measure("Max IoU", "", "high"),
        "weighted_f": Measure("Weighted F", "", "high"),
        "s_measure": Measure("S-measure", "", "high"),
        "mean_e": Measure("Mean E", "", "high"),
        "max_e": Measure("Max E", "", "high"),
        "adaptive_e": Measure("Adaptive E", "", "high"),
        "mae": Measure("MAE", "", "low"),
        "mean_recall": Measure("Mean recall", "", "high"),
        "mean_specificity": Measure("Mean specificity", "", "high"),
        "dice@0.5": Measure("Dice @ 0.5", "", "high"),
        "iou@0.5": Measure("IoU @ 0.5", "", "high"),
    },
    ranked_by=("mean_dice", "weighted_f", "s_measure", "mean_e", "mae"),
    score=score_polyp,
    region="polyp",
    whole_set={
        "max_dice": OfMeanCurve("dice", highest),
        "max_iou": OfMeanCurve("iou", highest),
        "max_e": OfMeanCurve("e", highest),
    },
)
