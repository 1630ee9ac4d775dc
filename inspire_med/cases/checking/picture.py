"""Picture: one image file and its mask read, and what is kept of them without their pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from inspire_med.cases.checking.finding import Finding
from inspire_med.cases.look_alike import picture_signature
from inspire_med.cases.twins import fingerprint
from inspire_med.errors import InputError
from inspire_med.imaging.labels import LabelMap
from inspire_med.imaging.picture import opened_as_stored, opened_image, read_picture

_STEP = 16
_SEVERAL = ("GIF", "TIFF", "PNG", "WEBP")  # formats whose further frames are pictures of their own


@dataclass(frozen=True)
class Photograph:
    """What is known of one image.

    Args:
        size: (height, width).
        signature: Perceptual hash, to find near-duplicates.
        fingerprint: What its image is known by, to find twins.
        coloured: Whether its planes differ.
        findings: What should be looked at.
    """

    size: tuple[int, int]
    signature: bytes
    fingerprint: frozenset[bytes]
    coloured: bool
    findings: tuple[Finding, ...]


def look_at_picture(case: str, path: Path) -> Photograph:
    """Read an image to its end.

    Raises:
        InputError: As `read_picture`.
    """
    picture = read_picture(path)
    findings = _odd_file(case, path)
    few = picture[::_STEP, ::_STEP]  # of most pictures these say as much as all, in no time
    if (few == few[0, 0]).all() and (picture == few[0, 0]).all():
        remedy = "take it out, or export it again"
        findings.append(Finding(case, str(path), "warning", "every pixel has one colour", remedy))
    height, width = picture.shape[:2]
    return Photograph(
        size=(height, width),
        signature=picture_signature(picture),
        fingerprint=fingerprint(picture),
        coloured=bool((few != few[..., :1]).any() or (picture != picture[..., :1]).any()),
        findings=tuple(findings),
    )


def refuse_odd_parts(seen: Mapping[Path, Photograph]) -> None:
    """Refuse files of a case's channels that are not one grey picture each, all of one size.

    Raises:
        InputError: If one is coloured, or of another size than the first.
    """
    (first, photograph), *others = seen.items()
    for path, each in seen.items() if others else ():
        if each.coloured:
            raise InputError(
                f"{path}: a colour picture where each channel has a file of its own; save it in "
                "grey."
            )
        if each.size != photograph.size:
            (height, width), (rows, columns) = each.size, photograph.size
            raise InputError(
                f"{path}: its size {width} x {height} is not that of {first.name}, {columns} x "
                f"{rows}; are both of one case?"
            )


def size_problems(
    label: LabelMap | None, path: Path, picture: Path, size: Sequence[int]
) -> list[str]:
    """One sentence where a mask, read or not, has not the size of its picture."""
    own = _upright_size(path) if label is None else label.labels.shape
    if own in (None, tuple(size)):
        return []
    return [
        f"{path}: its size {own[1]} x {own[0]} is not that of {picture.name}, {size[1]} x "
        f"{size[0]}; is it the mask of this image?"
    ]


def _upright_size(path: Path) -> tuple[int, ...] | None:
    """(height, width) of a mask that is at fault otherwise; None where that is not known."""
    try:
        with opened_image(path) as image:
            return image.height, image.width
    except InputError:
        return None


def _odd_file(case: str, path: Path) -> list[Finding]:
    findings: list[Finding] = []
    with opened_as_stored(path) as image:
        frames = getattr(image, "n_frames", 1) if image.format in _SEVERAL else 1
        kind = image.format or ""
    if frames > 1:
        cause = f"holds {frames} pictures, of which the first is read"
        remedy = "save the true one alone"
        findings.append(Finding(case, str(path), "warning", cause, remedy))
    if kind != Image.registered_extensions().get(path.suffix.lower(), kind) and kind != "MPO":
        cause = f"holds {kind} although its name ends in {path.suffix}"
        findings.append(Finding(case, str(path), "note", cause, "rename it if others read it too"))
    return findings
