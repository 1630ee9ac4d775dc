"""`segmentation`: whole-region overlap, surface distance and volume, for any regions.

One set of measures under three conventions of surface distance: surface elements weighted by area
(the default), and border voxels as MONAI and as MedPy count them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from inspire_med.evaluation.measures import overlap, surface
from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols.kinds import MaskProtocol, RegionPair
from inspire_med.evaluation.result import RegionResult

TOLERANCES_MM = (1.0, 2.0)

Scores = dict[str, float]


@dataclass(frozen=True)
class Convention:
    """Where the surface lies, what its pieces weigh, how directions are joined.

    Attributes:
        title: The protocol's title.
        distances: From a region and NSD's tolerances in mm to `hd95_mm`, `assd_mm` and NSD.
        policy: How it makes HD95 and ASSD, a line each.
        nsd: How it makes NSD.
    """

    title: str
    distances: Callable[[RegionPair, Sequence[float]], Scores]
    policy: tuple[str, ...]
    nsd: str


def score_region(
    convention: Convention, tolerances_mm: Sequence[float], pair: RegionPair
) -> RegionResult:
    """Overlap, surface distances by a convention, and volume where there is one."""
    counts = overlap.count(pair.reference, pair.prediction, pair.size)
    scores = {
        "dice": overlap.dice(counts),
        "iou": overlap.iou(counts),
        "precision": overlap.precision(counts),
        "recall": overlap.recall(counts),
        "specificity": overlap.specificity(counts),
        **convention.distances(pair, tolerances_mm),
    }
    if len(pair.spacing_mm) == 3:
        scores["volume_difference_ml"] = volume_difference_ml(counts, pair.spacing_mm)
    return RegionResult(scores)


def surfel_max(pair: RegionPair, tolerances_mm: Sequence[float]) -> Scores:
    """Surface elements weighted by area, the larger direction; the mean over border voxels."""
    elements = surface.surface_distances(pair.reference, pair.prediction, pair.spacing_mm)
    border = surface.border_distances(pair.reference, pair.prediction, pair.spacing_mm)
    return {
        "hd95_mm": surface.hausdorff_mm(elements, 95.0),
        "assd_mm": surface.mean_mm(border),
        **{nsd_name(each): surface.nsd(elements, each) for each in tolerances_mm},
    }


@dataclass(frozen=True)
class OnBorders:
    """Distances between border voxels, each counting 1.

    Attributes:
        undefined: `all` or `any`: of how many empty masks there are no distances.
        percentile_mm: How the two directions make HD95.
        nsd: How they make NSD.
    """

    undefined: Callable[[Iterable[bool]], bool]
    percentile_mm: Callable[[surface.SurfaceDistances, float], float]
    nsd: Callable[[surface.SurfaceDistances, float], float]

    def __call__(self, pair: RegionPair, tolerances_mm: Sequence[float]) -> Scores:
        """The distances of a region."""
        border = surface.border_distances(pair.reference, pair.prediction, pair.spacing_mm)
        if self.undefined(border.empty):
            names = ["hd95_mm", "assd_mm", *map(nsd_name, tolerances_mm)]
            return dict.fromkeys(names, float("nan"))
        return {
            "hd95_mm": self.percentile_mm(border, 95.0),
            "assd_mm": surface.mean_mm(border),
            **{nsd_name(each): self.nsd(border, each) for each in tolerances_mm},
        }


def nsd_name(tolerance_mm: float) -> str:
    """The csv name of NSD at a tolerance."""
    return f"nsd@{tolerance_mm:g}mm"


def volume_difference_ml(counts: overlap.Counts, spacing_mm: tuple[float, ...]) -> float:
    """Predicted minus reference volume in millilitres; positive where too much was predicted."""
    return (counts.fp - counts.fn) * float(np.prod(spacing_mm)) / 1000


CONVENTIONS = {
    "segmentation": Convention(
        title="Whole-region overlap, surface distance and volume",
        distances=surfel_max,
        policy=(
            "hd95_mm: surface elements weighted by area, larger of the two directed 95 % "
            "distances, not interpolated; both empty 0, one empty infinite, counted as undefined",
            "assd_mm: mean over the border voxels of both masks together; both empty 0, one empty "
            "infinite, counted as undefined",
        ),
        nsd="share of the surface area within (<=) so many mm of the other surface; both empty 1, "
        "one empty 0",
    ),
    "segmentation-border-max": Convention(
        title="Whole-region measures, surface distances as MONAI has them",
        distances=OnBorders(all, surface.larger_percentile_mm, surface.nsd),
        policy=(
            "hd95_mm: border voxels (6 face neighbours, 4 in 2-D), larger of the two directed 95 % "
            "quantiles, interpolated; undefined where a mask is empty",
            "assd_mm: mean over the border voxels of both masks together; both empty undefined, "
            "one empty infinite, counted as undefined",
        ),
        nsd="share of the border voxels of both masks within (<=) so many mm of the other's; both "
        "empty undefined, one empty 0",
    ),
    "segmentation-border-union": Convention(
        title="Whole-region measures, surface distances as MedPy and nnU-Net have them",
        distances=OnBorders(any, surface.joint_percentile_mm, surface.nsd_by_direction),
        policy=(
            "hd95_mm: border voxels (6 face neighbours, 4 in 2-D), 95 % quantile of both "
            "directions in one list, interpolated; undefined where a mask is empty",
            "assd_mm: mean over the same list; undefined where a mask is empty",
        ),
        nsd="mean of the two masks' shares of border voxels within (<=) so many mm of the other's, "
        "each mask counting half; undefined where a mask is empty",
    ),
}


def segmentation(name: str, tolerances_mm: Sequence[float] = TOLERANCES_MM) -> MaskProtocol:
    """The protocol of one convention.

    Args:
        name: One of `CONVENTIONS`.
        tolerances_mm: Of NSD; others than the usual ones are added to the protocol's name.
    """
    convention = CONVENTIONS[name]
    usual = tuple(tolerances_mm) == TOLERANCES_MM
    listed = ",".join(f"{each:g}" for each in tolerances_mm)
    names = [nsd_name(each) for each in tolerances_mm]
    before = ("dice", "iou", "precision", "recall", "specificity", "hd95_mm", "assd_mm")
    after = {"volume_difference_ml": MEASURES["volume_difference_ml"]}
    nsd = {nsd_name(each): Measure(f"NSD @ {each:g} mm", "", "high") for each in tolerances_mm}
    return MaskProtocol(
        name=name if usual else f"{name}@{listed}",
        title=convention.title,
        policy=(
            "dice, iou, precision, recall: both masks empty 1, one empty 0",
            "specificity: over the whole volume; undefined where the reference leaves no "
            "background",
            *convention.policy,
            f"{', '.join(names)}: {convention.nsd}",
            "volume_difference_ml: prediction minus reference, signed; not given for flat images",
            "distances use the reference's voxel spacing in mm; images (PNG, JPEG) have none: "
            "there a pixel counts as 1 mm, so read mm as px",
            "a missed region leaves hd95 and assd undefined: read them beside dice",
        ),
        measures={**{key: MEASURES[key] for key in before}, **nsd, **after},
        ranked_by=("dice", "hd95_mm"),
        score=partial(score_region, convention, tuple(tolerances_mm)),
    )


SEGMENTATION, SEGMENTATION_BORDER_MAX, SEGMENTATION_BORDER_UNION = map(segmentation, CONVENTIONS)
