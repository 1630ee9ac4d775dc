"""Annotations: a COCO file as detection reads it: instances, panoptic segments or images alone."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspire_med.errors import InputError
from inspire_med.files import read_json
from inspire_med.imaging.coco import Entry, check_annotations, entries_of, refuse_doubtful


@dataclass(frozen=True)
class Annotations:
    """What a COCO file says.

    Args:
        file: The file.
        images: Image entries by id.
        objects: Annotation entries; of a panoptic file its segments.
        categories: Category names by id, in the file's order.
        panoptic: Whether objects are segments of a picture that holds all masks of an image.
    """

    file: Path
    images: dict[int, Entry]
    objects: list[Entry]
    categories: dict[int, str]
    panoptic: bool

    @property
    def names(self) -> list[str]:
        """Category names in the file's order."""
        return list(self.categories.values())

    def of(self, classes: Sequence[str]) -> dict[str, list[Entry]]:
        """All images, and the categories and annotations of these classes alone."""
        ids = {key: name for key, name in self.categories.items() if name in classes}
        return {
            "images": list(self.images.values()),
            "categories": [{"id": key, "name": name} for key, name in ids.items()],
            "annotations": [each for each in self.objects if each["category_id"] in ids],
        }

    def size_of(self, entry: Entry) -> tuple[int, int]:
        """Height and width of an object's image."""
        image = self.images[entry["image_id"]]
        return image["height"], image["width"]

    def usable(self, classes: Sequence[str]) -> Iterator[Entry]:
        """Objects that mmdet keeps: of these classes, with an area, a pixel wide, on the image."""
        for entry in self.objects:
            rows, columns = self.size_of(entry)
            left, top, width, height = entry["bbox"]
            inside = min(left + width, columns) > max(left, 0) and min(top + height, rows) > max(
                top, 0
            )
            large = entry["area"] > 0 and width >= 1 and height >= 1
            known = self.categories[entry["category_id"]] in classes
            if inside and large and known and not entry.get("ignore", False):
                yield entry


def read_annotations(file: Path) -> Annotations:
    """Read a COCO file: instances, panoptic segments, or images alone.

    Raises:
        InputError: As `imaging.coco.check_annotations`; also if an image has no file name, or two
            annotations have one id.
    """
    content = read_json(file)
    with file.open("rb") as stream:
        marked = stream.read(len(BOM_UTF8)) == BOM_UTF8
    if marked:
        raise InputError(
            f"{file}: begins with the mark of Windows, which mmdet cannot read; save it as UTF-8 "
            "without."
        )
    panoptic = False
    if isinstance(content, dict):
        annotations = content.get("annotations", [])
        panoptic = _has_segments(annotations)
        objects = list(_segments(file, annotations)) if panoptic else annotations
        content = content | {"annotations": objects}
    sections = check_annotations(content, file)
    if not panoptic:
        ids = [entry["id"] for entry in sections["annotations"]]
        refuse_doubtful(ids, int, f"{file}: annotations")
    entries_of(sections["images"], ("file_name",), f"{file}: images")
    return Annotations(
        file=file,
        images={entry["id"]: entry for entry in sections["images"]},
        objects=sections["annotations"],
        categories={entry["id"]: entry["name"] for entry in sections["categories"]},
        panoptic=panoptic,
    )


def _has_segments(annotations: Any) -> bool:
    return isinstance(annotations, list) and any(
        isinstance(entry, dict) and "segments_info" in entry for entry in annotations
    )


def _segments(file: Path, annotations: Any) -> Iterator[Entry]:
    for entry in entries_of(annotations, ("image_id", "segments_info"), f"{file}: annotations"):
        place = f"{file}: annotations of image {entry['image_id']}: segments_info"
        for segment in entries_of(entry["segments_info"], (), place):
            yield segment | {"image_id": entry["image_id"]}
