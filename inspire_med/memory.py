"""Memory: what a process may still take, and how many bytes a size is."""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from inspire_med.errors import InputError

_GIB = 2**30
_UNKNOWN = 8.0  # GiB, where the system does not say
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def bytes_of(text: str, option: str) -> int:
    """Bytes of a size such as `20GiB`.

    Raises:
        InputError: If it is none; names the option that it was given as.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([MGT]i?B)", text.strip())
    if found is None or float(found[1]) == 0:
        raise InputError(f"{option}: {text!r} is no size; give a number and a unit, as in 20GiB.")
    return math.floor(float(found[1]) * _UNITS[found[2]])


def available_gib() -> float:
    """Memory that a new process may take: of the machine, or of the container it runs in."""
    free: list[float] = []
    with suppress(OSError):
        of_machine = dict(
            line.split(":") for line in Path("/proc/meminfo").read_text().splitlines()
        )
        free.append(int(of_machine["MemAvailable"].split()[0]) / 2**20)
    free += _left_by_groups(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))
    return min(free, default=_UNKNOWN)


def is_in_memory(folder: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Whether files in a folder take memory, as those of tmpfs do; no where nobody says so."""
    with suppress(OSError):
        lines = map(str.split, mounts.read_text().splitlines())
        kinds = {Path(place): kind for _, place, kind, *_ in lines}
        own = folder.resolve()
        kind = next((kinds[place] for place in (own, *own.parents) if place in kinds), "")
        return kind in ("tmpfs", "ramfs")
    return False


def _left_by_groups(root: Path, own: Path) -> Iterator[float]:
    """GiB that the groups which a process is in leave it (cgroup v2): a container's, a job's.

    Files that were read and are kept in memory in case they are read again count as free.
    """
    with suppress(OSError):
        below = root / own.read_text().partition("0::/")[2].strip()
        for group in (below, *below.parents):
            if not group.is_relative_to(root):
                break
            with suppress(OSError, ValueError, KeyError):  # without a limit the first says "max"
                limit = int((group / "memory.max").read_text())
                used = int((group / "memory.current").read_text())
                kept = dict(map(str.split, (group / "memory.stat").read_text().splitlines()))
                yield (limit - used + int(kept["inactive_file"])) / _GIB
