"""Referral: which cases a person should look at, and how often those and the others are wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from inspire_med.evaluation.measures import overlap
from inspire_med.imaging.masks import Regions
from inspire_med.inference.doubt import Calibration, confidence
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.tuning.example import Example, read_back

WRONG_BELOW = 0.7  # Dice


@dataclass(frozen=True)
class Outcome:
    """One case.

    Args:
        id: Of the case.
        confidence: What the network says of its masks, mean over regions.
        dice: What they are, mean over regions; both masks empty 1.
    """

    id: str
    confidence: float
    dice: float

    @property
    def is_wrong(self) -> bool:
        """Whether somebody would have wished to look at it."""
        return self.dice < WRONG_BELOW


@dataclass(frozen=True)
class Wrong:
    """How many of some cases were wrong.

    Args:
        n: Cases.
        wrong: Those whose Dice is below `WRONG_BELOW`.
    """

    n: int
    wrong: int

    @classmethod
    def among(cls, outcomes: Sequence[Outcome]) -> "Wrong":
        """Count them."""
        return cls(len(outcomes), sum(each.is_wrong for each in outcomes))

    @property
    def ci95(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of their share; None of no cases."""
        if self.n == 0:
            return None
        found = binomtest(self.wrong, self.n).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    def to_json(self) -> dict[str, Any]:
        """All that is known, JSON-able."""
        share = self.wrong / self.n if self.n else None
        return {"n": self.n, "wrong": self.wrong, "share": share, "ci95": self.ci95}


@dataclass(frozen=True)
class Referral:
    """Who should look at what, and what that was worth.

    Args:
        limit: The confidence below which a person should look.
        outcomes: All cases.
        below: Of each case, whether it lies below the limit of the other folds, which was not
            chosen on it.
    """

    limit: float
    outcomes: tuple[Outcome, ...]
    below: tuple[bool, ...]

    @property
    def referred(self) -> Wrong:
        """Those below."""
        return Wrong.among([each for each, b in zip(self.outcomes, self.below, strict=True) if b])

    @property
    def others(self) -> Wrong:
        """All others."""
        return Wrong.among(
            [each for each, b in zip(self.outcomes, self.below, strict=True) if not b]
        )

    @property
    def by_dice(self) -> list[Outcome]:
        """The cases, were confidence Dice itself: no order is better."""
        return [Outcome(each.id, each.dice, each.dice) for each in self.outcomes]

    @property
    def areas(self) -> dict[str, float]:
        """Under the risk-coverage curve, by confidence, by chance (mean of all orders), by Dice."""
        return {
            "by_confidence": area(self.outcomes),
            "by_chance": float(np.mean([1 - each.dice for each in self.outcomes])),
            "by_dice": area(self.by_dice),
        }

    def to_json(self) -> dict[str, Any]:
        """All that is known, JSON-able."""
        return {
            "wrong_below_dice": WRONG_BELOW,
            "referred": self.referred.to_json(),
            "others": self.others.to_json(),
            "area_under_risk_coverage": self.areas,
            "curve": risk_coverage(self.outcomes),
            "cases": {each.id: [each.confidence, each.dice] for each in self.outcomes},
        }


def outcome_of(
    regions: Regions, rules: Postprocessing, calibration: Calibration, example: Example
) -> Outcome:
    """Hold a case's confidence against its Dice, with the masks that predict would write."""
    opened = example.open(regions)
    masks = read_back([opened.mask(name, rules.of(name)) for name in regions], regions)
    promised: list[float] = []
    kept: list[float] = []
    for region, mask in zip(regions, masks, strict=True):
        promised.append(confidence(opened.maps[region], mask, calibration, opened.least))
        kept.append(overlap.dice(overlap.count(opened.references[region], mask & opened.judged)))
    return Outcome(example.id, float(np.mean(promised)), float(np.mean(kept)))


def risk_coverage(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Share of the cases that are kept, the surest first, and their mean 1 - Dice.

    Of cases as sure as each other the order is not known: each counts with their mean.

    Source: El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification, JMLR 11,
    2010.
    """
    values = np.array([each.confidence for each in outcomes])
    _, places, counts = np.unique(-values, return_inverse=True, return_counts=True)
    means = np.bincount(places, [1 - each.dice for each in outcomes]) / counts
    risks = np.repeat(means, counts)
    kept = np.arange(1, len(risks) + 1)
    running = np.cumsum(risks) / kept
    return [(float(n / len(risks)), float(mean)) for n, mean in zip(kept, running, strict=True)]


def area(outcomes: Sequence[Outcome]) -> float:
    """Area under the risk-coverage curve: its mean; lower is better."""
    return float(np.mean([risk for _, risk in risk_coverage(outcomes)]))


def refer(outcomes: Sequence[Outcome], groups: NDArray[np.int64], share: float) -> Referral:
    """Find the confidence below which that share of the cases lies, and try it.

    Each group of cases is parted by the limit of all others, so that what is counted holds for new
    cases; the limit that is kept is that of all together.

    Args:
        outcomes: Out-of-fold cases, at least two.
        groups: `(cases,)`, two or more: which cases are left out together.
        share: Of the cases that lie below, from 0 to 1.
    """
    values = np.array([each.confidence for each in outcomes])
    below = np.zeros(len(values), bool)
    for group in np.unique(groups):
        own = groups == group
        below[own] = values[own] < _limit(values[~own], share)
    return Referral(_limit(values, share), tuple(outcomes), tuple(below.tolist()))


def _limit(values: NDArray[np.float64], share: float) -> float:
    return float(np.quantile(values, share, method="higher"))
