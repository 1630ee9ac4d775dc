"""Room: a full disk told from a bad network or a bad archive."""

import errno
import shutil
from pathlib import Path

from inspire_med.errors import InputError


def is_full(error: BaseException) -> bool:
    """Is it a disk, or somebody's share of it, that takes no more?"""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def refuse_no_room(folder: Path, what: str, size: int) -> None:
    """Refuse what takes more bytes than are free in a folder.

    Raises:
        InputError: If it does.
    """
    if size > shutil.disk_usage(folder).free:
        raise no_room(folder, what, size)


def no_room(folder: Path, what: str, size: int | None) -> InputError:
    """What to say of a disk that is too full, where nothing that is there is lost.

    Args:
        folder: On the disk.
        what: What does not fit.
        size: Bytes that are still to be written; None where nobody knows.
    """
    needed = "" if size is None else f"{size:,} bytes; "
    return InputError(
        f"{folder}: no room for {what} ({needed}{shutil.disk_usage(folder).free:,} are free); make "
        "room there, or in your quota, and give the same command again, which goes on from here."
    )
