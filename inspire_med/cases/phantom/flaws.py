"""Flaws: what is wrong with real sets, put into made ones, with a list that says where it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.layouts.recognise import find_cases
from inspire_med.cases.phantom.make import WRITERS
from inspire_med.cases.phantom.subject import Size, Subject
from inspire_med.errors import InputError, did_you_mean
from inspire_med.files import write_json
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.volume import read_volume, write_volume
from inspire_med.tasks.task import Task

LIST = "flaws.json"
ALL = "all"
_SITES_ALIKE = 6  # numbers so far apart are of one site, whether two or three take turns


@dataclass(frozen=True)
class MadeSet:
    """A set that `make_phantom` wrote.

    Args:
        maker: Its maker's name.
        task: What it is of.
        folder: Where it was made.
        source: Where below its layout begins.
        ids: Of its cases, by number.
        seed: Of the set.
        size: Of the set.
    """

    maker: str
    task: Task
    folder: Path
    source: Path
    ids: Sequence[str]
    seed: int
    size: Size

    def case(self, name: str) -> FoundCase:
        """The case of this id, as its layout shows it."""
        return next(case for case in find_cases(self.task, self.source).cases if case.id == name)


# What a flaw touches: the files that are wrong, or the case that was added.
Files = list[Path]


def _cut(case: FoundCase) -> Files:
    path = _image(case)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return [path]


def _remove_label(case: FoundCase) -> Files:
    label = _label(case)
    label.unlink()
    return [label]


def _remove_channel(case: FoundCase) -> Files:
    *_, last = case.images.values()
    last.unlink()
    return [last]


def _not_a_number(case: FoundCase) -> Files:
    return _rewrite(_image(case), lambda values: np.where(_middle(values), np.nan, values))


def _constant(case: FoundCase) -> Files:
    return _rewrite(_image(case), lambda values: np.full_like(values, 100))


def _odd_value(case: FoundCase) -> Files:
    return _rewrite(_label(case), lambda values: np.where(_middle(values), 7, values), np.uint8)


def _empty(case: FoundCase) -> Files:
    return _rewrite(_label(case), np.zeros_like, np.uint8)


def _outside(case: FoundCase) -> Files:
    def to_corner(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        middle = np.argwhere(values > 0).mean(axis=0).round().astype(int)
        return np.roll(values, -middle, axis=range(values.ndim))

    return _rewrite(_label(case), to_corner, np.uint8)


def _other_grid(case: FoundCase) -> Files:
    label = _label(case)
    volume = read_volume(label)
    half = volume.values[::2, ::2, ::2].astype(np.uint8)
    affine = volume.grid.affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    write_volume(label, half, Grid(half.shape, affine))
    return [label]


def _moved(case: FoundCase) -> Files:
    label = _label(case)
    volume = read_volume(label)
    affine = volume.grid.affine.copy()
    affine[0, 3] += 5
    write_volume(label, volume.values.astype(np.uint8), Grid(volume.grid.shape, affine))
    return [label]


def _other_size(case: FoundCase) -> Files:
    label = _label(case)
    with Image.open(label) as picture:
        smaller = picture.resize((picture.width // 2, picture.height // 2))
    smaller.save(label)
    return [label]


_VOLUME = {
    "cut": ("image cut off half way", _cut),
    "constant": ("image of one value", _constant),
    "nan": ("NaN in the image", _not_a_number),
    "no_channel": ("last channel's file is missing", _remove_channel),
    "no_label": ("label's file is missing", _remove_label),
    "empty_label": ("label is empty", _empty),
    "odd_value": ("7 in the label", _odd_value),
    "label_outside": ("label in a corner, where no patient is", _outside),
    "label_moved": ("label's place 5 mm beside the image's", _moved),
    "label_grid": ("label on a grid of half the voxels an axis", _other_grid),
}
_PICTURE = {
    **{name: _VOLUME[name] for name in ("cut", "constant", "no_label", "empty_label")},
    "label_size": ("mask of half the picture's size", _other_size),
}
_ADDED = {
    "twin": "the same image under another name, stored otherwise",
    "patient": "the same patient under another name, seen a second time",
}
_ADDED_PICTURE = {**_ADDED, "frame": "the next frame: shifted, brighter, compressed again"}


def flaws_of(task: Task) -> Mapping[str, str]:
    """The flaws that a task's files can have, and each in words."""
    marred, added = (_PICTURE, _ADDED_PICTURE) if task.spatial_dims == 2 else (_VOLUME, _ADDED)
    lacking = {"no_channel"} if len(task.channels) == 1 else set[str]()
    words = {name: said for name, (said, _) in marred.items() if name not in lacking}
    return {**words, **added}


