"""Protocols: named sets of measures, each with the rules its numbers are made by."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation import overlap, surface


@dataclass(frozen=True)
class RegionPair:
    """One region of one case, cropped to where there is any foreground.

    Attributes:
        reference: Boolean `(*spatial)`.
        prediction: Likewise.
        spacing_mm: Voxel size along each axis.
        size: Voxels of the whole volume.
    """

    reference: NDArray[np.bool_]
    prediction: NDArray[np.bool_]
    spacing_mm: tuple[float, ...]
    size: int


@dataclass(frozen=True)
class Protocol:
    """How a region of a case is scored.

    Attributes:
        name: As on the command line.
        title: What it is, for the report.
        policy: The rules, a line each, printed with every score.
        score: From a region to its measures by name; NaN and infinite values are undefined.
    """

    name: str
    title: str
    policy: tuple[str, ...]
    score: Callable[[RegionPair], dict[str, float]]


def protocol(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        InputError: If there is none.
    """
    if name not in PROTOCOLS:
        guess = difflib.get_close_matches(name, PROTOCOLS, n=1)
        hint = f"did you mean {guess[0]}?" if guess else f"known: {', '.join(PROTOCOLS)}."
        raise InputError(f"option --protocol: unknown protocol {name!r}; {hint}")
    return PROTOCOLS[name]


def score_segmentation(pair: RegionPair) -> dict[str, float]:
    """The measures of the `segmentation` protocol; volume only where there is one."""
    counts = overlap.count(pair.reference, pair.prediction, pair.size)
    distances = surface.surface_distances(pair.reference, pair.prediction, pair.spacing_mm)
    scores = {
        "dice": overlap.dice(counts),
        "iou": overlap.iou(counts),
        "precision": overlap.precision(counts),
        "recall": overlap.recall(counts),
        "specificity": overlap.specificity(counts),
        "hd95_mm": surface.hausdorff_mm(distances, 95.0),
        "assd_mm": surface.assd_mm(pair.reference, pair.prediction, pair.spacing_mm),
        "nsd@1mm": surface.nsd(distances, 1.0),
        "nsd@2mm": surface.nsd(distances, 2.0),
    }
    if len(pair.spacing_mm) == 3:
        scores["volume_difference_ml"] = volume_difference_ml(counts, pair.spacing_mm)
    return scores


def volume_difference_ml(counts: overlap.Counts, spacing_mm: tuple[float, ...]) -> float:
    """Predicted minus reference volume in millilitres; positive where too much was predicted."""
    return (counts.fp - counts.fn) * float(np.prod(spacing_mm)) / 1000


SEGMENTATION = Protocol(
    name="segmentation",
    title="Whole-region overlap, surface distance and volume",
    policy=(
        "dice, iou, precision, recall: both masks empty 1, one empty 0",
        "specificity: over the whole volume; undefined where the reference leaves no background",
        "hd95_mm: surface elements weighted by area, larger of the two directed 95 % distances, "
        "not interpolated; both empty 0, one empty infinite, counted as undefined",
        "assd_mm: mean over the border voxels of both masks together; both empty 0, one empty "
        "infinite, counted as undefined",
        "nsd@1mm, nsd@2mm: share of the surface area within (<=) 1 and 2 mm of the other surface; "
        "both empty 1, one empty 0",
        "volume_difference_ml: prediction minus reference, signed; not given for flat images",
        "distances use the reference's voxel spacing in mm; images (PNG, JPEG) have none: "
        "there a pixel counts as 1 mm, so read mm as px",
        "undefined values are left out of mean, median, sd and interval, and counted in "
        "n_undefined: a missed region leaves hd95 and assd, so read them beside dice",
        "ci95: percentile bootstrap of the mean over cases, 2000 resamples, fixed seed",
    ),
    score=score_segmentation,
)

PROTOCOLS: dict[str, Protocol] = {each.name: each for each in (SEGMENTATION,)}
