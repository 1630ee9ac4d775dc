"""COCO files: objects in pictures, as annotated and as detected, checked before they are scored.

Source: the COCO data and result formats, https://cocodataset.org/#format-data and #format-results.
"""

from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging import run_lengths

Entry = dict[str, Any]

_SECTIONS = {
    "images": ("id", "width", "height"),
    "categories": ("id", "name"),
    "annotations": ("image_id", "category_id", "bbox", "area", "iscrowd"),
}


def read_annotations(path: Path) -> dict[str, list[Entry]]:
    """Read a reference: its `images`, `categories` and `annotations`, none of them in doubt.

    Raises:
        InputError: If it is not of COCO's format, an id or a category's name stands there twice, or
            an annotation is of an unknown image or category.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not _SECTIONS.keys() <= content.keys():
        raise InputError(
            f"{path}: not a COCO reference; an object with images, categories and annotations is "
            "expected."
        )
    sections = {
        name: _entries(content[name], keys, f"{path}: {name}") for name, keys in _SECTIONS.items()
    }
    if not sections["images"] or not sections["categories"]:
        raise InputError(f"{path}: holds no images or no categories; give the whole reference.")
    for name in ("images", "categories"):
        _refuse_doubtful([entry["id"] for entry in sections[name]], int, f"{path}: {name}: id")
    names = [entry["name"] for entry in sections["categories"]]
    _refuse_doubtful(names, str, f"{path}: categories: name")
    for number, entry in enumerate(sections["images"]):
        for key in ("height", "width"):
            if not isinstance(entry[key], int) or entry[key] < 1:
                raise InputError(f"{path}: images[{number}]: {key} {entry[key]!r}; give pixels.")
    sizes = _sizes(sections)
    _refuse_unknown(sections["annotations"], sections, f"{path}: annotations")
    for number, entry in enumerate(sections["annotations"]):
        place = f"{path}: annotations[{number}]"
        _refuse_no_box(entry["bbox"], place)
        _refuse_no_number(entry["area"], f"{place}: area")
        if entry["iscrowd"] not in (0, 1):
            raise InputError(f"{place}: iscrowd {entry['iscrowd']!r} is not 0 or 1; write it so.")
        if entry.get("segmentation"):
            _refuse_no_mask(entry["segmentation"], sizes[entry["image_id"]], place)
    return sections


def read_detections(path: Path, reference: Mapping[str, Sequence[Entry]]) -> list[Entry]:
    """Read detections of a reference's pictures: each a box, a mask or both, with a score.

    Raises:
        InputError: If it is not a list in COCO's result format, is empty, an entry is of an unknown
            image or category, only some have boxes or masks, or a box, score or mask is malformed.
    """
    content = read_json(path)
    if not isinstance(content, list):
        raise InputError(
            f"{path}: not a list of detections; write COCO's result format, one object a detection."
        )
    if not content:
        raise InputError(
            f"{path}: holds no detections; lower the detector's score threshold, or check that it "
            "ran."
        )
    detections = _entries(content, ("image_id", "category_id", "score"), f"{path}: ")
    _refuse_unknown(detections, reference, f"{path}: ")
    held = [key for key in ("bbox", "segmentation") if any(key in each for each in detections)]
    if not held:
        raise InputError(f"{path}: detections have neither bbox nor segmentation; write one.")
    sizes = _sizes(reference)
    for number, entry in enumerate(detections):
        place = f"{path}: [{number}]"
        for key in held:
            if key not in entry:
                raise InputError(f"{place} has no {key}, others have; give it to all or to none.")
        _refuse_no_number(entry["score"], f"{place}: score")
        if "bbox" in held:
            _refuse_no_box(entry["bbox"], place)
        if "segmentation" in held:
            _refuse_no_mask(entry["segmentation"], sizes[entry["image_id"]], place)
    return detections


def _entries(content: Any, keys: Collection[str], place: str) -> list[Entry]:
    """A list of objects that have all these keys."""
    if not isinstance(content, list):
        raise InputError(f"{place} is no list; write COCO's format.")
    for number, entry in enumerate(content):
        if not isinstance(entry, dict):
            raise InputError(f"{place}[{number}] is no object; write COCO's format.")
        missing = [key for key in keys if key not in entry]
        if missing:
            raise InputError(
                f"{place}[{number}] has no {', '.join(missing)}; write COCO's format in full."
            )
    return content


def _sizes(reference: Mapping[str, Sequence[Entry]]) -> dict[int, tuple[int, int]]:
    """Height and width of each image, by id."""
    return {image["id"]: (image["height"], image["width"]) for image in reference["images"]}


def _refuse_doubtful(values: Sequence[Any], kind: type, place: str) -> None:
    """Refuse what cannot tell entries apart."""
    seen: set[Any] = set()
    for value in values:
        if not isinstance(value, kind):
            what = "a whole number" if kind is int else "text"
            raise InputError(f"{place} {value!r} is not {what}; write COCO's format.")
        if value in seen:
            raise InputError(f"{place} {value!r} stands there twice; keep one.")
        seen.add(value)


def _refuse_unknown(
    entries: Sequence[Entry], reference: Mapping[str, Sequence[Entry]], place: str
) -> None:
    for key, section in (("image_id", "images"), ("category_id", "categories")):
        known = {entry["id"] for entry in reference[section]}
        for number, entry in enumerate(entries):
            value = entry[key]
            if not isinstance(value, int) or value not in known:
                raise InputError(
                    f"{place}[{number}]: {key} {value!r} is not among the reference's {section}; "
                    "give the two files of one set."
                )


def _refuse_no_number(value: Any, place: str) -> None:
    if not _is_number(value):
        raise InputError(f"{place} {value!r} is not a finite number; write it again.")


def _refuse_no_box(box: Any, place: str) -> None:
    whole = isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))
    if not whole or min(box[2:]) < 0:
        raise InputError(
            f"{place}: bbox {box!r} is not [left, top, width, height] in pixels; write it so."
        )


def _refuse_no_mask(mask: Any, size: tuple[int, int], place: str) -> None:
    """Masks are polygons, or run lengths of the picture's size (lists, or COCO's text)."""
    if isinstance(mask, list) and mask and all(map(_is_polygon, mask)):
        return
    if not isinstance(mask, dict) or not isinstance(mask.get("counts"), (str, list)):
        raise InputError(
            f"{place}: segmentation is neither run lengths (size, counts) nor polygons of at least "
            "three points; write COCO's format."
        )
    if mask.get("size") != list(size):
        raise InputError(
            f"{place}: segmentation of size {mask.get('size')}, its picture has {list(size)} "
            "(height, width); write masks at the picture's own size."
        )
    if not run_lengths.fill(mask["counts"], size):
        raise InputError(f"{place}: run lengths do not fill {size[0]} x {size[1]}; encode again.")


def _is_polygon(points: Any) -> bool:
    numbers = isinstance(points, list) and all(map(_is_number, points))
    return numbers and len(points) >= 6 and len(points) % 2 == 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
