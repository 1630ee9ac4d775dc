"""Room: what a store may take on the disk, and what makes way for more."""

import shutil
from collections.abc import Collection
from pathlib import Path

from inspire_med.cases.entry import RECORD
from inspire_med.errors import InputError


def make_room(folder: Path, limit: int, needed: Collection[str]) -> None:
    """Remove the entries that were not used for longest until the store keeps its limit.

    Args:
        folder: The store.
        limit: Bytes.
        needed: Names of the entries that must stay.

    Raises:
        InputError: If those alone take more.
    """
    records = [path for path in folder.glob(f"*/{RECORD}") if path.parent.name[0] != "."]
    entries = {record.parent: record.stat().st_mtime_ns for record in records}
    sizes = {entry: _bytes(entry) for entry in entries}
    total = sum(sizes.values())
    idle = sorted((e for e in entries if e.name not in needed), key=lambda e: entries[e])
    for entry in idle:
        if total <= limit:
            return
        shutil.rmtree(entry, ignore_errors=True)
        total -= sizes[entry]
    if total > limit:
        raise InputError(
            f"--store_limit: {limit / 2**30:.3g} GiB do not hold the prepared cases of this run, "
            f"of which the first {len(entries) - len(idle)} take {total / 2**30:.3g} GiB; give "
            "more, or prepare fewer or smaller ones."
        )


def _bytes(entry: Path) -> int:
    return sum(file.stat().st_size for file in entry.iterdir())
