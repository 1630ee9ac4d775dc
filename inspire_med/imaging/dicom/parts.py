"""Parts: the volumes of one series, parted by the tags that differ where slices share a place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.imaging.dicom.header import DicomFile
from inspire_med.imaging.dicom.planes import Plane

_SAME_MM = 0.01  # positions are written with some digits


@dataclass(frozen=True)
class Part:
    """One volume of a series: its slices sorted along the normal, and its name among the others."""

    planes: tuple[Plane, ...]
    words: str = ""
    component: int | None = None


def parts_of(files: Sequence[DicomFile]) -> list[Part]:
    """The volumes that the files of one series make up; slices that no tag parts stay together."""
    groups: dict[str, list[Plane]] = {"": [plane for each in files for plane in each.planes]}
    names = [name for name, _ in files[0].planes[0].parting]
    for name in names:
        groups = _parted(groups, name)
    parts = [Part(tuple(sorted(own, key=height)), words) for words, own in groups.items()]
    return _numbered(parts)


def height(plane: Plane) -> float:
    """Where a slice lies along its normal, in mm."""
    return float(normal(plane) @ np.array(plane.position_mm))


def normal(plane: Plane) -> NDArray[np.floating[Any]]:
    """Direction that columns, rows and slices make a right-handed system with."""
    along, down = np.array(plane.orientation, dtype=np.float64).reshape(2, 3)
    way = np.cross(along, down)
    return way / max(float(np.linalg.norm(way)), 1e-12)


def _places(group: list[Plane]) -> list[int]:
    return [round(height(plane) / _SAME_MM) for plane in group]


def _parted(groups: dict[str, list[Plane]], name: str) -> dict[str, list[Plane]]:
    """The groups by the value of one tag, where slices of one place differ in it."""
    found: dict[str, list[Plane]] = {}
    for words, group in groups.items():
        by_value: dict[str, list[Plane]] = {}
        at_place: dict[int, set[str]] = {}
        for plane, place in zip(group, _places(group), strict=True):
            value = dict(plane.parting)[name]
            by_value.setdefault(value, []).append(plane)
            at_place.setdefault(place, set()).add(value)
        if all(len(values) == 1 for values in at_place.values()):
            found[words] = group
            continue
        for value, own in sorted(by_value.items(), key=lambda each: _order(each[0])):
            found[", ".join(filter(None, (words, f"{name} {value or 'unsaid'}")))] = own
    return found


def _order(value: str) -> tuple[float, str]:
    """Numbers by size, words after them."""
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def _numbered(parts: list[Part]) -> list[Part]:
    """Volumes that stand in one file together are told by their number there."""
    counts = Counter(part.planes[0].path for part in parts)
    seen: Counter[object] = Counter()
    numbered: list[Part] = []
    for part in parts:
        path = part.planes[0].path
        number = seen[path] if counts[path] > 1 else None
        seen[path] += 1
        numbered.append(Part(part.planes, part.words, number))
    return numbered
