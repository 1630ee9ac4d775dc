"""`coco`: average precision and recall of detections over a whole data set, by pycocotools."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.average_precision import (
    TITLES,
    Kind,
    Reference,
    average_precision,
    without_pixels,
)
from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.protocols.kinds import SetProtocol
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.imaging.coco import Entry, read_annotations, read_detections

CASE = "data set"
ALL = "all"  # the region of all categories together


def score_coco(reference: Path, prediction: Path) -> CaseScores:
    """Score detections against a reference, both files of COCO's format.

    Args:
        reference: Images, categories and annotations.
        prediction: A list of detections with boxes, masks or both.

    Returns:
        One case, with the region `all` and one for each category, by rising category id. Box
        measures always, those of masks where detections and annotations have them.

    Raises:
        InputError: If a file is not what it should be, or pycocotools is not installed.
    """
    _require_pycocotools()
    annotated = read_annotations(reference)
    detections = read_detections(prediction, annotated)
    if ALL in [entry["name"] for entry in annotated["categories"]]:
        raise InputError(f"{reference}: a category is called {ALL!r}; give it another name.")
    kinds: list[Kind] = ["box"]
    notes: list[str] = []
    if "segmentation" in detections[0]:
        annotations = annotated["annotations"]
        bare = sum(not entry.get("segmentation") for entry in annotations)
        if bare:
            notes.append(
                f"{reference.name}: {bare} annotations have no mask, so boxes alone are scored."
            )
        else:
            kinds.append("mask")
            numbers = [f"annotation {entry['id']}" for entry in annotations]
            notes += _empty_masks(reference.name, annotated, annotations, numbers)
            numbers = [f"[{place}]" for place in range(len(detections))]
            notes += _empty_masks(prediction.name, annotated, detections, numbers)
    regions: dict[str, dict[str, float]] = {}
    for kind in kinds:
        whole, categories = average_precision(annotated, detections, kind)
        for name, values in {ALL: whole, **categories}.items():
            measures = {f"{kind}_{measure}": value for measure, value in values.items()}
            regions.setdefault(name, {}).update(measures)
    results = {name: RegionResult(measures) for name, measures in regions.items()}
    return CaseScores(CASE, results, tuple(notes))


def _require_pycocotools() -> None:
    if find_spec("pycocotools") is None:
        raise InputError(
            "protocol coco: the package pycocotools is missing; install it with "
            'pip install "inspire-med[coco]".'
        )


def _empty_masks(
    file: str, reference: Reference, entries: Sequence[Entry], names: Sequence[str]
) -> list[str]:
    """A note of the masks that cover no pixel: they overlap with nothing."""
    empty = without_pixels(reference, entries)
    if not empty:
        return []
    return [
        f"{file}: {len(empty)} of {len(entries)} masks cover no pixel ({names[empty[0]]} is the "
        "first), and count as missed or as false alarms."
    ]


COCO_DETECTION = SetProtocol(
    name="coco",
    title="COCO detection: average precision and recall by pycocotools",
    policy=(
        "the whole set is one case; region all is the mean over categories that have something to "
        "find, then each category by its name",
        "box_: overlap of boxes, mask_: of masks, given where all detections and annotations have "
        "masks; a detection without a box has the one around its mask",
        "box_ap, mask_ap: mean precision at 101 recall levels, mean over overlaps (IoU) of at "
        "least 0.50, 0.55 ... 0.95, with the 100 surest detections of a category in an image",
        "box_ap50, mask_ap50, box_ap75, mask_ap75: the same at the one overlap 0.50 or 0.75",
        "box_ar1, mask_ar1, box_ar10, mask_ar10, box_ar100, mask_ar100: recall with the 1, "
        "10 or 100 surest detections of a category in an image, mean over the same overlaps",
        "box_ap_small, mask_ap_small, box_ar_small, mask_ar_small: objects of at most 32 x 32 px; "
        "box_ap_medium, mask_ap_medium, box_ar_medium, mask_ar_medium: from there to 96 x 96 px; "
        "box_ap_large, mask_ap_large, box_ar_large, mask_ar_large: above; by the area annotated",
        "crowd annotations count neither as found nor as missed, nor do detections upon them",
        "undefined where a category or size has no annotation, and left out of means; an image "
        "without detections counts its objects as missed",
    ),
    measures={
        f"{kind}_{name}": Measure(f"{kind.capitalize()} {title}", "", "high")
        for kind in ("box", "mask")
        for name, title in TITLES.items()
    },
    ranked_by=(),
    score=score_coco,
)
