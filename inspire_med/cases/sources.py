"""Sources: what a prepared case is made of, known again wherever its files lie."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from inspire_med.cases.case import Case
from inspire_med.files import sha256, write_text
from inspire_med.imaging.dicom.known import claims_dicom
from inspire_med.imaging.itk import ITK_SUFFIXES
from inspire_med.imaging.volume import files_of

_MAY_BE_HEADERS = (".hdr", *ITK_SUFFIXES)  # others, but DICOM, hold their voxels: not opened


def digest(*content: Any) -> str:
    """Sixteen letters that stand for something JSON-able."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def asked_of(case: Case) -> Any:
    """What a case is called and which files it has, wherever they lie."""
    images = sorted((name, path.name) for name, path in case.images.items())
    label = None if case.label is None else case.label.name
    return [case.id, images, sorted(case.components.items()), sorted(case.filled), label]


def content_of(case: Case, known: Path) -> str | None:
    """What the case's files hold, in sixteen letters; None if one of them is not there.

    They are read whole once in each place where they lie. The answer is kept under their paths,
    sizes, times and places on the disk, so that a file that looks as before is not read again.

    Args:
        case: The case.
        known: Folder of the answers; one that cannot be written has them read each time.

    Raises:
        InputError: If a header that may have its voxels beside it, or a DICOM file, is broken.
    """
    if case.missing_file() is not None:
        return None
    files = dict(_files(case))
    looks = [(str(file), _look(file)) for file in files.values()]
    answer = known / digest(*looks)
    with suppress(OSError, UnicodeDecodeError):
        if len(said := answer.read_text()) == len(digest()):
            return said
    sums = {file: sha256(file) for file in set(files.values())}
    found = digest(*((name, sums[file]) for name, file in files.items()))
    with suppress(OSError):
        write_text(answer, found)
    return found


def _files(case: Case) -> Iterator[tuple[str, Path]]:
    """The case's files, those beside them too, under names that tell their part in it."""
    label = {} if case.label is None else {"": case.label}
    for name, path in sorted({**case.images, **label}.items()):
        several = path.name.lower().endswith(_MAY_BE_HEADERS) or claims_dicom(path)
        parts = files_of(path) if several else (path,)
        for place, file in enumerate(parts):
            yield f"{place} {name}", file


def _look(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
