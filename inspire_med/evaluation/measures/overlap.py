"""Overlap: voxel counts of two masks and the ratios made of them.

Source of every rule: the BraTS and ISLES'22 evaluators count two empty masks as full agreement
(1) and one empty mask as none (0).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Counts:
    """How the voxels of a whole volume fall: true/false positives and negatives."""

    tp: int
    fp: int
    fn: int
    tn: int


def count(reference: NDArray[Any], prediction: NDArray[Any], size: int | None = None) -> Counts:
    """Count the voxels of two boolean masks of one shape.

    Args:
        reference: `(*spatial)`.
        prediction: `(*spatial)`.
        size: Voxels of the whole volume where the masks are a crop of it that holds all their
            foreground; what lies outside is true negative. By default the masks are whole.
    """
    tp = int(np.count_nonzero(reference & prediction))
    fp = int(np.count_nonzero(prediction)) - tp
    fn = int(np.count_nonzero(reference)) - tp
    whole = reference.size if size is None else size
    return Counts(tp, fp, fn, whole - tp - fp - fn)


def dice(counts: Counts) -> float:
    """2 TP / (2 TP + FP + FN); both empty 1, one empty 0."""
    return _ratio(2 * counts.tp, counts.fp + counts.fn)


def iou(counts: Counts) -> float:
    """TP / (TP + FP + FN); both empty 1, one empty 0."""
    return _ratio(counts.tp, counts.fp + counts.fn)


def precision(counts: Counts) -> float:
    """TP / (TP + FP); both empty 1, an empty prediction alone 0."""
    return 0.0 if counts.tp + counts.fp == 0 < counts.fn else _ratio(counts.tp, counts.fp)


def recall(counts: Counts) -> float:
    """TP / (TP + FN), also called sensitivity; both empty 1, an empty reference alone 0."""
    return 0.0 if counts.tp + counts.fn == 0 < counts.fp else _ratio(counts.tp, counts.fn)


def specificity(counts: Counts) -> float:
    """TN / (TN + FP) over the whole volume; NaN where the reference leaves no background."""
    negatives = counts.tn + counts.fp
    return counts.tn / negatives if negatives else float("nan")


def _ratio(agreed: int, differing: int) -> float:
    """Agreed / (agreed + differing); nothing at all on either side is full agreement."""
    return agreed / (agreed + differing) if agreed + differing else 1.0
