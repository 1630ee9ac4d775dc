"""Store: prepared cases on disk, shared by every worker and process, movable to other machines."""

import fcntl
import glob
import os
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases import entry as entries
from inspire_med.cases.align import as_read
from inspire_med.cases.case import Case
from inspire_med.cases.prepare import Prepared, foreground_statistics, prepare_case
from inspire_med.cases.room import make_room
from inspire_med.cases.sources import asked_of, content_of, digest
from inspire_med.errors import InputError
from inspire_med.files import atomic_folder, read_json, write_json
from inspire_med.tasks.task import Preparation

VERSION = 6  # of what preparation does; raise it when the same files would give other arrays
_KNOWN = "sources"  # folder in the store: what files hold, by how they look
_Read = TypeVar("_Read")


class Store:
    """Prepared cases in a folder, one sub-folder each, named by what went into it.

    The name tells the case, what was asked for (the preparation, the channels, the regions, the
    files' names) and what the files hold: another setting is another entry, a changed file too,
    and the same files in another place are not. Where the files are not there, as on a machine
    that the folder was copied to, the entry of the same case and request stands for them. Entries
    appear whole by a rename; a damaged one is built again. What was looked at once is trusted from
    then on: a run asks for a case's files at its start alone.

    Args:
        folder: Where entries lie; made if missing. Several processes may share it.
        preparation: How cases are prepared.
        channels: Channel names in the order of the network's input.
        regions: Region name to label values.
        limit: Bytes that the folder may take; entries of other runs make way. None is no limit.
    """

    def __init__(
        self,
        folder: str | Path,
        preparation: Preparation,
        channels: Sequence[str],
        regions: Mapping[str, Sequence[int]],
        limit: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.preparation = preparation
        self.channels = tuple(channels)
        self.regions = {name: tuple(values) for name, values in regions.items()}
        self.limit = limit
        self._known: dict[str, tuple[Case, Path]] = {}
        self._needed: set[str] = set()

    def prepare_all(
        self,
        cases: Sequence[Case],
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
        others: Sequence[Case] = (),
    ) -> None:
        """Build the entries that are missing or damaged.

        Args:
            cases: The cases.
            workers: Threads; reading and resampling leave the interpreter free.
            progress: Called with (done, total) after every case.
            others: Cases that the run needs as well: their entries do not make way.

        Raises:
            InputError: The first case's complaint; entries built before it remain.
        """
        with ThreadPoolExecutor(max(1, workers)) as pool:
            if self.limit is not None:
                self._needed |= {place.name for place in pool.map(self.path, (*cases, *others))}
                with _locked(self.folder):
                    make_room(self.folder, self.limit, self._needed)
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
        """A case's arrays as read-only memory maps (image, uint8 target); built if needed.

        The target is that of `Prepared`, of what was judged too.

        Images are float16, or float32 where their numbers are too large for it.

        Raises:
            InputError: If a file of the case is broken.
        """
        image, target = self.arrays(case)
        return Prepared(image, self._read(case, entries.placement), target)

    def arrays(self, case: Case) -> tuple[NDArray[np.floating], NDArray[np.uint8] | None]:
        """Image and target of `load`, without the way back."""
        return self._read(case, entries.arrays)

    def centres(self, case: Case) -> NDArray[np.int16]:
        """Labelled positions to centre patches on, (n, 1 + spatial dims): region, then position."""
        known = self._read(case, entries.centres)
        return known[known[:, 0] < len(self.regions)]

    def judged(self, case: Case) -> NDArray[np.int16]:
        """Positions that were judged, (n, spatial dims); none where the set ignores no label."""
        if self.preparation.ignore is None:
            return np.zeros((0, len(case.shape)), np.int16)
        known = self._read(case, entries.centres)
        return known[known[:, 0] == len(self.regions), 1:]

    def holds_alone(self, case: Case) -> bool:
        """Whether a file of the case is not here, so that its entry stands for it."""
        return self._as_read(case).missing_file() is not None

    def path(self, case: Case) -> Path:
        """Folder of the case's entry, whether or not it is there yet.

        Raises:
            InputError: If a file of the case is not there, and not one entry for it.
        """
        return self._place(case.id, [case])

    def statistics(self, cases: Sequence[Case]) -> dict[str, dict[str, float]]:
        """What `ct` needs to know of the labelled voxels of the training cases, kept in the store.

        Raises:
            InputError: As `foreground_statistics`.
        """
        file = self._place("statistics", cases)
        if file.exists():
            return read_json(file)
        found = foreground_statistics(cases, self.channels, self.regions, self.preparation)
        write_json(file, found)
        return found

    def _place(self, name: str, cases: Sequence[Case]) -> Path:
        """Where lies what is made of these cases: by what is asked for, and by their files."""
        cases = [self._as_read(case) for case in cases]
        asked = [VERSION, self.preparation.to_json(), self.channels, self.regions]
        begin = f"{name}-{digest(*asked, *map(asked_of, cases))}"
        contents = [content_of(case, self.folder / _KNOWN) for case in cases]
        if None not in contents:
            return self.folder / f"{begin}-{digest(*contents)}"
        found = sorted(self.folder.glob(f"{glob.escape(begin)}-*"))
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                f"{found[0]}: is one of {len(found)} alike, made of other files each, and the "
                "files are not here to choose by; keep one of them."
            )
        case = cases[contents.index(None)]
        raise InputError(
            f"{case.missing_file()}: no such file; check the manifest, or give a --store that "
            f"holds {case.id} prepared by the same options."
        )

    def _as_read(self, case: Case) -> Case:
        return as_read(case, self.channels, self.preparation)

    def _read(self, case: Case, read: Callable[[Path], _Read]) -> _Read:
        """Read from the case's entry, and once more if it was damaged or removed meanwhile."""
        entry = self._ensure(case)
        try:
            return read(entry)
        except (OSError, ValueError):
            self._known.pop(case.id, None)
            return read(self._ensure(case))

    def _ensure(self, case: Case) -> Path:
        known = self._known.get(case.id)
        if known is None or known[0] != case:
            known = case, self._built(case)
            self._known[case.id] = known
        return known[1]

    def _built(self, case: Case) -> Path:
        entry = self.path(case)
        if entries.is_sound(entry):
            with suppress(OSError):
                os.utime(entry / entries.RECORD)  # entries that are not used make way
            return entry
        if self.holds_alone(case):
            raise InputError(
                f"{entry}: is damaged, and {self._as_read(case).missing_file()}, which it could be "
                "made of again, is not here; copy the folder again."
            )
        prepared = prepare_case(case, self.channels, self.regions, self.preparation)
        with _locked(self.folder):
            if not entries.is_sound(entry):  # else another worker was faster, with the same
                shutil.rmtree(entry, ignore_errors=True)
                try:
                    with atomic_folder(entry) as temporary:
                        entries.write_entry(temporary, prepared)
                except OSError:
                    # On a network's file system the lock holds on one machine only.
                    if not entries.is_sound(entry):
                        raise
            if self.limit is not None:
                make_room(self.folder, self.limit, {*self._needed, entry.name})
        return entry


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
