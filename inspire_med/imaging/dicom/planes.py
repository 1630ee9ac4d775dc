"""Planes: the slices of one DICOM file, and what tells one from others in its place.

A classic file is one slice; an enhanced file holds many, each with its own position; in Siemens'
mosaics they stand side by side in one picture.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from inspire_med.imaging.dicom import mosaic

# In the order in which they part volumes of one series from each other.
_PARTING = {
    "image type": ("ImageType", "FrameType"),
    "b-value": ("DiffusionBValue", (0x0019, 0x100C)),
    "echo time": ("EchoTime", "EffectiveEchoTime"),
    "inversion time": ("InversionTime",),
    "time": ("TemporalPositionIdentifier", "TemporalPositionIndex"),
    "acquisition": ("AcquisitionNumber",),
    "trigger time": ("TriggerTime", "NominalCardiacTriggerDelayTime"),
    "gradient": ("DiffusionGradientOrientation", (0x0019, 0x100E)),
}
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_PLACE = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
    "NumberOfFrames", "SpacingBetweenSlices",
)  # fmt: skip
TAGS = (
    *_PLACE, *_GROUPS, *mosaic.TAGS, *(tag for tags in _PARTING.values() for tag in tags),
)  # fmt: skip


@dataclass(frozen=True)
class Plane:
    """One slice.

    Attributes:
        path: The file that it stands in.
        frame: Its place there, from 0.
        position_mm: Middle of its first voxel, LPS+.
        orientation: The direction in which columns are counted, then that of rows, LPS+.
        spacing_mm: Between rows, between columns.
        size: Rows, columns.
        parting: By name, what may tell it from another one at its place.
        tile: Row and column of its first voxel, where slices stand side by side in one picture.
    """

    path: Path
    frame: int
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    size: tuple[int, int]
    parting: tuple[tuple[str, str], ...]
    tile: tuple[int, int] | None = None

    @property
    def b_value(self) -> float | None:
        """Of its diffusion weighting, in s/mm^2; None where none is said."""
        said = dict(self.parting)["b-value"]
        return float(said) if said else None


def planes_of(path: Path, content: Dataset) -> tuple[Plane, ...]:
    """The slices of a file, by what the standard says of places; none where it says nothing.

    Raises:
        InputError: If it is a mosaic that does not say how its slices lie.
    """
    frames = int(content.get("NumberOfFrames") or 1)
    shared, own = (content.get(name) or () for name in _GROUPS)
    if own:
        groups = [[content, *_inside(shared), *_inside([each])] for each in own[:frames]]
    else:
        groups = [[content]] if frames == 1 else []
    planes = [_plane(path, number, group) for number, group in enumerate(groups)]
    if not planes or any(plane is None for plane in planes):
        return ()
    whole = tuple(plane for plane in planes if plane is not None)
    if len(whole) == 1 and "MOSAIC" in dict(whole[0].parting)["image type"].split("/"):
        return tuple(_tile(whole[0], tile) for tile in mosaic.tiles(path, content, whole[0]))
    return whole


def _inside(groups: Any) -> list[Dataset]:
    """What the groups' own sequences hold: each is of one item."""
    return [
        element.value[0]
        for group in groups
        for element in group
        if element.VR == "SQ" and element.value
    ]


def _plane(path: Path, number: int, groups: list[Dataset]) -> Plane | None:
    position = _numbers(groups, "ImagePositionPatient", 3)
    orientation = _numbers(groups, "ImageOrientationPatient", 6)
    spacing = _numbers(groups, "PixelSpacing", 2)
    if position is None or orientation is None or spacing is None:
        return None
    size = (int(groups[0].Rows), int(groups[0].Columns))
    parting = tuple((name, _first(groups, tags)) for name, tags in _PARTING.items())
    return Plane(path, number, position, orientation, spacing, size, parting)


def _tile(plane: Plane, tile: "mosaic.Tile") -> Plane:
    return Plane(
        plane.path, tile.number, tile.position_mm, plane.orientation, plane.spacing_mm, tile.size,
        plane.parting, tile.corner,
    )  # fmt: skip


def _numbers(groups: list[Dataset], name: str, count: int) -> tuple[float, ...] | None:
    """What the innermost group says."""
    for group in reversed(groups):
        if value := group.get(name):
            return tuple(map(float, value)) if len(value) == count else None
    return None


def _first(groups: list[Dataset], tags: tuple[Any, ...]) -> str:
    """The first of the tags that is said, innermost first, as text."""
    for group in reversed(groups):
        for tag in tags:
            value = group.get(tag)
            value = getattr(value, "value", value)
            if value not in (None, "", b""):
                return _text(value)
    return ""


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("ascii", errors="replace").strip("\0 ")
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return str(value).strip()
    return "/".join(str(each) for each in value)
