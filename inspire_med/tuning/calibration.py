"""Calibration: how often probabilities come true, and the temperature that makes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from inspire_med.imaging.masks import Regions
from inspire_med.inference.doubt import COUNTS
from inspire_med.tuning.example import Example

BINS = 1000
_MOST = 12.0  # logits beyond, 6e-6 from 0 or 1, count as this
_RANGE = (0.2, 10.0)  # of temperatures
_LOGITS = ((np.arange(BINS) + 0.5) / BINS * 2 - 1) * _MOST  # of the bins' middles


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


def fit_temperature(histogram: Histogram) -> float:
    """The temperature of the least negative log-likelihood over voxels of 0.02 and more.

    Of the others, nearly all there are, a network that has not learnt for long is less sure than it
    might be; they alone would decide, and a lesion's voxels be the worse for it.

    NLL(T) = -sum over voxels of log s(l / T) of those inside and log(1 - s(l / T)) of the others,
    with their logits l (Guo et al., ICML 2017, section 4.2). 1 where all voxels are of one kind.
    """
    counted = np.log(COUNTS) - np.log1p(-COUNTS) <= _LOGITS
    logits, inside, outside = (
        _LOGITS[counted],
        histogram.inside[counted],
        histogram.outside[counted],
    )
    if inside.sum() == 0 or outside.sum() == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float((inside * np.logaddexp(0, -scaled) + outside * np.logaddexp(0, scaled)).sum())

    found = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    return float(np.exp(found.x))


def curve(histogram: Histogram, temperature: float = 1.0, bins: int = 10) -> list[dict[str, float]]:
    """Mean probability and share that came true, in bins of one width; empty ones left out.

    Args:
        histogram: Of voxels.
        temperature: What is said is tempered by it first.
        bins: From 0 to 1.
    """
    said = 1 / (1 + np.exp(-_LOGITS / temperature))
    places = np.minimum((said * bins).astype(np.intp), bins - 1)
    voxels = histogram.inside + histogram.outside
    count, inside, mass = (
        np.bincount(places, weights, minlength=bins)
        for weights in (voxels, histogram.inside, voxels * said)
    )
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
