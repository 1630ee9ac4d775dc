"""E-measure: enhanced alignment of a binarised map with a mask.

Source: Fan et al., Enhanced-alignment Measure for Binary Foreground Map Evaluation, IJCAI 2018, as
PraNet's evaluation has it.
"""

import numpy as np

from inspire_med.evaluation.measures.threshold_curves import BinaryCounts, Curve

_EPS = float(np.finfo(np.float64).eps)


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
