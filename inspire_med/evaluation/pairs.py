"""Pairs: which prediction belongs to which reference, by case id."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.imaging.picture import IMAGE_SUFFIXES
from inspire_med.imaging.probabilities import PROBABILITIES
from inspire_med.imaging.volume import VOLUME_SUFFIXES, bare_name
from inspire_med.wording import listed

_LEFT_BY_MACOS = "__MACOSX"  # beside the folders of a zip; holds `._` files alone


@dataclass(frozen=True)
class Pairing:
    """What has a partner and what has none.

    Attributes:
        pairs: Reference and prediction by case id, sorted by id.
        missing: Ids that have a reference but no prediction.
        spurious: Ids that have a prediction but no reference.
    """

    pairs: dict[str, tuple[Path, Path]]
    missing: tuple[str, ...]
    spurious: tuple[str, ...]


def find_masks(folder: Path) -> dict[str, Path]:
    """Mask files directly in a folder, by case id (the name without its extension).

    Probability maps (`<id>_prob.nii.gz`) and hidden files are passed over.

    Raises:
        InputError: If the folder is missing or holds no masks, or two files have one id.
    """
    return _not_empty(_masks(_named(folder)), folder)


def find_maps(folder: Path) -> dict[str, Path]:
    """Grey maps in a folder by case id: probabilities where there are any, else the images.

    Raises:
        InputError: As `find_masks`, where there are neither.
    """
    return _not_empty({**_masks(_named(folder)), **find_probabilities(folder)}, folder)


def find_frames(folder: Path) -> dict[str, Path]:
    """As `find_maps`, with those of a folder a video; the id of `video/name` is `video-name`.

    Hidden folders, and what macOS puts into a zip, are passed over.

    Raises:
        InputError: As `find_maps`.
    """
    named = [*_named(folder)]
    for video in sorted(path for path in folder.iterdir() if _is_video(path)):
        named += [(f"{video.name}-{name}", path) for name, path in _named(video)]
    return _not_empty({**_masks(named), **_probabilities(named)}, folder)


def find_probabilities(folder: Path) -> dict[str, Path]:
    """Probability maps (`<case id>_prob.nii.gz`, `<case id>_prob.png`) in a folder, by case id.

    Raises:
        InputError: If the folder is missing, or two files have one id.
    """
    return _probabilities(_named(folder))


def holds_probabilities(path: Path) -> bool:
    """Whether a file is a probability map by its name."""
    return bare_name(path).endswith(PROBABILITIES)


def case_id(path: Path) -> str | None:
    """The case id a mask file's name stands for, or None if it is no mask file."""
    is_mask = path.name.lower().endswith((*VOLUME_SUFFIXES, *IMAGE_SUFFIXES))
    return bare_name(path) if is_mask else None


def pair(
    references: Mapping[str, Path], predictions: Mapping[str, Path], *, allow_missing: bool
) -> Pairing:
    """Pair references and predictions by id.

    Raises:
        InputError: If one side has ids the other lacks and `allow_missing` is False, or no id is
            on both sides.
    """
    both = sorted(references.keys() & predictions.keys())
    missing = tuple(sorted(references.keys() - predictions.keys()))
    spurious = tuple(sorted(predictions.keys() - references.keys()))
    if not both:
        raise InputError(
            f"no prediction has the id of a reference (predictions: {listed(spurious)}; "
            f"references: {listed(missing)}); name the files by case id."
        )
    if (missing or spurious) and not allow_missing:
        parts = [
            f"{len(ids)} {what} ({listed(ids)})"
            for ids, what in (
                (missing, "without a prediction"),
                (spurious, "predicted but without a reference"),
            )
            if ids
        ]
        raise InputError(
            f"cases without a partner: {' and '.join(parts)}; complete them, or pass "
            "--allow_missing to leave them out."
        )
    pairs = {name: (references[name], predictions[name]) for name in both}
    return Pairing(pairs, missing, spurious)


def _is_video(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and path.name != _LEFT_BY_MACOS


def _masks(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    return _each_once((name, path) for name, path in named if not name.endswith(PROBABILITIES))


def _probabilities(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    return _each_once(
        (name.removesuffix(PROBABILITIES), path)
        for name, path in named
        if name.endswith(PROBABILITIES)
    )


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files directly in a folder that have a case id; hidden ones are passed over."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path.")
    for path in sorted(folder.iterdir()):
        name = case_id(path)
        if name is not None and not name.startswith(".") and path.is_file():
            yield name, path


def _each_once(named: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, path in named:
        if name in found:
            raise InputError(
                f"{path}: case {name} is there twice, also as {found[name].name}; keep one."
            )
        found[name] = path
    return found


def _not_empty(found: dict[str, Path], folder: Path) -> dict[str, Path]:
    if not found:
        raise InputError(
            f"{folder}: holds no masks (volumes or images) directly inside; check the path, "
            "or give a manifest.json for a set in sub-folders."
        )
    return found
