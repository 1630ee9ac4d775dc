"""Labels: one reader of label maps for everyone, with a sentence for whatever is wrong."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid, widest_slant
from inspire_med.imaging.masks import among
from inspire_med.imaging.picture import IMAGE_SUFFIXES, read_index_image, read_mask_image
from inspire_med.imaging.stored import refuse_absent
from inspire_med.imaging.volume import VOLUME_SUFFIXES, is_volume, open_volume
from inspire_med.wording import listed

_SLANT = 1.0  # degrees that headers round
ROUNDING = 1e-3  # a slope leaves values like 2.00003, which are whole numbers


@dataclass(frozen=True)
class LabelMap:
    """One mask as the measures need it.

    Attributes:
        labels: `(*spatial)`, whole numbers from 0; volumes in the file's voxel order, images as
            rows and columns.
        spacing_mm: Voxel size along each axis; 1 (pixel) for images.
        affine: Voxel to world, or None for images and arrays.
        name: Where it came from, for messages.
        note: What the reader had to decide, in one sentence; empty where nothing.
        judged: `(*spatial)`, where `labels` say something; they are 0 elsewhere. None is
            everywhere.
    """

    labels: NDArray[Any]
    spacing_mm: tuple[float, ...]
    affine: NDArray[np.float64] | None
    name: str
    note: str = ""
    judged: NDArray[np.bool_] | None = None

    @property
    def grid(self) -> Grid | None:
        """Where the voxels lie; None for images and arrays."""
        return None if self.affine is None else Grid(self.labels.shape, self.affine)

    @property
    def values(self) -> frozenset[int]:
        """The labels that occur."""
        found = np.zeros(int(self.labels.max()) + 1, dtype=bool)
        found[self.labels] = True
        return frozenset(map(int, np.flatnonzero(found)))


def read_labels(
    path: Path, values: Collection[int] | None = None, ignore: int | None = None
) -> LabelMap:
    """Read a label file: a volume's labels, or an image's foreground as 1.

    Args:
        path: A volume or an image.
        values: What may occur in it, which `refuse_others` checks. Where other values than 0 and 1
            are among them, an image holds them as grey values or places in its palette; else it is
            black and white.
        ignore: Value of voxels that nobody has judged; it may occur, too.

    Raises:
        InputError: If the file is missing, unreadable, truncated, of another kind, does not hold
            whole non-negative labels, or lies nowhere by its affine.
    """
    if ignore is not None:
        return judged_alone(read_labels(path, {*(values or ()), ignore}), ignore)
    refuse_absent(path)
    if is_volume(path):
        return _of_volume(path)
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise InputError(
            f"{path}: not a mask file; give a volume ({', '.join(VOLUME_SUFFIXES)}) or an image "
            f"({', '.join(IMAGE_SUFFIXES)})."
        )
    if set(values or ()) <= {0, 1}:
        labels, note = read_mask_image(path)
    else:
        labels, note = _whole(read_index_image(path), str(path))
    return LabelMap(labels, (1.0, 1.0), None, str(path), note)


def label_map_of(array: NDArray[Any], spacing_mm: Sequence[float] | None, name: str) -> LabelMap:
    """Take an array as a label map.

    Raises:
        InputError: If it is not 2-D or 3-D, lacks a spacing, or does not hold labels.
    """
    if spacing_mm is None:
        raise InputError(f"{name}: an array has no spacing of its own; pass spacing_mm.")
    labels, note = _whole(_spatial(array, name), name)
    spacing = tuple(float(size) for size in spacing_mm)
    if len(spacing) != labels.ndim or not all(np.isfinite(size) and size > 0 for size in spacing):
        raise InputError(
            f"{name}: spacing {spacing} for shape {array.shape}; give one positive size an axis."
        )
    return LabelMap(labels, spacing, None, name, note)


def judged_alone(found: LabelMap, ignore: int) -> LabelMap:
    """A label map without the voxels that hold `ignore`, and with where the others are."""
    judged = found.labels != ignore
    return replace(found, labels=found.labels * judged, judged=judged)


def where_judged(prediction: LabelMap, reference: LabelMap) -> LabelMap:
    """A prediction, on its reference's grid, without what it says where nobody has judged."""
    if reference.judged is None:
        return prediction
    return replace(prediction, labels=prediction.labels * reference.judged)


def said_once(notes: Iterable[str]) -> list[str]:
    """One note of each kind, with how many more there are; file names and numbers make no kind."""
    kinds: dict[str, list[str]] = {}
    for note in notes:
        _, _, text = note.partition(": ")
        kinds.setdefault(re.sub(r"\d+", "0", text), []).append(note)
    return [
        alike[0] + (f" ({len(alike) - 1} more likewise.)" if len(alike) > 1 else "")
        for alike in kinds.values()
    ]


def refuse_others(labels: NDArray[Any], values: Collection[int], name: str) -> None:
    """Refuse labels that are not among those that may occur.

    Raises:
        InputError: If there are any, naming them.
    """
    if among(labels, values).all():
        return
    others = sorted({int(value) for value in np.unique(labels)} - set(values))
    shown = listed([str(value) for value in others])
    raise InputError(
        f"{name}: holds label {shown}, which is in no region (known: "
        f"{', '.join(map(str, sorted(values)))}); is it the label file, and of this set?"
    )


def _of_volume(path: Path) -> LabelMap:
    stored, name = open_volume(path), str(path)
    labels, note = _whole(_spatial(stored.read(None), name), name)
    grid = Grid(labels.shape, stored.affine)
    if widest_slant(grid) > _SLANT:
        slant = (
            f"{path.name}: its axes are not at right angles; distances are taken as if they were."
        )
        note = f"{note} {slant}".strip()
    return LabelMap(labels, grid.spacing_mm[: labels.ndim], stored.affine, name, note)


def _spatial(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Drop trailing axes of length one beyond the third."""
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(
            f"{name}: shape {array.shape} is not one mask; give one 2-D or 3-D label map a file."
        )
    return array


def _whole(array: NDArray[Any], name: str) -> tuple[NDArray[Any], str]:
    """Labels as unsigned integers, after checking that they are labels, and what was rounded."""
    if array.dtype.kind == "b":
        return array.astype(np.uint8), ""
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name}: stored as {array.dtype}; give whole-number labels.")
    note = ""
    if array.dtype.kind == "f":
        array, note = _rounded(array, name)
    low, high = array.min(), array.max()
    if low < 0:
        raise InputError(f"{name}: holds negative values (lowest {low:g}); labels start at 0.")
    if high > np.iinfo(np.uint16).max:
        raise InputError(f"{name}: holds {high:g}, too large for a label; is it an image?")
    kind = np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16
    return array.astype(kind, copy=False), note


def _rounded(array: NDArray[Any], name: str) -> tuple[NDArray[Any], str]:
    """Whole numbers, where a slope or a program left them whole but for rounding."""
    if not np.isfinite(array).all():
        raise InputError(f"{name}: holds NaN or infinite voxels; write whole-number labels.")
    whole = np.rint(array)
    apart = float(np.abs(array - whole).max(initial=0))
    if apart <= ROUNDING:
        note = f"{Path(name).name}: its labels are whole numbers but for a last digit; rounded."
        return whole, note if apart else ""
    if array.min() >= 0 and array.max() <= 1:
        raise InputError(
            f"{name}: holds fractions between 0 and 1, probabilities rather than labels; "
            "threshold them first."
        )
    raise InputError(f"{name}: holds values that are not whole numbers; labels are expected.")
