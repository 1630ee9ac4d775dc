"""Calibration: how often probabilities come true, and what makes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from inspire_med.imaging.masks import Regions
from inspire_med.inference.doubt import AS_SAID, COUNTS, Calibration
from inspire_med.tuning.example import Example

BINS = 1000
_MOST = 12.0  # logits beyond, 6e-6 from 0 or 1, count as this
_SLOPES = (0.1, 5.0)  # 1 / temperature
_EVEN = (-10.0, 10.0)  # bias / temperature
_LOGITS = ((np.arange(BINS) + 0.5) / BINS * 2 - 1) * _MOST  # of the bins' middles
_COUNTED = np.log(COUNTS) - np.log1p(-COUNTS) <= _LOGITS


@dataclass(frozen=True)
class Histogram:
    """Voxels by the logit of their probability, in `BINS` of one width.

    Args:
        inside: Those that belong to the region, `(BINS,)`.
        outside: Those that do not.
    """

    inside: NDArray[np.int64]
    outside: NDArray[np.int64]

    @classmethod
    def of(
        cls, reference: NDArray[np.bool_], probabilities: NDArray[np.float32], least: float = 0.0
    ) -> "Histogram":
        """Of one region of one case.

        Args:
            reference: Of any shape.
            probabilities: Of the same.
            least: What is stored as 0 may be as much as this: half a step of the file's numbers.
        """
        with np.errstate(divide="ignore"):
            held = np.clip(probabilities.ravel(), least, 1 - least).astype(np.float64)
            logits = np.log(held) - np.log1p(-held)
        shares = (np.clip(logits, -_MOST, _MOST) / _MOST + 1) / 2
        places = np.minimum((shares * BINS).astype(np.intp), BINS - 1)
        inside = np.bincount(places[reference.ravel()], minlength=BINS)
        return cls(inside, np.bincount(places, minlength=BINS) - inside)

    def __add__(self, other: "Histogram") -> "Histogram":
        return Histogram(self.inside + other.inside, self.outside + other.outside)


def histogram_of(regions: Regions, example: Example) -> Histogram:
    """Of all regions of a case together."""
    opened = example.open(regions)
    total = Histogram(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64))
    for region in regions:
        both = opened.references[region][opened.judged], opened.maps[region][opened.judged]
        total = total + Histogram.of(*both, opened.least)
    return total


def fit(histogram: Histogram) -> Calibration:
    """The temperature T and bias b of the least negative log-likelihood, voxels of 0.02 and more.

    Of the others, nearly all there are, a network that has not learnt for long is less sure than it
    might be; they alone would decide, and a lesion's voxels be the worse for it.

    NLL = -sum over voxels of log s(l') of those inside and log(1 - s(l')) of the others, with
    l' = (l - b) / T of their logits l (Platt, 1999; Guo et al., ICML 2017, section 4.2). It is
    convex in 1 / T and b / T. As it was said where all voxels are of one kind.
    """
    logits, inside, outside = (
        each[_COUNTED] for each in (_LOGITS, histogram.inside, histogram.outside)
    )
    if inside.sum() == 0 or outside.sum() == 0:
        return AS_SAID
    voxels = inside + outside

    def loss(given: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, even = given
        scaled = logits * slope - even
        costs = inside * np.logaddexp(0, -scaled) + outside * np.logaddexp(0, scaled)
        wrong = voxels * expit(scaled) - inside
        gradient = np.array([(wrong * logits).sum(), -wrong.sum()])
        return float(costs.sum() / voxels.sum()), gradient / voxels.sum()

    start, bounds = np.array([1.0, 0.0]), (_SLOPES, _EVEN)
    strict = {"ftol": 1e-14, "gtol": 1e-9}
    slope, even = minimize(loss, start, jac=True, bounds=bounds, options=strict).x
    return Calibration(float(1 / slope), float(even / slope))


@dataclass(frozen=True)
class Said:
    """Voxels, and what is done to their probabilities.

    Args:
        histogram: Of the voxels.
        calibration: What is said is calibrated by it.
    """

    histogram: Histogram
    calibration: Calibration = AS_SAID


def tried(histograms: Sequence[Histogram], groups: NDArray[np.int64]) -> list[Said]:
    """Each group of cases, calibrated by all others: what is to be expected of new cases.

    Args:
        histograms: Of each case.
        groups: `(cases,)`, two or more: which cases are left out together.
    """
    parts: list[Said] = []
    for group in np.unique(groups):
        own = [each for each, g in zip(histograms, groups, strict=True) if g == group]
        others = [each for each, g in zip(histograms, groups, strict=True) if g != group]
        parts.append(Said(total(own), fit(total(others))))
    return parts


def curve(parts: Sequence[Said], bins: int = 10) -> list[dict[str, float]]:
    """Mean probability and share that came true, in bins of one width; empty ones left out.

    Args:
        parts: Voxels, all of them together.
        bins: From 0 to 1.
    """
    return _points(parts, np.ones(BINS, bool), bins)


def expected_error(parts: Sequence[Said], bins: int = 10) -> float:
    """Expected calibration error: mean over voxels of how far a bin's share is from what it said.

    Of voxels that the network itself gave 0.02 and more, or background would make it nothing.

    Source: Guo et al., ICML 2017, section 3 (there of the likelier class).
    """
    points = _points(parts, _COUNTED, bins)
    apart = sum(each["voxels"] * abs(each["said"] - each["true"]) for each in points)
    return apart / (sum(each["voxels"] for each in points) or 1.0)


def _points(parts: Sequence[Said], counted: NDArray[np.bool_], bins: int) -> list[dict[str, float]]:
    count, inside, mass = np.zeros((3, bins))
    for part in parts:
        own = part.histogram.inside * counted
        voxels = own + part.histogram.outside * counted
        said = expit((_LOGITS - part.calibration.bias) / part.calibration.temperature)
        places = np.minimum((said * bins).astype(np.intp), bins - 1)
        count += np.bincount(places, voxels, minlength=bins)
        inside += np.bincount(places, own, minlength=bins)
        mass += np.bincount(places, voxels * said, minlength=bins)
    return [
        {
            "said": float(mass[b] / count[b]),
            "true": float(inside[b] / count[b]),
            "voxels": float(count[b]),
        }
        for b in np.flatnonzero(count)
    ]


def total(histograms: Sequence[Histogram]) -> Histogram:
    """Of all cases together."""
    first, *others = histograms
    return sum(others, first)
