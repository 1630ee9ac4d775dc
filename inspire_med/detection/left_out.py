"""Left out: what mmdet drops from a data set without a word, each said with its count."""

from collections.abc import Sequence
from typing import Any

from inspire_med.detection.annotations import Annotations
from inspire_med.evaluation.measures.average_precision import without_pixels
from inspire_med.imaging.coco import Entry
from inspire_med.imaging.coco_shapes import beyond

_ROUNDED = 1  # pixels by which boxes of real sets reach beyond their picture


def of_training(
    place: str, found: Annotations, classes: Sequence[str], filter_cfg: dict[str, Any]
) -> list[str]:
    """Say which pictures and objects mmdet does not train on.

    Args:
        place: The data set's name in the config.
        found: What its file says.
        classes: The config's.
        filter_cfg: The data set's own.
    """
    annotations, smallest = found.of(classes)["annotations"], filter_cfg.get("min_size", 0)
    file, total, notes = found.file, len(found.images), list[str]()
    filled = {entry["image_id"] for entry in annotations}
    empty = [key for key in found.images if key not in filled]
    if empty and filter_cfg.get("filter_empty_gt"):
        notes.append(
            f"{file}: {len(empty)} of {total} pictures have no annotation of the config's classes "
            f"({empty[0]} is the first) and are left out of training; set "
            f"{place}.filter_cfg.filter_empty_gt=False to learn from them, too."
        )
    small = [key for key, each in found.images.items() if _side(each) < smallest]
    if small:
        notes.append(
            f"{file}: {len(small)} of {total} pictures are smaller than {smallest} px "
            f"({small[0]} is the first) and are left out of training; set "
            f"{place}.filter_cfg.min_size=0 to keep them."
        )
    kept = {id(entry) for entry in found.usable(classes)}
    lost = [entry for entry in annotations if id(entry) not in kept]
    if lost:
        notes.append(
            f"{file}: {len(lost)} of {len(annotations)} annotations are to be ignored, have no "
            f"area, or are not a pixel wide or high ({lost[0]['id']} is the first), and are left "
            "out of training."
        )
    return notes


def of_boxes(found: Annotations) -> list[str]:
    """Say how many boxes reach beyond their pictures."""
    reach = [(beyond(entry["bbox"], found.size_of(entry)) or 0, entry) for entry in found.objects]
    over = [(pixels, entry) for pixels, entry in reach if pixels > _ROUNDED]
    if not over:
        return []
    return [
        f"{found.file}: {len(over)} of {len(reach)} boxes reach beyond their pictures, by up to "
        f"{max(pixels for pixels, _ in over):g} px ({over[0][1]['id']} is the first); detectors "
        "that stop at the border cannot meet them."
    ]


def of_masks(found: Annotations, classes: Sequence[str]) -> list[str]:
    """Say how many masks cover no pixel."""
    reference = found.of(classes)
    annotations: Sequence[Entry] = reference["annotations"]
    empty = without_pixels(reference, annotations)
    if not empty:
        return []
    return [
        f"{found.file}: {len(empty)} of {len(annotations)} masks cover no pixel "
        f"({annotations[empty[0]]['id']} is the first); nothing can be learnt from them, and they "
        "count as missed."
    ]


def _side(image: Entry) -> int:
    return min(image["height"], image["width"])
