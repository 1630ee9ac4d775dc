"""Referral: which cases a person should look at, and how often those and the others are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from inspire_med.evaluation.measures import overlap
from inspire_med.imaging.masks import Regions, labels_from_regions, region_masks
from inspire_med.inference.doubt import confidence, tempered
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.tuning.example import Example

WRONG_BELOW = 0.7  # Dice


@dataclass(frozen=True)
class Judged:
    """One case.

    Args:
        id: Of the case.
        confidence: What the network says of its masks, mean over regions.
        dice: What they are, mean over regions; both masks empty 1.
    """

    id: str
    confidence: float
    dice: float


def judge(regions: Regions, rules: Postprocessing, temperature: float, example: Example) -> Judged:
    """Hold a case's confidence against its Dice, with the masks that predict would write."""
    opened = example.open(regions)
    found: list[NDArray[np.bool_]] = []
    for region in regions:
        own = rules.of(region)
        found.append(own(opened.maps[region] > own.threshold, opened.voxel))
    masks = region_masks(labels_from_regions(found, regions), regions)
    promised: list[float] = []
    kept: list[float] = []
    for region, mask in zip(regions, masks, strict=True):
        promised.append(confidence(tempered(opened.maps[region], temperature), mask))
        kept.append(overlap.dice(overlap.count(opened.references[region], mask)))
    return Judged(example.id, float(np.mean(promised)), float(np.mean(kept)))


def risk_coverage(judged: Sequence[Judged]) -> list[tuple[float, float]]:
    """Share of the cases that are kept, the surest first, and their mean 1 - Dice.

    Source: El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification, JMLR 11,
    2010.
    """
    risks = np.array([1 - each.dice for each in sorted(judged, key=lambda own: -own.confidence)])
    counts = np.arange(1, len(risks) + 1)
    means = np.cumsum(risks) / counts
    return [(float(n / len(risks)), float(mean)) for n, mean in zip(counts, means, strict=True)]


def area(judged: Sequence[Judged]) -> float:
    """Area under the risk-coverage curve: its mean; lower is better."""
    return float(np.mean([risk for _, risk in risk_coverage(judged)]))


def refer(judged: Sequence[Judged], share: float) -> tuple[float, dict[str, Any]]:
    """The confidence below which that share of the cases lies, and what was measured with it.

    Args:
        judged: Out-of-fold cases.
        share: From 0 to 1.

    Returns:
        The confidence; and, JSON-able, how many cases of each kind were wrong (mean Dice below
        `WRONG_BELOW`) with Wilson's 95 % intervals, and the area under the risk-coverage curve
        beside that of an order by chance and by Dice itself.
    """
    values = np.array([each.confidence for each in judged])
    limit = float(np.quantile(values, share, method="higher"))
    referred = [each for each in judged if each.confidence < limit]
    others = [each for each in judged if each.confidence >= limit]
    best = [Judged(each.id, each.dice, each.dice) for each in judged]
    return limit, {
        "wrong_below_dice": WRONG_BELOW,
        "referred": _wrong(referred),
        "others": _wrong(others),
        "area_under_risk_coverage": area(judged),
        "by_chance": float(np.mean([1 - each.dice for each in judged])),
        "by_dice_itself": area(best),
        "curve": risk_coverage(judged),
        "cases": {each.id: [each.confidence, each.dice] for each in judged},
    }


def _wrong(judged: Sequence[Judged]) -> dict[str, Any]:
    wrong = sum(each.dice < WRONG_BELOW for each in judged)
    if not judged:
        return {"n": 0, "wrong": 0, "share": None, "ci95": None}
    found = binomtest(wrong, len(judged)).proportion_ci(method="wilson")
    ends = [float(found.low), float(found.high)]
    return {"n": len(judged), "wrong": wrong, "share": wrong / len(judged), "ci95": ends}
