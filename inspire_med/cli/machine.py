"""Machine: what this computer and this install offer a run, one finding at a time."""

import os
import resource
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import torch
from torch.nn import functional as F

from inspire_med.evaluation.batch import usable_cores
from inspire_med.inference.precision import choose_precision
from inspire_med.wording import counted

PACKAGES = (
    *("inspire-med", "torch", "monai", "lightning-fabric"),
    *("numpy", "scipy", "nibabel", "SimpleITK"),
)
_GIB = 2**30
_ENOUGH_SHARED = 1.0  # GiB: a batch of volumes goes through shared memory; Docker gives 64 MiB
_ENOUGH_FILES = 1024  # workers hold one for each tensor in flight
_ENOUGH_DISK = 5.0  # GiB: three checkpoints of a large network


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        verdict: `ok`; `warn` is slow or fragile; `UNFIT` will fail or give wrong results.
        subject: What was looked at.
        text: What was found, and what to do if it is not ok.
    """

    verdict: Literal["ok", "warn", "UNFIT"]
    subject: str
    text: str


def look(place: Path) -> Iterator[Finding]:
    """Everything that can be said without a data set.

    Args:
        place: Where the run will write.
    """
    yield look_at_versions()
    yield look_at_devices()
    yield look_at_arithmetic(_device())
    yield look_at_shared_memory(Path("/dev/shm"))
    yield look_at_open_files()
    yield look_at_disk(place)


def look_at_versions() -> Finding:
    """Python and the packages that results depend on."""
    found: list[str] = [f"python {sys.version.split()[0]}"]
    absent: list[str] = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            absent.append(name)
    if absent:
        todo = "pip install 'inspire-med[train]'"
        return Finding(
            "warn", "versions", f"{', '.join(found)}; without {', '.join(absent)}; {todo}"
        )
    return Finding("ok", "versions", ", ".join(found))


def look_at_devices() -> Finding:
    """GPUs, or the CPU's cores and memory."""
    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        text = ", ".join(f"{card.name} ({card.total_memory / _GIB:.0f} GiB)" for card in cards)
        return Finding("ok", "devices", text)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    cores = usable_cores()
    text = f"no GPU; {counted(cores, 'core')}, {memory:.0f} GiB; 3-D networks will train slowly"
    return Finding("warn", "devices", text)


def look_at_arithmetic(device: torch.device) -> Finding:
    """A 3-D convolution against double precision, and the trial of reduced ones.

    Some builds computed 3-D convolutions wrongly or many times too slowly (pytorch#163539,
    pytorch#166122).
    """
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        torch.manual_seed(0)
        image = torch.randn(1, 8, 12, 12, 12, dtype=torch.float64)
        weight = torch.randn(8, 8, 3, 3, 3, dtype=torch.float64)
    exact = F.conv3d(image, weight)
    found = F.conv3d(image.float().to(device), weight.float().to(device)).double().cpu()
    error = float((found - exact).norm() / exact.norm())
    choice = choose_precision(3, device)
    text = f"conv3d error {error:.0e}; {choice.reason}; a run takes {choice.name}"
    # TF32 keeps 10 bits.
    if error > 2e-3:
        return Finding("UNFIT", "arithmetic", f"{text}; install another torch build")
    return Finding("ok", "arithmetic", text)


def look_at_shared_memory(place: Path) -> Finding:
    """Room in which data workers hand batches over."""
    if not place.is_dir():
        return Finding("warn", "shared memory", f"{place} is not there; use --data.workers 0")
    free = shutil.disk_usage(place).free / _GIB
    if free < _ENOUGH_SHARED:
        todo = "start the container with --shm-size 8g or use --data.workers 0"
        return Finding("warn", "shared memory", f"{free:.2f} GiB free in {place}; {todo}")
    return Finding("ok", "shared memory", f"{free:.1f} GiB free in {place}")


def look_at_open_files() -> Finding:
    """How many files a process may hold open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < _ENOUGH_FILES:
        return Finding("warn", "open files", f"{limit} at once; ulimit -n {4 * _ENOUGH_FILES}")
    return Finding("ok", "open files", f"{limit} at once")


def look_at_disk(place: Path) -> Finding:
    """Room for checkpoints and the store, and leave to write."""
    folder = next(path for path in (place, *place.resolve().parents) if path.is_dir())
    if not os.access(folder, os.W_OK):
        return Finding("UNFIT", "disk", f"{folder} cannot be written; choose another --run")
    free = shutil.disk_usage(folder).free / _GIB
    if free < _ENOUGH_DISK:
        return Finding("warn", "disk", f"{free:.1f} GiB free in {folder}; make room")
    return Finding("ok", "disk", f"{free:.0f} GiB free in {folder}")


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
