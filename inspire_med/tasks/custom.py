"""Custom: a task of the user's own, from a YAML file."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from inspire_med.errors import InputError, did_you_mean
from inspire_med.files import read_yaml
from inspire_med.imaging.masks import odd_ignored, part_ignored
from inspire_med.tasks.task import LABEL, Files, Intensity, Layout, Preparation, Task

_HOLES = re.compile(r"\{([^{}]*)\}")
_DIGITS = re.compile(r"(:0\d+d)?")


class _Own(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of the file, as docs/own_data.md explains them."""

    spatial_dims: Literal[2, 3]
    channels: list[str]
    intensity: Intensity
    images: str | None = None
    label: str | None = None
    bids: dict[str, str] | None = None
    regions: dict[str, int | list[int]] = {}
    labels: dict[str, int | list[int]] = {}
    name: str | None = None
    optional: list[str] = []
    patient: str = ""
    spacing_mm: tuple[float, float, float] | None = None
    image_size: tuple[int, int] | None = None
    protocol: str = "segmentation"
    words: dict[str, str] = {}
    codes: dict[str, tuple[str, str]] = {}
    training: dict[str, Any] = {}


def task_of_yaml(path: Path) -> Task:
    """Read a task.

    Raises:
        InputError: As `read_yaml`; also if a field is unknown, missing or makes no sense.
    """
    content = read_yaml(path)
    try:
        own = msgspec.convert(content, _Own)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {_mended(str(error))}") from None
    _refuse_nonsense(own, path)
    return own_task(
        own.name or path.stem,
        own.spatial_dims,
        own.channels,
        own.regions or own.labels,
        layouts=("bids",) if own.images is None else ("pattern",),
        intensity=own.intensity,
        files=None if own.images is None else Files(own.images, own.label),
        spellings={name: (word,) for name, word in (own.bids or {}).items()},
        sizes=(own.spacing_mm, own.image_size),
        training=own.training,
        optional=tuple(own.optional),
        patient=own.patient,
        protocol=own.protocol,
        words=own.words,
        codes=own.codes,
    )


def own_task(
    name: str,
    spatial_dims: Literal[2, 3],
    channels: Sequence[str],
    regions: Mapping[str, int | Sequence[int]],
    *,
    layouts: tuple[Layout, ...],
    intensity: Intensity,
    sizes: tuple[tuple[float, float, float] | None, tuple[int, int] | None] = (None, None),
    training: Mapping[str, Any] | None = None,
    **more: Any,
) -> Task:
    """A task with the usual choices of its number of axes.

    Args:
        name: Its name.
        spatial_dims: 2 or 3.
        channels: In the order of the network's input.
        regions: Name to label value or values; what is 0, the background, is left out, and what is
            called `ignore` is none.
        layouts: Where its files are looked for.
        intensity: How intensities are brought to a network.
        sizes: `spacing_mm` and `image_size` of the preparation, where they are asked for.
        training: Options of `train` that come before the usual ones and before a plan's.
        more: Any other field of a task.
    """
    volumes = spatial_dims == 3
    spacing_mm, image_size = sizes
    shape = "volume" if volumes else "picture"
    judged, ignore = part_ignored(_without_background(regions))
    return Task(
        name=re.sub(r"[^\w.-]+", "-", name),
        spatial_dims=spatial_dims,
        channels=tuple(channels),
        regions={name: tuple(values) for name, values in judged.items()},
        layouts=layouts,
        preparation=Preparation(
            orientation="RAS" if volumes else None,
            spacing_mm=spacing_mm,
            image_size=image_size,
            intensity=intensity,
            crop_to_foreground=volumes and intensity == "mri",  # 0 is water in CT, not outside
            ignore=ignore,
        ),
        augmentation=shape,
        network=shape,
        training=training or {},
        **more,
    )


def odd_names(names: Sequence[str]) -> str:
    """What is wrong with names of channels, in words; empty where nothing is."""
    if not names:
        return "is empty"
    if not all(names):
        return "names one by nothing"
    return "names one twice" if len(set(names)) < len(names) else ""


