"""Found: what a layout's reader saw in a folder, before any file was opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inspire_med.evaluation.masks import NIFTI_SUFFIXES


@dataclass(frozen=True)
class FoundCase:
    """Files that belong together by their names. Arguments as in `data.case.Case`."""

    id: str
    patient: str
    images: Mapping[str, Path]
    label: Path | None = None
    site: str = ""
    components: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """The cases of a folder, and what is wrong with their names.

    Args:
        layout: Name of the release whose shape the folder has.
        channels: All channel names of the layout, in order.
        cases: The cases.
        problems: One sentence each.
        notes: What was understood from the names and should be said aloud.
    """

    layout: str
    channels: tuple[str, ...]
    cases: tuple[FoundCase, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def files_below(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Files with these endings in any depth, sorted, without hidden ones and AppleDouble twins."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(suffixes)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


def bare_name(path: Path) -> str:
    """File name without .nii, .nii.gz or the last suffix."""
    name = path.name
    for suffix in NIFTI_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem
