"""Plan: the sizes a training goes by, each with its reason; YAML that a person can edit."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from inspire_med.errors import InputError, did_you_mean
from inspire_med.files import read_yaml, refuse_existing, write_text
from inspire_med.tasks.task import Intensity

Count = Annotated[int, msgspec.Meta(ge=1)]
Millimetres = Annotated[float, msgspec.Meta(gt=0, le=1000)]
Counts = tuple[Count, ...]

_OPTIONS = {
    "spacing_mm": "data.spacing_mm",
    "image_size": "data.image_size",
    "intensity": "data.intensity",
    "patch_size": "data.patch_size",
    "batch_size": "data.batch_size",
    "strides": "network.strides",
    "kernel_sizes": "network.kernel_sizes",
    "widths": "network.widths",
    "stem_stride": "network.stem_stride",
    "norm": "network.norm",
    "deep_supervision": "network.deep_supervision",
    "augment": "data.augment",
}
OPTIONS: Mapping[str, str] = _OPTIONS  # field of a plan to option of `train`


@dataclass(frozen=True)
class Plan:
    """What a training goes by, along the network's axes.

    Args:
        spacing_mm: Voxel size that volumes are resampled to; None of pictures.
        image_size: (height, width) that pictures are resized to; None of volumes.
        intensity: How intensities are brought to the network.
        patch_size: Voxels of a training patch; None is a whole picture.
        batch_size: Samples of a step, over all processes.
        strides: Of each step between levels, by axis.
        kernel_sizes: Of each level, by axis.
        widths: Channels of each level, fine to coarse.
        stem_stride: From the image to the finest level.
        norm: `batch` or `instance`.
        deep_supervision: Levels that share in the loss.
        augment: How strongly samples are varied; the usual of plans that did not say so yet.
        reasons: By field, why; one sentence without a stop.
    """

    spacing_mm: tuple[Millimetres, Millimetres, Millimetres] | None
    image_size: tuple[Count, Count] | None
    intensity: Intensity
    patch_size: Counts | None
    batch_size: Count
    strides: tuple[Counts, ...]
    kernel_sizes: tuple[Counts, ...]
    widths: Counts
    stem_stride: Count
    norm: Literal["batch", "instance"]
    deep_supervision: Count
    augment: Literal["none", "usual", "strong"] = "usual"
    reasons: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def seen_size(self) -> tuple[int, ...]:
        """Voxels of a sample along each axis."""
        size = self.patch_size or self.image_size
        assert size is not None  # a plan has one of them
        return size

    @property
    def spatial_dims(self) -> int:
        """Axes: 2 of pictures, 3 of volumes."""
        return len(self.seen_size)

    def options(self) -> dict[str, Any]:
        """The options of `train` that it stands for, by dotted name."""
        return {option: getattr(self, name) for name, option in OPTIONS.items()}

    def because(self, **reasons: str) -> "Plan":
        """The same plan with other reasons for some fields."""
        return replace(self, reasons={**self.reasons, **reasons})

    def lines(self, names: Sequence[str] = tuple(_OPTIONS)) -> list[str]:
        """One line a decision: what, and why."""
        return [f"{name} {words(getattr(self, name))}: {self.reasons[name]}" for name in names]

    def to_json(self) -> dict[str, Any]:
        """Values and reasons, in JSON's own types."""
        return msgspec.to_builtins(self)


def plan_in_record(content: Any, record: Path) -> Plan:
    """The plan that a record keeps, as `to_json` gave it.

    Args:
        content: What stands in the record.
        record: The file, for the message.

    Raises:
        InputError: If it is no plan any more.
    """
    try:
        return msgspec.convert(content, Plan)
    except msgspec.ValidationError as error:
        what = _mended(str(error)).removesuffix("; mend it.")
        raise InputError(
            f"{record}: planned, by which it goes: {what}; bring back what stood there."
        ) from None


def write_plan(path: Path, plan: Plan, title: str, *, overwrite: bool = False) -> None:
    """Write a plan as YAML, the reasons as comments.

    Raises:
        InputError: If `path` exists and `overwrite` is False.
    """
    refuse_existing(path, overwrite=overwrite)
    parts = [_comment(f"{title}. Edit what you like; `inspire-med train --plan {path.name}`.")]
    for name in OPTIONS:
        value = json.dumps(getattr(plan, name))  # which is YAML on one line
        parts.append(f"{_comment(plan.reasons.get(name, ''))}{name}: {value}\n")
    write_text(path, "\n".join(parts))


def read_plan(path: Path) -> Plan:
    """Read a plan, edited or not.

    Raises:
        InputError: As `read_yaml`; also if a field is unknown, missing, of another type, or does
            not fit the others.
    """
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds no plan; write one with prepare --plan.")
    for name in content:
        if name not in OPTIONS:
            hint = did_you_mean(str(name), list(OPTIONS), f"choose from {', '.join(OPTIONS)}.")
            raise InputError(f"{path}: field {name}: unknown; {hint}")
    lacking = [name for name in OPTIONS if name not in content]
    if lacking:
        raise InputError(f"{path}: field {lacking[0]}: missing; add it, or plan anew.")
    try:
        plan = msgspec.convert(content, Plan)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {_mended(str(error))}") from None
    _refuse_misfits(plan, path)
    return plan.because(**dict.fromkeys(OPTIONS, f"as {path.name} says"))


def words(value: Any) -> str:
    """A value as people write it: `128 x 128 x 96`, or a list of such in brackets."""
    if value is None:
        return "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        if value and isinstance(value[0], Sequence):
            return "[" + ", ".join(words(each) for each in value) + "]"
        return " x ".join(f"{each:g}" for each in value)
    return str(value)


def _refuse_misfits(plan: Plan, path: Path) -> None:
    """Check what is of the right type and does not go together."""
    levels, axes = len(plan.widths), 3 if plan.image_size is None else 2
    if plan.image_size is None and plan.spacing_mm is None:
        axes = len(plan.patch_size or ())
    sizes = [*plan.strides, *plan.kernel_sizes, plan.patch_size or (1,) * axes]
    even = [size for kernel in plan.kernel_sizes for size in kernel if size % 2 == 0]
    faults = {
        "patch_size": plan.patch_size is None
        and plan.image_size is None
        and "volumes need one; give three numbers of voxels",
        "widths": levels < 2 and "a network has two levels or more; give as many numbers",
        "strides": len(plan.strides) != levels - 1
        and f"{levels} widths have {levels - 1} steps between them, and these are "
        f"{len(plan.strides)}; give as many",
        "kernel_sizes": (
            len(plan.kernel_sizes) != levels
            and f"{levels} widths need as many, and these are {len(plan.kernel_sizes)}; give one "
            "for each"
        )
        or (bool(even) and f"{even[0]} is even; give odd numbers"),
        "deep_supervision": plan.deep_supervision > levels
        and f"{plan.deep_supervision} is more than the {levels} levels; give fewer",
    }
    for name, fault in faults.items():
        if fault:
            raise InputError(f"{path}: field {name}: {fault}.")
    if {len(size) for size in sizes} != {axes} or axes not in (2, 3):
        raise InputError(
            f"{path}: fields patch_size, strides, kernel_sizes: not all have {axes} axes; "
            "give each as many numbers as the data have axes."
        )


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 98))


def _mended(text: str) -> str:
    """What msgspec says of a field, as a sentence."""
    place = re.search(r" - at `\$\.?([^`]*)`$", text)
    what = text[: place.start()] if place else text
    name = re.split(r"[.\[]", place[1])[0] if place else "of the file"
    return f"field {name}: {what[0].lower()}{what[1:].replace('`', '')}; mend it."
