"""Entry: one prepared case as a folder of files that are mapped into memory and can be checked."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.intensity import spread_sample
from inspire_med.cases.prepare import Prepared
from inspire_med.files import sha256, write_json
from inspire_med.imaging.placement import Placement

RECORD = "record.json"
CENTRES = 512  # labelled voxels kept for each region, to centre patches on
_IMAGE, _TARGET, _CENTRES, _PLACEMENT = "image.npy", "target.npy", "centres.npy", "placement.json"


def write_entry(folder: Path, prepared: Prepared) -> None:
    """Write a case's arrays, and a record of their sha256, into an empty folder."""
    np.save(folder / _IMAGE, _halved(prepared.image))
    centres = np.zeros((0, prepared.image.ndim), np.int16)
    if prepared.target is not None:
        np.save(folder / _TARGET, prepared.target)
        centres = sample_centres(prepared.target)
    np.save(folder / _CENTRES, centres)
    (folder / _PLACEMENT).write_text(json.dumps(prepared.placement.to_json(), allow_nan=False))
    files = sorted(folder.iterdir())
    record = {
        "sha256": {file.name: sha256(file) for file in files},
        "seen": {file.name: _seen(file) for file in files},
    }
    write_json(folder / RECORD, record)


def _halved(image: NDArray[Any]) -> NDArray[np.floating]:
    """An image in half the bytes, or as it is where its numbers are too large for that."""
    fits = np.abs(image).max(initial=0) <= np.finfo(np.float16).max
    return image.astype(np.float16) if fits else image


def is_sound(entry: Path) -> bool:
    """Are all files there, with the content that they were written with?

    A file is read and hashed if it does not look as when it last was: after a copy, a move or a
    change. So a store on its own machine costs a look at each file, and one that came from
    elsewhere is read once.
    """
    try:
        record = json.loads((entry / RECORD).read_text())
        hashes: dict[str, str] = record["sha256"]
        seen = {name: _seen(entry / name) for name in hashes}
        if seen == record["seen"]:
            return True
        if any(sha256(entry / name) != known for name, known in hashes.items()):
            return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    with suppress(OSError):  # a folder that cannot be written is hashed each time
        write_json(entry / RECORD, {**record, "seen": seen})
    return True


def arrays(entry: Path) -> tuple[NDArray[np.floating], NDArray[np.uint8] | None]:
    """Image and target of an entry as read-only memory maps."""
    target = entry / _TARGET
    return _mapped(entry / _IMAGE), _mapped(target) if target.exists() else None


def placement(entry: Path) -> Placement:
    """The way back from an entry to its case's own grid."""
    return Placement.from_json(json.loads((entry / _PLACEMENT).read_text()))


def centres(entry: Path) -> NDArray[np.int16]:
    """Positions within the target's masks, (n, 1 + spatial dims): number of mask, then position."""
    return np.load(entry / _CENTRES)


def sample_centres(target: NDArray[np.uint8]) -> NDArray[np.int16]:
    """At most `CENTRES` voxels of each of (masks, *spatial), evenly spread over it."""
    chosen: list[NDArray[np.int16]] = []
    for region, mask in enumerate(target):
        places = spread_sample(np.flatnonzero(mask), CENTRES)
        kept = np.stack(np.unravel_index(places, mask.shape), axis=1)
        column = np.full((len(kept), 1), region)
        chosen.append(np.hstack([column, kept]).astype(np.int16))
    return np.concatenate(chosen)


def _seen(file: Path) -> list[int]:
    """Size, time and place on the disk: what a copy or a change alters."""
    status = file.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _mapped(path: Path) -> NDArray[Any]:
    return np.load(path, mmap_mode="r")
