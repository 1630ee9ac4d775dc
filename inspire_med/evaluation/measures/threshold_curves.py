"""Threshold curves: a grey map against a mask at 256 thresholds, from one histogram.

The thresholds are j/255 for j = 0 ... 255, exactly; entry j of every curve belongs to threshold j.
At threshold 0 the whole picture is foreground, so that even a perfect map has a mean below 1.

Sources: PraNet's evaluation (https://github.com/DengPingFan/PraNet, `eval/*.m`), with exact
thresholds in place of MATLAB's range, which puts some thresholds above their own grey level; Fan
et al., Enhanced-alignment Measure for Binary Foreground Map Evaluation, IJCAI 2018.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 256
_EPS = float(np.finfo(np.float64).eps)

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class BinaryCounts:
    """How pixels fall where a map is binarised at several thresholds.

    Attributes:
        tp: `(thresholds,)`, foreground pixels found.
        fp: `(thresholds,)`, background pixels taken for foreground.
        foreground: Pixels of the mask.
        size: Pixels of the picture.
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    foreground: int
    size: int

    @property
    def found(self) -> NDArray[np.int64]:
        """`(thresholds,)`, pixels of the binarised map."""
        return self.tp + self.fp


def stretched(grey: Curve) -> Curve:
    """A map in [0, 1] stretched so that it begins at 0 and ends at 1; a constant one as it is."""
    low, high = float(grey.min()), float(grey.max())
    return (grey - low) / (high - low) if low < high else grey


def count_at_levels(mask: NDArray[np.bool_], grey: Curve) -> BinaryCounts:
    """Count the pixels of a map in [0, 1] that reach each of the thresholds 0/255 ... 255/255."""
    # Not rounded: at level j stand the pixels from j/255 to just below (j + 1)/255, and a pixel
    # that was stored as j/255 comes out as j.
    levels = (grey * 255).astype(np.uint8)
    histogram = np.bincount((levels + np.int64(LEVELS) * mask).ravel(), minlength=2 * LEVELS)
    fp, tp = np.cumsum(histogram.reshape(2, LEVELS)[:, ::-1], axis=1)[:, ::-1]
    return BinaryCounts(tp, fp, int(tp[0]), mask.size)


def count_binary(mask: NDArray[np.bool_], binary: NDArray[np.bool_]) -> BinaryCounts:
    """Count the pixels of one binarised map, as a single threshold."""
    tp = np.count_nonzero(mask & binary)
    fp = np.count_nonzero(binary) - tp
    return BinaryCounts(np.array([tp]), np.array([fp]), np.count_nonzero(mask), mask.size)


def count_adaptive(mask: NDArray[np.bool_], grey: Curve) -> BinaryCounts:
    """Count the pixels of a map at the one threshold that is twice its mean, at most 1."""
    return count_binary(mask, grey >= min(2 * float(grey.mean()), 1.0))


def overlap_curves(counts: BinaryCounts) -> dict[str, Curve]:
    """Dice, IoU, precision, recall, specificity and F (beta 1) at each threshold.

    All are 0 where TP = 0, specificity too: an empty mask scores 0 whatever the map. Specificity
    of a mask without background is NaN where TP > 0.
    """
    hit = counts.tp > 0
    background = counts.size - counts.foreground
    precision = _ratio(counts.tp, counts.found)
    recall = _ratio(counts.tp, counts.foreground)
    correct_rejections = np.where(hit, background - counts.fp, 0)
    lacking = hit & (background == 0)
    return {
        "dice": _ratio(2 * counts.tp, counts.foreground + counts.found),
        "iou": _ratio(counts.tp, counts.foreground + counts.fp),
        "precision": precision,
        "recall": recall,
        "specificity": np.where(lacking, np.nan, _ratio(correct_rejections, background)),
        "f": f_measure(counts),
    }


def f_measure(counts: BinaryCounts, beta_squared: float = 1.0) -> Curve:
    """(1 + b^2) P R / (b^2 P + R) of precision P and recall R at each threshold, `(thresholds,)`.

    0 where TP = 0.
    """
    precision, recall = _ratio(counts.tp, counts.found), _ratio(counts.tp, counts.foreground)
    return _ratio((1 + beta_squared) * precision * recall, beta_squared * precision + recall)


def _ratio(part: NDArray[Any], whole: NDArray[Any] | int) -> Curve:
    """Part / whole; 0 where the part is 0."""
    quotient = np.zeros(len(part))
    return np.divide(part, whole, out=quotient, where=part > 0)


def e_measure(counts: BinaryCounts) -> Curve:
    """Enhanced alignment at each threshold, `(thresholds,)`.

    With a_B = B - mean(B), a_G = G - mean(G) and phi = 2 a_G a_B / (a_G^2 + a_B^2 + eps):
    E = sum of (phi + 1)^2 / 4 over the pixels / (pixels - 1 + eps). An empty G counts the pixels
    outside B, a full G those in B, over the same denominator; so E may pass 1 by 1/pixels.
    """
    denominator = counts.size - 1 + _EPS
    if counts.foreground == 0:
        return (counts.size - counts.found) / denominator
    if counts.foreground == counts.size:
        return counts.found / denominator
    share, found_share = counts.foreground / counts.size, counts.found / counts.size
    fn = counts.foreground - counts.tp
    tn = counts.size - counts.foreground - counts.fp
    # phi has one value for all pixels of a kind: their number is all that is needed
    aligned = (
        counts.tp * _alignment(1 - share, 1 - found_share)
        + counts.fp * _alignment(-share, 1 - found_share)
        + fn * _alignment(1 - share, -found_share)
        + tn * _alignment(-share, -found_share)
    )
    return aligned / denominator


def _alignment(reference: float, prediction: Curve) -> Curve:
    """(phi + 1)^2 / 4 of a pixel's two deviations from their means."""
    phi = 2 * reference * prediction / (reference**2 + prediction**2 + _EPS)
    return (phi + 1) ** 2 / 4
