"""`polyp-endocv2021`: masks of polyps as the EndoCV2021 challenge scores them, F2 and PPV among it.

Source: sharibox/EndoCV2021-polyp_det_seg_gen, commit bcc3959: `compute_seg.py`, `metrics_seg.py`
and `compute_seg_gen.py`; Ali et al., Sci. Rep. 14, 2024.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation.measures import overlap
from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.measures.row_hausdorff import row_hausdorff
from inspire_med.evaluation.protocols.kinds import PictureProtocol
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.wording import counted

REGION = "polyp"
TOLERANCE = 0.1


def score_endocv(mask: NDArray[np.bool_], grey: NDArray[np.float64]) -> RegionResult:
    """The measures of one picture.

    Args:
        mask: The reference, `(height, width)`.
        grey: The predicted mask, likewise, 0 or 1; between them where it was resized.
    """
    found = grey > 0.5
    counts = overlap.count(mask, found)
    ppv = counts.tp / (counts.tp + counts.fp) if counts.tp + counts.fp else 1.0
    recall = counts.tp / (counts.tp + counts.fn) if counts.tp + counts.fn else 1.0
    return RegionResult(
        {
            "dice": overlap.dice(counts),
            "iou": overlap.iou(counts),
            "f2": 5 * ppv * recall / (4 * ppv + recall) if ppv + recall else 0.0,
            "ppv": ppv,
            "recall": recall,
            "accuracy": (counts.tp + counts.tn) / mask.size,
            "row_hausdorff": row_hausdorff(mask, found),
        }
    )


def deviation(seen: Sequence[CaseScores], unseen: Sequence[CaseScores]) -> float:
    """The challenge's deviation from one data set to another: 0 where no score moves beyond 10 %.

    Of the means of Dice, recall and PPV and of 1 - `hausdorff_share`: 0 where the score of the
    second set is within 10 % of that of the first, else how far it lies from 90 % of it; the mean
    of the four.
    """
    first, second = (
        (*(_mean(cases, name) for name in ("dice", "recall", "ppv")), 1 - hausdorff_share(cases))
        for cases in (seen, unseen)
    )
    return fmean(
        0.0 if (1 - TOLERANCE) * one <= other <= (1 + TOLERANCE) * one
        else abs((1 - TOLERANCE) * one - other)
        for one, other in zip(first, second, strict=True)
    )  # fmt: skip


def hausdorff_share(cases: Sequence[CaseScores]) -> float:
    """The mean of `row_hausdorff` over its largest value in the set, 0 where that is 0."""
    most = max(each.regions[REGION].measures["row_hausdorff"] for each in cases)
    return _mean(cases, "row_hausdorff") / most if most else 0.0


def in_words(cases: Sequence[CaseScores], sites: Mapping[str, str]) -> list[str]:
    """What the challenge reports of a whole set, and between the sites of one.

    Cases without a site are of no data set.
    """
    sited = [each for each in cases if each.case in sites]
    by_site: dict[str, list[CaseScores]] = {}
    for each in sited:
        by_site.setdefault(sites[each.case], []).append(each)
    without = len(cases) - len(sited)
    left_out = f"; without a site, and left out: {counted(without, 'case')}" if without else ""
    between = [
        f"from {one} to {other} {deviation(by_site[one], by_site[other]):.6f}"
        for one, other in permutations(by_site, 2)
    ]
    return [
        f"Mean row_hausdorff over its largest in the set: {hausdorff_share(cases):.6f}.",
        *[f"Deviation beyond 10 % between sites: {', '.join(between)}{left_out}."] * bool(between),
    ]


def _mean(cases: Sequence[CaseScores], measure: str) -> float:
    return fmean(each.regions[REGION].measures[measure] for each in cases)


POLYP_ENDOCV2021 = PictureProtocol(
    name="polyp-endocv2021",
    title="Polyp segmentation as the EndoCV2021 challenge evaluates it",
    policy=(
        "region polyp: whatever is above 0, in reference and prediction; where a picture was saved "
        "as JPEG its grey rim counts too, and is named",
        "a prediction of another size is made a mask, then resized (bilinear) to its reference and "
        "cut at a half",
        "dice, iou: both empty 1, one empty 0",
        "ppv: TP / predicted, 1 where nothing is predicted; recall: TP / reference, 1 where the "
        "reference is empty",
        "f2: 5 ppv recall / (4 ppv + recall), 0 without a true positive unless both are empty",
        "accuracy: pixels that agree / pixels",
        "row_hausdorff: Hausdorff distance between the rows of the two masks, each row a point of "
        "as many coordinates as there are columns: the challenge's number, no distance between "
        "outlines; the set's mean over its largest is in the notes",
        "deviation between sites, in the notes: of the means of dice, recall and ppv and of 1 - "
        "that share; 0 within 10 % of the first site's, else the distance to 90 % of it",
    ),
    measures={
        "dice": MEASURES["dice"],
        "iou": MEASURES["iou"],
        "f2": Measure("F2", "", "high"),
        "ppv": Measure("PPV", "", "high"),
        "recall": MEASURES["recall"],
        "accuracy": Measure("Accuracy", "", "high"),
        "row_hausdorff": Measure("Hausdorff of rows", "px", "low"),
    },
    ranked_by=("dice", "f2", "ppv", "recall"),
    score=score_endocv,
    region=REGION,
    white_above=0,
    remarks=in_words,
)
