"""Shapes of COCO's objects: what a box and a mask must be."""

from math import isfinite
from typing import Any

from inspire_med.errors import InputError
from inspire_med.imaging import run_lengths


def refuse_no_box(box: Any, place: str) -> None:
    """Refuse what is not [left, top, width, height], finite and of no negative size.

    Raises:
        InputError: If it is something else.
    """
    whole = isinstance(box, list) and len(box) == 4 and all(map(is_number, box))
    if not whole or min(box[2:]) < 0:
        raise InputError(
            f"{place}: bbox {box!r} is not [left, top, width, height] in pixels; write it so."
        )


def refuse_outside(box: list[float], size: tuple[int, int], place: str) -> None:
    """Refuse a box that does not meet its picture of this (height, width).

    Raises:
        InputError: If no part of it lies within, nor upon the border.
    """
    if beyond(box, size) is None:
        height, width = size
        raise InputError(
            f"{place}: bbox {box!r} lies outside its picture of {width} x {height} (width x "
            "height); mend the box or the picture's sizes."
        )


def beyond(box: list[float], size: tuple[int, int]) -> float | None:
    """How far a box reaches beyond its picture of this (height, width), in pixels.

    Returns:
        0 for a box within, None for one that does not meet the picture at all.
    """
    (left, top, width, height), (rows, columns) = box, size
    right, bottom = left + width, top + height
    if left > columns or top > rows or right < 0 or bottom < 0:
        return None
    return max(0, -left, -top, right - columns, bottom - rows)


def refuse_no_mask(mask: Any, size: tuple[int, int], place: str) -> None:
    """Refuse what is neither polygons nor run lengths (lists, or COCO's text) of this size.

    Raises:
        InputError: If it is something else.
    """
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


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and not True or False."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _is_polygon(points: Any) -> bool:
    numbers = isinstance(points, list) and all(map(is_number, points))
    return numbers and len(points) >= 6 and len(points) % 2 == 0
