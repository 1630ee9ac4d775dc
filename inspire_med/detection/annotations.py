"""Annotations: a file in COCO's format, read with the question whether it holds together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspire_med.errors import InputError
from inspire_med.files import read_json

_IMAGE = ("id", "file_name", "height", "width")
_ANNOTATION = ("id", "image_id", "category_id", "bbox", "area")


@dataclass(frozen=True)
class Annotations:
    """What a COCO file says.

    Args:
        file: The file.
        images: Image entries by id.
        objects: Annotation entries; of a panoptic file its segments.
        names: Category names in the file's order.
        categories: Category names by id.
        panoptic: Whether objects are segments of a picture that holds all masks of an image.
    """

    file: Path
    images: dict[int, dict[str, Any]]
    objects: list[dict[str, Any]]
    names: list[str]
    categories: dict[int, str]
    panoptic: bool

    def usable(self, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Objects that mmdet keeps: of these classes, with an area, a pixel wide, on the image."""
        for entry in self.objects:
            image = self.images[entry["image_id"]]
            left, top, width, height = entry["bbox"]
            inside = min(left + width, image["width"]) > max(left, 0) and min(
                top + height, image["height"]
            ) > max(top, 0)
            large = entry["area"] > 0 and width >= 1 and height >= 1
            known = self.categories[entry["category_id"]] in classes
            if inside and large and known and not entry.get("ignore", False):
                yield entry

    def has_mask(self, entry: dict[str, Any]) -> bool:
        """Whether there are polygons, or run lengths of the image's size as COCO gives crowds."""
        mask, image = entry.get("segmentation"), self.images[entry["image_id"]]
        if isinstance(mask, dict):
            size = [image["height"], image["width"]]
            return isinstance(mask.get("counts"), list | str) and mask.get("size") == size
        return isinstance(mask, list) and len(mask) > 0


def read_annotations(file: Path) -> Annotations:
    """Read a COCO file: instances, panoptic segments, or images alone.

    Raises:
        InputError: If it is missing, is not COCO's format, or contradicts itself: an annotation
            names an image or a category that the file does not list, or two have one id.
    """
    content = read_json(file)
    if not (isinstance(content, dict) and {"images", "categories"} <= content.keys()):
        raise InputError(f"{file}: not in COCO's format (no images and categories); convert it.")
    for entry in content["images"]:
        _require(file, "image", entry, _IMAGE)
    for entry in content["categories"]:
        _require(file, "category", entry, ("id", "name"))
    annotations = content.get("annotations", [])
    panoptic = any("segments_info" in entry for entry in annotations)
    objects = list(_segments(file, annotations)) if panoptic else annotations
    found = Annotations(
        file=file,
        images={entry["id"]: entry for entry in content["images"]},
        objects=objects,
        names=[entry["name"] for entry in content["categories"]],
        categories={entry["id"]: entry["name"] for entry in content["categories"]},
        panoptic=panoptic,
    )
    for entry in objects:
        _check_object(found, entry)
    if not panoptic and len({entry["id"] for entry in objects}) < len(objects):
        raise InputError(f"{file}: two annotations have the same id; number them anew.")
    return found


def _segments(file: Path, annotations: list[Any]) -> Iterator[dict[str, Any]]:
    for entry in annotations:
        _require(file, "annotation", entry, ("image_id", "segments_info"))
        for segment in entry["segments_info"]:
            yield segment | {"image_id": entry["image_id"]}


def _check_object(found: Annotations, entry: Any) -> None:
    _require(found.file, "annotation", entry, _ANNOTATION)
    what = f"{found.file}: annotation {entry['id']}"
    if entry["image_id"] not in found.images:
        raise InputError(
            f"{what} is of image {entry['image_id']}, which the file does not list; add the image "
            "or leave the annotation out."
        )
    if entry["category_id"] not in found.categories:
        raise InputError(
            f"{what} is of category {entry['category_id']}, which the file does not list; add the "
            "category or leave the annotation out."
        )
    box = entry["bbox"]
    if not (
        isinstance(box, list) and len(box) == 4 and all(isinstance(x, int | float) for x in box)
    ):
        raise InputError(f"{what} has the box {box}; write [left, top, width, height].")


def _require(file: Path, what: str, entry: Any, keys: Sequence[str]) -> None:
    if not isinstance(entry, dict):
        raise InputError(f"{file}: not in COCO's format (an {what} is {entry!r}); convert it.")
    for key in keys:
        if key not in entry:
            name = entry.get("id", entry.get("file_name", entry.get("name", "without id")))
            raise InputError(f"{file}: {what} {name} has no {key}; add it.")
