"""Means: what this machine has to train with, as far as a plan may count on it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

from inspire_med.cases.planning.means import Means
from inspire_med.evaluation.batch import usable_cores

_GIB = 2**30
_OF_A_GPU = 0.85  # the rest is for the driver, and for what fragments
_MOST_OF_A_GPU = (
    40.0  # nnU-Net's largest preset (Isensee et al., MICCAI 2024); more is slower alone
)
_OF_A_MACHINE = 0.5  # data workers and the file cache have the other half
_LARGE = 24.0  # GiB of a GPU that is not here
_SMALL = 4.0  # GiB of a machine with two cores
_STEP_S = 3.0


def find_means(name: str, processes: int = 1) -> Means:
    """What there is to train with.

    Args:
        name: `small`: two cores and little memory; `large`: a big GPU, be it here or not; `auto`:
            this machine's GPU, or its cores.
        processes: That share a batch.
    """
    here_gib = _gpu_gib()
    if name == "large" or (name == "auto" and here_gib is not None):
        gib = _LARGE if here_gib is None else min(_OF_A_GPU * here_gib, _MOST_OF_A_GPU)
        where = "a large GPU" if here_gib is None else "the GPU"
        return Means(name, True, gib, None, usable_cores(), processes, where)
    gib, cores = _OF_A_MACHINE * available_gib() / processes, usable_cores()
    if name == "small":
        gib, cores = min(gib, _SMALL), min(cores, 2)
    return Means(name, False, gib, _STEP_S, cores, processes, "memory")


def available_gib() -> float:
    """Memory that a new process may take: of the machine, or of the container it runs in."""
    free: list[float] = []
    with suppress(OSError):
        of_machine = dict(
            line.split(":") for line in Path("/proc/meminfo").read_text().splitlines()
        )
        free.append(int(of_machine["MemAvailable"].split()[0]) / 2**20)
    free += _left_by_groups(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))
    return min(free, default=_SMALL / _OF_A_MACHINE)


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


def _gpu_gib() -> float | None:
    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_properties(0).total_memory / _GIB
