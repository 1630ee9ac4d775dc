"""COCO files: objects in pictures, as annotated and as detected, checked before they are used.

Source: the COCO data and result formats, https://cocodataset.org/#format-data and #format-results.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.coco_shapes import is_number, refuse_no_box, refuse_no_mask, refuse_outside

Entry = dict[str, Any]

_SECTIONS = {
    "images": ("id", "width", "height"),
    "categories": ("id", "name"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area", "iscrowd"),
}


def read_annotations(path: Path) -> dict[str, list[Entry]]:
    """Read a reference: its `images`, `categories` and `annotations`, none of them in doubt.

    Raises:
        InputError: As `check_annotations`; also if two annotations have one id.
    """
    sections = check_annotations(read_json(path), path)
    refuse_doubtful([entry["id"] for entry in sections["annotations"]], int, f"{path}: annotations")
    return sections


def check_annotations(content: Any, path: Path) -> dict[str, list[Entry]]:
    """Hold the content of a reference against COCO's format and against itself.

    Args:
        content: What the file holds; segments of a panoptic file may stand as its annotations.
        path: The file, to be named.

    Returns:
        Its `images`, `categories` and `annotations`.

    Raises:
        InputError: If it is not of COCO's format, an image's or category's id or a category's name
            stands there twice, or an annotation is of an unknown image or category, or its box,
            area or mask is malformed or lies outside its picture.
    """
    if not isinstance(content, dict) or not _SECTIONS.keys() <= content.keys():
        raise InputError(
            f"{path}: not a COCO reference; an object with images, categories and annotations is "
            "expected."
        )
    sections = {
        name: entries_of(content[name], keys, f"{path}: {name}") for name, keys in _SECTIONS.items()
    }
    if not sections["images"] or not sections["categories"]:
        raise InputError(f"{path}: holds no images or no categories; give the whole reference.")
    for name in ("images", "categories"):
        refuse_doubtful([entry["id"] for entry in sections[name]], int, f"{path}: {name}")
    names = [entry["name"] for entry in sections["categories"]]
    refuse_doubtful(names, str, f"{path}: categories", "name")
    for entry in sections["images"]:
        for key in ("height", "width"):
            if not isinstance(entry[key], int) or entry[key] < 1:
                raise InputError(
                    f"{path}: image {entry['id']}: {key} {entry[key]!r}; give whole pixels."
                )
    places = [f"{path}: annotation {entry['id']}" for entry in sections["annotations"]]
    _refuse_unknown(sections["annotations"], sections, places)
    sizes = _sizes(sections)
    for entry, place in zip(sections["annotations"], places, strict=True):
        size = sizes[entry["image_id"]]
        refuse_no_box(entry["bbox"], place)
        refuse_outside(entry["bbox"], size, place)
        _refuse_no_number(entry["area"], f"{place}: area")
        if entry["iscrowd"] not in (0, 1):
            raise InputError(f"{place}: iscrowd {entry['iscrowd']!r} is not 0 or 1; write it so.")
        if entry.get("segmentation"):
            refuse_no_mask(entry["segmentation"], size, place)
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
    detections = entries_of(content, ("image_id", "category_id", "score"), f"{path}: ")
    places = [f"{path}: [{number}]" for number in range(len(detections))]
    _refuse_unknown(detections, reference, places)
    held = [key for key in ("bbox", "segmentation") if any(key in each for each in detections)]
    if not held:
        raise InputError(f"{path}: detections have neither bbox nor segmentation; write one.")
    sizes = _sizes(reference)
    for entry, place in zip(detections, places, strict=True):
        for key in held:
            if key not in entry:
                raise InputError(f"{place} has no {key}, others have; give it to all or to none.")
        _refuse_no_number(entry["score"], f"{place}: score")
        if "bbox" in held:
            refuse_no_box(entry["bbox"], place)
        if "segmentation" in held:
            refuse_no_mask(entry["segmentation"], sizes[entry["image_id"]], place)
    return detections


def entries_of(content: Any, keys: Collection[str], place: str) -> list[Entry]:
    """Take a list of objects that have all these keys.

    Raises:
        InputError: If it is something else.
    """
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


def refuse_doubtful(values: Sequence[Any], kind: type, place: str, key: str = "id") -> None:
    """Refuse what cannot tell entries apart.

    Raises:
        InputError: If a value is of another kind, or stands there twice.
    """
    seen: set[Any] = set()
    for value in values:
        if not isinstance(value, kind):
            what = "a whole number" if kind is int else "text"
            raise InputError(f"{place}: {key} {value!r} is not {what}; write COCO's format.")
        if value in seen:
            raise InputError(f"{place}: {key} {value!r} stands there twice; give each its own.")
        seen.add(value)


def _sizes(reference: Mapping[str, Sequence[Entry]]) -> dict[int, tuple[int, int]]:
    """Height and width of each image, by id."""
    return {image["id"]: (image["height"], image["width"]) for image in reference["images"]}


def _refuse_unknown(
    entries: Sequence[Entry], reference: Mapping[str, Sequence[Entry]], places: Sequence[str]
) -> None:
    for key, section in (("image_id", "images"), ("category_id", "categories")):
        known = {entry["id"] for entry in reference[section]}
        for entry, place in zip(entries, places, strict=True):
            value = entry[key]
            if not isinstance(value, int) or value not in known:
                raise InputError(
                    f"{place}: {key} {value!r} is not among the reference's {section}; give both "
                    "of one set."
                )


def _refuse_no_number(value: Any, place: str) -> None:
    if not is_number(value):
        raise InputError(f"{place} {value!r} is not a finite number; write it again.")
