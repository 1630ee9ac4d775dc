"""Average precision and recall of detections over a whole set, by pycocotools.

Source: https://cocodataset.org/#detection-eval.
"""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspire_med.imaging.coco import Entry

Kind = Literal["box", "mask"]
Reference = Mapping[str, Sequence[Entry]]  # images, categories and annotations
Evaluation = Mapping[str, NDArray[np.float64]]  # of pycocotools: tables of precision and recall

TITLES = {
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


def average_precision(
    reference: Reference, detections: Sequence[Entry], kind: Kind
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The twelve numbers of COCO's summary, by the names of `TITLES`.

    Masks are sorted into sizes by their own area. Annotations are told apart by their place, not
    their id: pycocotools takes one with id 0, once found, for not found.

    Args:
        reference: Of COCO's format; of `mask` every annotation has a segmentation.
        detections: In COCO's result format, with what `kind` needs; a detection without a box has
            the one around its mask. There may be none.
        kind: Whether boxes or masks overlap.

    Returns:
        Those over all categories, and of each by its name, by rising id. NaN where there is
        nothing to find.
    """
    table = _evaluated(reference, detections, kind)
    names = {entry["id"]: str(entry["name"]) for entry in reference["categories"]}
    return _measures(table, slice(None)), {
        names[each]: _measures(table, slice(place, place + 1))
        for place, each in enumerate(sorted(names))
    }


def without_pixels(reference: Reference, entries: Sequence[Entry]) -> list[int]:
    """Places of the entries (annotations or detections) whose mask covers no pixel."""
    from pycocotools import mask

    helper = _indexed(reference, [])
    return [
        place
        for place, entry in enumerate(entries)
        if entry.get("segmentation") and not mask.area(helper.annToRLE(entry))
    ]


def _indexed(reference: Reference, annotations: Sequence[Entry]) -> Any:
    """The reference as pycocotools knows it, with these annotations; it prints its progress."""
    from pycocotools.coco import COCO

    indexed: Any = COCO()
    indexed.dataset = {**reference, "annotations": list(annotations)}
    with redirect_stdout(io.StringIO()):
        indexed.createIndex()
    return indexed


def _evaluated(reference: Reference, detections: Sequence[Entry], kind: Kind) -> Evaluation:
    """The tables of pycocotools, which writes into what it is given."""
    from pycocotools.cocoeval import COCOeval

    numbered = [{**each, "id": at} for at, each in enumerate(reference["annotations"], start=1)]
    truth = _indexed(reference, numbered)
    shape = _box if kind == "box" else _mask
    entries = [
        {key: each[key] for key in ("image_id", "category_id", "score")} | shape(truth, each)
        for each in detections
    ]
    with redirect_stdout(io.StringIO()):
        found = truth.loadRes(entries) if entries else _indexed(reference, [])
        evaluation: Any = COCOeval(truth, found, "bbox" if kind == "box" else "segm")
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval


def _box(truth: Any, detection: Entry) -> Entry:
    """A detection's box; where it has none, the one around its mask."""
    from pycocotools import mask

    if "bbox" in detection:
        return {"bbox": detection["bbox"]}
    return {"bbox": mask.toBbox(truth.annToRLE(detection)).tolist()}


def _mask(truth: Any, detection: Entry) -> Entry:
    """A detection's mask, without its box: with one pycocotools sorts it by the box's area."""
    return {"segmentation": truth.annToRLE(detection)}


def _measures(evaluation: Evaluation, categories: slice) -> dict[str, float]:
    """The summary of all categories or some.

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
    return dict(zip(TITLES, map(_mean, values), strict=True))


def _mean(values: NDArray[np.float64]) -> float:
    """Mean of what is defined; pycocotools writes -1 where there is nothing to find."""
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else float("nan")
