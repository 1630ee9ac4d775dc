"""Doubt: how sure networks are of what they found: of a voxel, of a lesion, of a case."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import ValidationError, convert
from numpy.typing import NDArray
from scipy.special import expit

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.lesions import components
from inspire_med.files import read_json
from inspire_med.inference.postprocess import Postprocessing, RegionRules

FILE = "doubt.json"  # in the folder of a cross-validation
# Probabilities are held between this and 1 less this, so that logits are finite: where they are
# fine, and half a step of those that a picture's map has.
FINE, EIGHT_BITS = 1e-6, 1 / 510
COUNTS = 0.02  # below, background: a million of its voxels would outweigh a lesion


@dataclass(frozen=True)
class Calibration:
    """What makes probabilities come true: of a logit l, (l - bias) / temperature.

    Source: Platt, Probabilistic Outputs for Support Vector Machines, 1999; Guo et al., On
    Calibration of Modern Neural Networks, ICML 2017, section 4.2, for networks and temperatures.

    Args:
        temperature: Above 1 where the network is too sure of itself, either way.
        bias: Above 0 where it says too much at every level: the logit that is an even chance.
    """

    temperature: float = 1.0
    bias: float = 0.0


AS_SAID = Calibration()


@dataclass(frozen=True)
class Doubt:
    """What out-of-fold predictions tell of a model's probabilities.

    Args:
        temperature: Of `Calibration`.
        bias: Of `Calibration`; files of before it was fitted have none.
        refer_below: A person should look at cases whose confidence is lower; None is not known.
        rules: What was done to the masks of which that was found, by region.
        measured: How often such a case was wrong, and another: for people.
    """

    temperature: float = 1.0
    bias: float = 0.0
    refer_below: float | None = None
    rules: Mapping[str, RegionRules] = field(default_factory=dict[str, RegionRules])
    measured: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def calibration(self) -> Calibration:
        """What makes the probabilities come true."""
        return Calibration(self.temperature, self.bias)

    def limit_under(self, rules: Postprocessing) -> float | None:
        """`refer_below`, if it was found for masks that are made by the same rules."""
        names = {*self.rules, *rules.regions}
        same = all(self.rules.get(name, RegionRules()) == rules.of(name) for name in names)
        return self.refer_below if same else None

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return {"format": 2, **asdict(self)}


@dataclass(frozen=True)
class _Wrong:
    """How many of some cases were wrong."""

    n: int
    wrong: int
    ci95: tuple[float, float] | None


@dataclass(frozen=True)
class _Shown:
    """What of `measured` predict's page shows."""

    wrong_below_dice: float
    referred: _Wrong
    others: _Wrong


def read_doubt(file: Path) -> Doubt:
    """Read what `to_json` gave.

    Raises:
        InputError: If it is no such file.
    """
    content = read_json(file)
    try:
        if content.pop("format") != 2:
            raise ValidationError("it is of another version")
        read = convert(content, Doubt)
        if not read.temperature > 0 or not isfinite(read.temperature + read.bias):
            raise ValidationError("temperature is not above zero, or no number")
        if read.measured:
            convert(read.measured, _Shown)
    except (ValidationError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{file}: not what tune writes ({error}); run tune again.") from None
    return read


def in_eight_bits(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """As a picture's map says them, by which tune found how sure to be."""
    return np.rint(probabilities * 255).astype(np.float32) / np.float32(255)


def calibrated(
    probabilities: NDArray[np.float32], calibration: Calibration, least: float = FINE
) -> NDArray[np.float32]:
    """Probabilities as often as they come true.

    Args:
        probabilities: Of any shape.
        calibration: What makes them so.
        least: What is nearer to 1 counts as this near, and what is nearer to 0 without being it.
    """
    if calibration == AS_SAID:
        return probabilities
    held = np.clip(probabilities, np.float32(least), np.float32(1 - least))
    logits = np.log(held / (1 - held)) - np.float32(calibration.bias)
    # Where there is nothing at all, there is nothing at any temperature.
    return np.where(probabilities > 0, expit(logits / np.float32(calibration.temperature)), 0)


def entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Doubt in bits, 0 to 1: H(p) = -p log2 p - (1 - p) log2 (1 - p)."""
    p = np.clip(probabilities, FINE, 1 - FINE)
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


def confidence(
    probabilities: NDArray[np.float32],
    mask: NDArray[np.bool_],
    calibration: Calibration = AS_SAID,
    least: float = FINE,
) -> float:
    """The Dice that a region's probabilities promise its mask, 0 to 1.

    2 sum of p in the mask / (sum of p + voxels of the mask): what Dice would be, on average, were
    each voxel a lesion as often as p says. Of an empty mask it is the least sure voxel's 1 - p.

    Args:
        probabilities: `(*spatial)`; those that are background as the network says do not
            count, or a high temperature would make a lesion of their million.
        mask: `(*spatial)`.
        calibration: As `calibrated` takes it.
        least: As `calibrated` takes it.
    """
    count = int(mask.sum())
    if count == 0:
        highest = probabilities.max(initial=0, keepdims=True)
        return float(1 - calibrated(highest, calibration, least).item())
    inside = total = 0.0
    for plane, own in zip(probabilities, mask, strict=True):  # in pieces, for the sake of memory
        counted = own | (plane >= COUNTS)
        held = calibrated(plane[counted], calibration, least).astype(np.float64)
        inside, total = inside + held[own[counted]].sum(), total + held.sum()
    return float(2 * inside / (total + count))


@dataclass(frozen=True)
class LesionDoubt:
    """A connected part of a mask.

    Args:
        centre: Its mean index along each axis.
        size: In ml, or per cent of the picture.
        confidence: Mean probability of its voxels.
    """

    centre: tuple[float, ...]
    size: float
    confidence: float


def doubt_of_lesions(
    probabilities: NDArray[np.float32], mask: NDArray[np.bool_], voxel: float
) -> Iterator[LesionDoubt]:
    """Each connected part of a region's mask, and how sure the network is of it.

    Args:
        probabilities: `(*spatial)`.
        mask: `(*spatial)`.
        voxel: Size of a voxel in ml, of a pixel in per cent of the picture.
    """
    parts = components(mask)
    if len(parts) == 0:
        return
    held = probabilities.ravel()[parts.places].astype(np.float64)
    means = np.add.reduceat(held, parts.starts[:-1]) / parts.sizes
    for centre, size, mean in zip(parts.centres.T, parts.sizes, means, strict=True):
        yield LesionDoubt(tuple(map(float, centre)), float(size * voxel), float(mean))
