"""`segmentation`: whole-region overlap, surface distance and volume, for any regions."""

import numpy as np

from inspire_med.evaluation.measures import overlap, surface
from inspire_med.evaluation.measures.words import MEASURES
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import RegionResult


def score_segmentation(pair: RegionPair) -> RegionResult:
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
    return RegionResult(scores)


def volume_difference_ml(counts: overlap.Counts, spacing_mm: tuple[float, ...]) -> float:
    """Predicted minus reference volume in millilitres; positive where too much was predicted."""
    return (counts.fp - counts.fn) * float(np.prod(spacing_mm)) / 1000


SEGMENTATION = MaskProtocol(
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
    measures=MEASURES,
    score=score_segmentation,
)