def odd_regions(regions: Mapping[str, int | Sequence[int]]) -> str:
    """What is wrong with the label values of regions, in words; empty where nothing is."""
    found = _without_background(regions)
    for name, values in found.items():
        odd = [value for value in values if not 0 < value < 256]
        if odd or not values:
            return f"{name} has {odd[0] if odd else 'no value'}, where 1 to 255 may stand"
    return odd_ignored(found) if found else "has no label value of 1 to 255"


def _without_background(regions: Mapping[str, int | Sequence[int]]) -> dict[str, tuple[int, ...]]:
    return {name: _values(own) for name, own in regions.items() if _values(own) != (0,)}


def _values(values: int | Sequence[int]) -> tuple[int, ...]:
    return (values,) if isinstance(values, int) else tuple(values)


def _mended(words: str) -> str:
    """What msgspec says of a field, as a sentence."""
    place = re.search(r" - at `\$\.?(.*)`$", words)
    field = place[1] if place else ""
    unknown = re.search(r"unknown field `(.*?)`", words)
    missing = re.search(r"missing required field `(.*?)`", words)
    if unknown is not None:
        known = _Own.__struct_fields__
        hint = did_you_mean(unknown[1], known, f"choose from {', '.join(known)}.")
        return f"field {unknown[1]}: unknown; {hint}"
    if missing is not None:
        return f"field {missing[1]}: missing; add it (docs/own_data.md says what it is)."
    what = words[: place.start()] if place else words
    choices = get_args(get_type_hints(_Own).get(field)) if "enum" in what else ()
    if choices:
        return f"field {field}: {what.split()[-1]} is none of {', '.join(map(str, choices))}."
    return f"field {field or 'of the file'}: {what[0].lower()}{what[1:].replace('`', '')}; mend it."


def _refuse_nonsense(own: _Own, path: Path) -> None:
    """Check what is of the right type and still makes no sense."""
    holes = {"images": {"case", "channel"}, "label": {"case"}}
    faults = {
        "channels": odd_names(own.channels),
        "regions": (bool(own.regions) == bool(own.labels) and "give either these or labels")
        or odd_regions(own.regions or own.labels),
        "optional": not set(own.optional) <= set(own.channels) and "names no channel",
        "patient": not _compiles(own.patient) and "is no regular expression",
        "bids": _odd_words(own),
        "image_size": own.image_size and min(own.image_size) < 1 and "is empty",
        "spacing_mm": not all(0 < size < math.inf for size in own.spacing_mm or ())
        and "is not above 0",
    }
    for field, names in holes.items():
        pattern: str | None = getattr(own, field)
        if pattern is not None:
            found = {hole: hole.partition(":") for hole in _HOLES.findall(pattern)}
            strange = [
                hole
                for hole, (name, colon, digits) in found.items()
                if name not in names or not _DIGITS.fullmatch(colon + digits)
            ]
            faults[field] = (
                (all(name != "case" for name, *_ in found.values()) and "has no {case}")
                or (bool(strange) and f"has {{{strange[0]}}}, which stands for nothing")
                or (not Path(pattern).suffix and "has no file ending, such as .nii.gz")
            )
    for field, fault in faults.items():
        if fault:
            raise InputError(f"{path}: field {field}: {fault}; mend it (see docs/own_data.md).")


def _odd_words(own: _Own) -> str:
    """What is wrong with the words for files in BIDS; empty where nothing is."""
    if (own.images is None) == (own.bids is None):
        return "give either this or images"
    strange = [name for name in own.bids or {} if name not in (*own.channels, LABEL)]
    if strange:
        return f"names {strange[0]}, which is no channel and not label"
    if own.bids is None:
        return ""
    if own.spatial_dims == 2:
        return "is for volumes"
    return "has a word for the label itself; leave label out" if own.label else ""


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