def chosen(asked: Sequence[str], task: Task, cases: int) -> tuple[str, ...]:
    """The flaws that were asked for; one may be asked for several times.

    Raises:
        InputError: If one is unknown, or there are fewer cases than flaws.
    """
    known = flaws_of(task)
    names = tuple(known) if ALL in asked else tuple(asked)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, f"choose from {ALL}, {', '.join(known)}.")
            raise InputError(f"--flaws {name}: no flaw that {task.name} files can have; {hint}")
    if cases < len(names):
        raise InputError(
            f"--phantom {cases}: {len(names)} flaws are asked for, and each takes a case of its "
            f"own; give {len(names)} or more."
        )
    return names


def add_flaws(made: MadeSet, names: Sequence[str]) -> None:
    """Put flaws into a made set, the k-th into its k-th case, and write the list of them.

    Args:
        made: The set.
        names: As `chosen` gave them.
    """
    marred = _PICTURE if made.task.spatial_dims == 2 else _VOLUME
    words = flaws_of(made.task)
    added = [number for number, name in enumerate(names) if name not in marred]
    cases = {number: made.case(made.ids[number]) for number in range(len(names))}
    entries: list[dict[str, Any]] = []
    free = count(len(made.ids))
    for number in added:
        twin = next(each for each in free if (each - number) % _SITES_ALIKE == 0)
        entries.append(_add(made, names[number], number, twin))
    for number, name in enumerate(names):
        if name in marred:
            files = marred[name][1](cases[number])
            entries.append(_entry(made, name, cases[number], files))
    for entry in entries:
        entry["words"] = words[entry["flaw"]]
    write_json(made.folder / LIST, {"seed": made.seed, "flaws": entries})


def _add(made: MadeSet, flaw: str, number: int, new: int) -> dict[str, Any]:
    """A case more, which is too much like an old one."""
    subject = Subject.draw(made.seed, new, body_of=number if flaw == "patient" else None)
    name = WRITERS[made.maker](made.folder, subject, made.size)
    old, case = made.case(made.ids[number]), made.case(name)
    if flaw != "patient":
        if made.task.spatial_dims == 2:
            _take_picture(old, case, next_frame=flaw == "frame")
        else:
            _take_volumes(old, case)
        case = made.case(name)
    return {**_entry(made, flaw, case, case.files), "of": old.id}


def _take_volumes(old: FoundCase, case: FoundCase) -> None:
    """Voxels are those of the old case, written as another type."""
    for source, target in zip(old.files, case.files, strict=True):
        volume = read_volume(source)
        dtype = np.uint8 if source == old.label else np.float64
        write_volume(target, volume.values.astype(dtype), volume.grid)


def _take_picture(old: FoundCase, case: FoundCase, *, next_frame: bool) -> None:
    """The old picture as PNG, or as the frame after it would look."""
    for source, target in ((_image(old), _image(case)), (_label(old), _label(case))):
        target.unlink()
        with Image.open(source) as picture:
            pixels = np.asarray(picture)
        if next_frame:
            pixels = np.roll(pixels, 1, axis=1)
            if source != old.label:
                pixels = np.clip(pixels * 1.04, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(target if next_frame else target.with_suffix(".png"))


def _entry(made: MadeSet, flaw: str, case: FoundCase, files: Sequence[Path]) -> dict[str, Any]:
    root = made.folder.absolute()
    named = sorted({path.absolute().relative_to(root).as_posix() for path in files})
    return {"flaw": flaw, "case": case.id, "files": named}


def _image(case: FoundCase) -> Path:
    return next(iter(case.images.values()))


def _label(case: FoundCase) -> Path:
    assert case.label is not None
    return case.label


def _middle(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Two voxels along each axis."""
    chosen = np.zeros(values.shape, bool)
    chosen[tuple(slice(size // 2, size // 2 + 2) for size in values.shape)] = True
    return chosen


def _rewrite(
    path: Path,
    change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    dtype: type[np.generic] = np.float32,
) -> Files:
    """A volume or picture whose values are changed."""
    if path.suffix == ".jpg":
        with Image.open(path) as picture:
            pixels = np.asarray(picture)
        Image.fromarray(change(pixels).astype(np.uint8)).save(path)
    else:
        volume = read_volume(path)
        write_volume(path, change(volume.values).astype(dtype), volume.grid)
    return [path]
