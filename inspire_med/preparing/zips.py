"""Zips: sources that come as one, unpacked beside the manifest, where they stay."""

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.fetching.unpack import unpack
from inspire_med.files import atomic_folder


def unpacked(sources: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    """The sources, each zip among them unpacked into a new folder of its name.

    Args:
        sources: Folders, zips, datalists.
        folder: That of the manifest, which will name the files.

    Raises:
        InputError: As `unpack`; also if the new folder is there already.
    """
    return tuple(
        _unpacked(source, folder / source.stem) if zipfile.is_zipfile(source) else source
        for source in sources
    )


def _unpacked(archive: Path, folder: Path) -> Path:
    if folder.exists():
        raise InputError(
            f"{archive}: would be unpacked into {folder}, which is there already; give that folder "
            "as --source, or move it away."
        )
    with atomic_folder(folder) as new:
        unpack(archive, new)
    print(f"{archive}: unpacked into {folder}, which the manifest will name", file=sys.stderr)
    return folder
