"""`coco`: average precision and recall of detections over a whole data set, by pycocotools."""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.protocols.kinds import SetProtocol
from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.imaging.coco import Entry, read_annotations, read_detections

CASE = "data set"
ALL = "all"  # the region of all categories together

Kind = Literal["box", "mask"]
Reference = Mapping[str, Sequence[Entry]]
Evaluation = Mapping[str, NDArray[np.float64]]  # of pycocotools: tables of precision and recall

_TITLES = {
    "ap": "AP",
    "ap50": "AP 50",
    "ap75": "AP 75",
    "ap_small": "AP small",
    "ap_medium": "AP medium",
    "ap_large": "AP large",
    "ar1": "AR 1",
    "ar10": "AR 10",
    "ar100": "AR 100",
    "ar_small": "AR small",
    "ar_medium": "AR medium",
    "ar_large": "AR large",
}


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
    names = {entry["id"]: str(entry["name"]) for entry in annotated["categories"]}
    if ALL in names.values():
        raise InputError(f"{reference}: a category is called {ALL!r}; give it another name.")
    kinds: list[Kind] = ["box"]
    note = ""
    if "segmentation" in detections[0]:
        bare = sum(not entry.get("segmentation") for entry in annotated["annotations"])
        if bare:
            note = f"{reference.name}: {bare} annotations have no mask, so boxes alone are scored."
        else:
            kinds.append("mask")
    tables = {kind: _evaluated(annotated, detections, kind) for kind in kinds}
    places = {ALL: slice(None)}
    places |= {names[each]: slice(place, place + 1) for place, each in enumerate(sorted(names))}
    regions = {
        name: RegionResult(
            {
                f"{kind}_{measure}": value
                for kind, table in tables.items()
                for measure, value in _measures(table, place).items()
            }
        )
        for name, place in places.items()
    }
    return CaseScores(CASE, regions, (note,) if note else ())


def _require_pycocotools() -> None:
    if find_spec("pycocotools") is None:
        raise InputError(
            "protocol coco: the package pycocotools is missing; install it with "
            'pip install "inspire-med[coco]".'
        )


def _evaluated(annotated: Reference, detections: Sequence[Entry], kind: Kind) -> Evaluation:
    """The tables of pycocotools, which prints its progress and writes into what it is given."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with redirect_stdout(io.StringIO()):
        reference: Any = COCO()
        # Numbered from 1: pycocotools takes an annotation with id 0, once found, for not found.
        annotations = [
            {**each, "id": at} for at, each in enumerate(annotated["annotations"], start=1)
        ]
        reference.dataset = {**annotated, "annotations": annotations}
        reference.createIndex()
        shape = _box if kind == "box" else _mask
        found = reference.loadRes(
            [
                {key: each[key] for key in ("image_id", "category_id", "score")}
                | shape(reference, each)
                for each in detections
            ]
        )
        evaluation: Any = COCOeval(reference, found, "bbox" if kind == "box" else "segm")
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval


def _box(reference: Any, detection: Entry) -> Entry:
    """A detection's box; where it has none, the one around its mask."""
    from pycocotools import mask

    if "bbox" in detection:
        return {"bbox": detection["bbox"]}
    return {"bbox": mask.toBbox(reference.annToRLE(detection)).tolist()}


def _mask(reference: Any, detection: Entry) -> Entry:
    """A detection's mask, without its box: with one pycocotools sorts it by the box's area."""
    return {"segmentation": reference.annToRLE(detection)}


def _measures(evaluation: Evaluation, categories: slice) -> dict[str, float]:
    """The twelve numbers of COCO's summary, for all categories or some.

    Tables of precision go by overlap threshold, recall level, category, area and most detections
    an image; those of recall lack the level.
    """
    precision = evaluation["precision"][:, :, categories]
    recall = evaluation["recall"][:, categories]
    values = [
        precision[..., 0, -1],
        precision[0, ..., 0, -1],  # overlap 0.5
        precision[5, ..., 0, -1],  # overlap 0.75
        *(precision[..., area, -1] for area in (1, 2, 3)),
        *(recall[..., 0, most] for most in (0, 1, 2)),
        *(recall[..., area, -1] for area in (1, 2, 3)),
    ]
    return dict(zip(_TITLES, map(_mean, values), strict=True))


def _mean(values: NDArray[np.float64]) -> float:
    """Mean of what is defined; pycocotools writes -1 where there is nothing to find."""
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else float("nan")


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
        for name, title in _TITLES.items()
    },
    ranked_by=(),
    score=score_coco,
)
