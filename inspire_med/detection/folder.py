"""Folder: where a detection run writes, and which checkpoint it goes on from.

mmengine gives every start a time-stamped folder for its log, but writes checkpoints beside those,
under names that a second run would use again. So a folder with checkpoints is only written into by
the run they belong to.
"""

import re
from pathlib import Path

from inspire_med.errors import InputError

_LOGS = re.compile(r"\d{8}_\d{6}")
_POINTER = "last_checkpoint"


def begin(folder: Path, resume: str | None) -> Path | None:
    """Decide what a training run in this folder goes on from.

    Args:
        folder: The work dir; it need not exist.
        resume: None for a new run; `"auto"` for the last checkpoint in the folder, or a new run
            where there is none yet; or a checkpoint's file.

    Returns:
        The checkpoint to resume from, or None for a new run.

    Raises:
        InputError: If writing there would cost somebody's data, or there is no such checkpoint.
    """
    if folder.is_file():
        raise InputError(f"{folder}: is a file, not a folder; choose another --work-dir.")
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    held = [name for name in names if name == _POINTER or name.endswith(".pth")]
    strange = [name for name in names if name not in held and not _of_mmengine(name)]
    if strange and _POINTER not in held:  # with one it is a run's own, whatever was put beside it
        raise InputError(
            f"{folder}: holds something that is of no run ({strange[0]}); choose another "
            "--work-dir."
        )
    if resume is None:
        if held:
            raise InputError(
                f"{folder}: holds the checkpoints of a run; choose another --work-dir, or go on "
                "with --resume."
            )
        return None
    if resume == "auto":
        return _last(folder, held)
    file = Path(resume)
    if not file.is_file():
        raise InputError(f"{file}: no such checkpoint; check --resume.")
    if held and file.parent.resolve() != folder.resolve():
        raise InputError(
            f"{folder}: holds the checkpoints of another run than {file}; choose another "
            "--work-dir."
        )
    return file


def _last(folder: Path, held: list[str]) -> Path | None:
    if not held:
        return None
    if _POINTER not in held:
        raise InputError(
            f"{folder}: holds {sorted(held)[0]}, but {_POINTER} does not say which is the last; "
            "name one by --resume FILE."
        )
    named = Path((folder / _POINTER).read_text().strip())
    for file in (folder / named.name, named):  # the folder may have been moved
        if file.is_file():
            return file
    raise InputError(f"{folder / _POINTER}: names {named}, which is missing; use --resume FILE.")


def _of_mmengine(name: str) -> bool:
    """What mmengine writes beside checkpoints: logs by start, its config, and our tests."""
    return bool(_LOGS.fullmatch(name)) or name.endswith(".py") or name == "test"
