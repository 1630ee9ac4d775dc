"""`polyp-video`: grey maps of the frames of videos, as the video polyp papers report them.

Source: VPS (https://github.com/GewelsJI/VPS, commit 4b2d87e), `eval/vps_evaluator.py` and
`eval/metrics.py`; Ji et al., Video Polyp Segmentation: A Deep Learning Perspective, MIR 2022.
"""

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.measures.threshold_curves import (
    count_adaptive,
    count_at_levels,
    f_measure,
    stretched,
)
from inspire_med.evaluation.protocols.kinds import MapProtocol, OfMeanCurve
from inspire_med.evaluation.protocols.polyp_pranet import (
    MAP_POLICY,
    POLYP_PRANET,
    highest,
    score_polyp,
)
from inspire_med.evaluation.result import RegionResult

BETA_SQUARED = 0.3
_OF_CURVES = ("e", "f", "dice", "iou", "recall", "specificity")


def score_frame(mask: NDArray[np.bool_], grey: NDArray[np.float64]) -> RegionResult:
    """The measures of one frame, and its curves for those of the whole set.

    Args:
        mask: The reference, `(height, width)`.
        grey: The map as predicted, likewise, in [0, 1].
    """
    picture, grey = score_polyp(mask, grey), stretched(grey)
    f = f_measure(count_at_levels(mask, grey), BETA_SQUARED)
    curves = {name: f if name == "f" else picture.curves[name] for name in _OF_CURVES}
    adaptive_f = f_measure(count_adaptive(mask, grey), BETA_SQUARED)
    scores = {
        **picture.measures,
        "mean_f": float(f.mean()),
        "adaptive_f": float(adaptive_f[0]),
    }
    return RegionResult({name: scores[name] for name in _MEASURES if name in scores}, curves=curves)


_WORDS = {
    **POLYP_PRANET.measures,
    "mean_f": Measure("Mean F", "", "high"),
    "max_f": Measure("Max F", "", "high"),
    "adaptive_f": Measure("Adaptive F", "", "high"),
    "max_recall": Measure("Max recall", "", "high"),
    "max_specificity": Measure("Max specificity", "", "high"),
}
_MEASURES = {
    name: _WORDS[name]
    for name in (
        *("s_measure", "mean_e", "max_e", "adaptive_e", "weighted_f"),
        *("mean_f", "max_f", "adaptive_f", "mean_dice", "max_dice", "mean_iou", "max_iou"),
        *("mean_recall", "max_recall", "mean_specificity", "max_specificity", "mae"),
    )
}

POLYP_VIDEO = MapProtocol(
    name="polyp-video",
    title="Polyp segmentation in videos as VPS evaluates it, at exact thresholds",
    policy=(
        "a case is a video: its value is the mean over its frames without the first and the last, "
        "undefined where it is undefined for any of them; means, intervals and tests are over "
        "videos, each counting alike however long it is",
        "max_dice, max_iou, max_e, max_f, max_recall, max_specificity: highest value of the curve "
        "averaged over the frames of each video, then over all videos; they exist for the whole "
        "set alone",
        "mean_f, max_f, adaptive_f: F with beta squared 0.3; 0 without a true positive",
        "adaptive_f: at the threshold of adaptive_e",
        *MAP_POLICY,
    ),
    measures=_MEASURES,
    ranked_by=("s_measure", "mean_e", "weighted_f", "mean_f", "mean_dice"),
    score=score_frame,
    region=POLYP_PRANET.region,
    whole_set={f"max_{curve}": OfMeanCurve(curve, highest) for curve in _OF_CURVES},
    of_videos=True,
)
