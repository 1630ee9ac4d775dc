"""`segmentation`: whole-region overlap, surface distance and volume, for any regions.

One set of measures under three conventions of surface distance: surface elements weighted by area
(the default), and border voxels as MONAI and as MedPy count them.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from inspire_med.evaluation.measures import conventions, overlap, surface
from inspire_med.evaluation.measures.words import MEASURES
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import RegionResult

_DISTANCES = ("hd95_mm", "assd_mm", "nsd@1mm", "nsd@2mm")

Distances = Callable[[RegionPair], dict[str, float]]


def score_region(distances: Distances, pair: RegionPair) -> RegionResult:
    """Overlap, surface distances by a convention, and volume where there is one."""
    counts = overlap.count(pair.reference, pair.prediction, pair.size)
    scores = {
        "dice": overlap.dice(counts),
        "iou": overlap.iou(counts),
        "precision": overlap.precision(counts),
        "recall": overlap.recall(counts),
        "specificity": overlap.specificity(counts),
        **distances(pair),
    }
    if len(pair.spacing_mm) == 3:
        scores["volume_difference_ml"] = volume_difference_ml(counts, pair.spacing_mm)
    return RegionResult(scores)


def surfel_max(pair: RegionPair) -> dict[str, float]:
    """Surface elements weighted by area, the larger direction; the mean over border voxels."""
    elements = surface.surface_distances(pair.reference, pair.prediction, pair.spacing_mm)
    border = surface.border_distances(pair.reference, pair.prediction, pair.spacing_mm)
    return {
        "hd95_mm": surface.hausdorff_mm(elements, 95.0),
        "assd_mm": surface.mean_mm(border),
        "nsd@1mm": surface.nsd(elements, 1.0),
        "nsd@2mm": surface.nsd(elements, 2.0),
    }


def border_max(pair: RegionPair) -> dict[str, float]:
    """Border voxels, the larger direction, as MONAI has it."""
    border = surface.border_distances(pair.reference, pair.prediction, pair.spacing_mm)
    if all(border.empty):
        return dict.fromkeys(_DISTANCES, float("nan"))
    return {
        "hd95_mm": conventions.larger_percentile_mm(border, 95.0),
        "assd_mm": surface.mean_mm(border),
        "nsd@1mm": surface.nsd(border, 1.0),
        "nsd@2mm": surface.nsd(border, 2.0),
    }


def border_union(pair: RegionPair) -> dict[str, float]:
    """Border voxels, both directions in one list, as MedPy has it; NSD as nnU-Net has it."""
    border = surface.border_distances(pair.reference, pair.prediction, pair.spacing_mm)
    if any(border.empty):
        return dict.fromkeys(_DISTANCES, float("nan"))
    return {
        "hd95_mm": conventions.joint_percentile_mm(border, 95.0),
        "assd_mm": surface.mean_mm(border),
        "nsd@1mm": conventions.nsd_by_direction(border, 1.0),
        "nsd@2mm": conventions.nsd_by_direction(border, 2.0),
    }


def volume_difference_ml(counts: overlap.Counts, spacing_mm: tuple[float, ...]) -> float:
    """Predicted minus reference volume in millilitres; positive where too much was predicted."""
    return (counts.fp - counts.fn) * float(np.prod(spacing_mm)) / 1000


def _protocol(name: str, title: str, distances: Distances, rules: tuple[str, ...]) -> MaskProtocol:
    """The protocol of one convention."""
    return MaskProtocol(
        name=name,
        title=title,
        policy=(
            "dice, iou, precision, recall: both masks empty 1, one empty 0",
            "specificity: over the whole volume; undefined where the reference leaves no "
            "background",
            *rules,
            "volume_difference_ml: prediction minus reference, signed; not given for flat images",
            "distances use the reference's voxel spacing in mm; images (PNG, JPEG) have none: "
            "there a pixel counts as 1 mm, so read mm as px",
            "a missed region leaves hd95 and assd undefined: read them beside dice",
        ),
        measures=MEASURES,
        ranked_by=("dice", "hd95_mm"),
        score=partial(score_region, distances),
    )


SEGMENTATION = _protocol(
    "segmentation",
    "Whole-region overlap, surface distance and volume",
    surfel_max,
    (
        "hd95_mm: surface elements weighted by area, larger of the two directed 95 % distances, "
        "not interpolated; both empty 0, one empty infinite, counted as undefined",
        "assd_mm: mean over the border voxels of both masks together; both empty 0, one empty "
        "infinite, counted as undefined",
        "nsd@1mm, nsd@2mm: share of the surface area within (<=) 1 and 2 mm of the other surface; "
        "both empty 1, one empty 0",
    ),
)

SEGMENTATION_BORDER_MAX = _protocol(
    "segmentation-border-max",
    "Whole-region measures, surface distances as MONAI has them",
    border_max,
    (
        "hd95_mm: border voxels (6 face neighbours, 4 in 2-D), larger of the two directed 95 % "
        "quantiles, interpolated; undefined where a mask is empty",
        "assd_mm: mean over the border voxels of both masks together; both empty undefined, one "
        "empty infinite, counted as undefined",
        "nsd@1mm, nsd@2mm: share of the border voxels of both masks within (<=) 1 and 2 mm of the "
        "other's; both empty undefined, one empty 0",
    ),
)

SEGMENTATION_BORDER_UNION = _protocol(
    "segmentation-border-union",
    "Whole-region measures, surface distances as MedPy and nnU-Net have them",
    border_union,
    (
        "hd95_mm: border voxels (6 face neighbours, 4 in 2-D), 95 % quantile of both directions "
        "in one list, interpolated; undefined where a mask is empty",
        "assd_mm: mean over the same list; undefined where a mask is empty",
        "nsd@1mm, nsd@2mm: mean of the two masks' shares of border voxels within (<=) 1 and 2 mm "
        "of the other's, each mask counting half; undefined where a mask is empty",
    ),
)
