"""Store: prepared cases on disk, memory-mapped, shared by every worker and process."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.case import Case
from inspire_med.cases.intensity import spread_sample
from inspire_med.cases.prepare import Prepared, prepare_case
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder
from inspire_med.imaging.placement import Placement
from inspire_med.tasks.task import Preparation

VERSION = 4  # of what preparation does; raise it when the same files would give other arrays
RECORD = "record.json"
CENTRES = 512  # labelled voxels kept for each region, to centre patches on


class Store:
    """Prepared cases in a folder, one sub-folder each, named by what went into it.

    The name holds the files' paths, sizes and times, the preparation, the channels and the regions:
    another setting is another entry, a changed file too. Entries appear whole by a rename; a
    damaged one is built again.

    Args:
        folder: Where entries lie; made if missing. Several processes may share it.
        preparation: How cases are prepared.
        channels: Channel names in the order of the network's input.
        regions: Region name to label values.
    """

    def __init__(
        self,
        folder: str | Path,
        preparation: Preparation,
        channels: Sequence[str],
        regions: Mapping[str, Sequence[int]],
    ) -> None:
        self.folder = Path(folder)
        self.preparation = preparation
        self.channels = tuple(channels)
        self.regions = {name: tuple(values) for name, values in regions.items()}

    def prepare_all(
        self,
        cases: Sequence[Case],
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Build the entries that are missing or damaged.

        Args:
            cases: The cases.
            workers: Threads; reading and resampling leave the interpreter free.
            progress: Called with (done, total) after every case.

        Raises:
            InputError: The first case's complaint; entries built before it remain.
        """
        with ThreadPoolExecutor(max(1, workers)) as pool:
            jobs = [pool.submit(self._ensure, case) for case in cases]
            try:
                for done, job in enumerate(jobs, start=1):
                    job.result()
                    if progress is not None:
                        progress(done, len(jobs))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def load(self, case: Case) -> Prepared:
        """A case's arrays as read-only memory maps (float16 image, uint8 target); built if needed.

        Raises:
            InputError: If a file of the case is broken.
        """
        entry = self._ensure(case)
        placement = Placement.from_json(json.loads((entry / RECORD).read_text())["placement"])
        target = _mapped(entry / "target.npy") if (entry / "target.npy").exists() else None
        return Prepared(_mapped(entry / "image.npy"), placement, target)

    def centres(self, case: Case) -> NDArray[np.int16]:
        """Labelled positions to centre patches on, (n, 1 + spatial dims): region, then position."""
        return np.load(self._ensure(case) / "centres.npy")

    def path(self, case: Case) -> Path:
        """Folder of the case's entry, whether or not it is there yet."""
        content = [
            VERSION,
            asdict(self.preparation),
            self.channels,
            self.regions,
            sorted((name, _identity(path)) for name, path in case.images.items()),
            sorted(case.components.items()),
            sorted(case.filled),
            None if case.label is None else _identity(case.label),
        ]
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
        return self.folder / f"{case.id}-{key}"

    def _ensure(self, case: Case) -> Path:
        entry = self.path(case)
        if _intact(entry):
            return entry
        prepared = prepare_case(case, self.channels, self.regions, self.preparation)
        with _locked(self.folder):
            if not _intact(entry):  # else another worker was faster, and its entry is the same
                shutil.rmtree(entry, ignore_errors=True)
                try:
                    with atomic_folder(entry) as temporary:
                        _write(temporary, prepared)
                except OSError:
                    # On a network's file system the lock holds on one machine only.
                    if not _intact(entry):
                        raise
        return entry


def _identity(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        raise InputError(f"{path}: no such file; check the manifest.") from None
    return str(path.resolve()), status.st_size, status.st_mtime_ns


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """One writer at a time among threads and processes; a killed one leaves no lock behind."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(folder: Path, prepared: Prepared) -> None:
    np.save(folder / "image.npy", prepared.image.astype(np.float16))
    centres = np.zeros((0, prepared.image.ndim), np.int16)
    if prepared.target is not None:
        np.save(folder / "target.npy", prepared.target)
        centres = _sample_centres(prepared.target)
    np.save(folder / "centres.npy", centres)
    sizes = {file.name: file.stat().st_size for file in folder.glob("*.npy")}
    record = {"placement": prepared.placement.to_json(), "bytes": sizes}
    (folder / RECORD).write_text(json.dumps(record, allow_nan=False))


def _sample_centres(target: NDArray[np.uint8]) -> NDArray[np.int16]:
    chosen: list[NDArray[np.int16]] = []
    for region, mask in enumerate(target):
        kept = spread_sample(np.argwhere(mask), CENTRES)
        column = np.full((len(kept), 1), region)
        chosen.append(np.hstack([column, kept]).astype(np.int16))
    return np.concatenate(chosen)


def _intact(entry: Path) -> bool:
    """Are all files there, in the sizes they were written with?"""
    try:
        sizes: dict[str, Any] = json.loads((entry / RECORD).read_text())["bytes"]
        return all((entry / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _mapped(path: Path) -> NDArray[Any]:
    return np.load(path, mmap_mode="r")
