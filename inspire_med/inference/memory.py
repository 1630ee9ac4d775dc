"""Memory: how much of a case a network sees at a time, and where its answer gathers."""

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.inference.windows import Windows
from inspire_med.memory import available_gib, is_in_memory

_SUMS = 4  # float32 numbers of a region that are in work at a voxel of the planes in work
_OWN = 1.3  # what operations need for themselves, beside what they give
_ON_DISK = Path("/var/tmp")  # where the usual folder of temporary files is memory itself
_OF_A_MACHINE, _OF_A_GPU = 0.6, 0.85  # the rest is for the case itself, and for others


@dataclass(frozen=True)
class Room:
    """Bytes that there are.

    Args:
        device: For a network's work, beside its weights: of the GPU, or of the machine.
        host: For the answer, which gathers in the machine's memory.
    """

    device: int
    host: int


def find_room(device: torch.device, limit: int | None) -> Room:
    """The room that there is now.

    Args:
        device: Where the network runs.
        limit: Bytes that a case's windows and answer may take; None is a share of what is free.
    """
    host = int(_OF_A_MACHINE * available_gib() * 2**30) if limit is None else limit
    if device.type != "cuda":
        # Windows and answer share the machine's memory.
        return Room(device=host * 2 // 3, host=host // 3)
    free, _ = torch.cuda.mem_get_info(device)
    return Room(device=int(_OF_A_GPU * free) if limit is None else min(limit, free), host=host)


def bytes_in_work(size: Sequence[int], answer: Sequence[int], network: float) -> float:
    """Bytes that windows take at their peak, beside the case and its answer.

    Args:
        size: Voxels of a window along each axis.
        answer: `(regions, *spatial)` of the whole case.
        network: Bytes that it takes for such a window.
    """
    regions, _, *across = answer
    return _OWN * network + size[0] * math.prod(across) * regions * _SUMS * 4


@dataclass(frozen=True)
class MemoryPlan:
    """How a case is predicted.

    Args:
        windows: Where the network looks.
        shape: `(regions, *spatial)` of the answer, two bytes a number.
        on_disk: Whether it gathers in a temporary file, for want of memory.
        at_once: How many windows a network sees together.
    """

    windows: Windows
    shape: tuple[int, ...]
    on_disk: bool
    at_once: int = 1

    @classmethod
    def within(
        cls, room: Room, windows: Windows, shape: tuple[int, ...], answers: int
    ) -> "MemoryPlan":
        """Gather in memory where there is room for so many answers, which live at one time."""
        return cls(windows, shape, on_disk=answers * _bytes_of(shape) > room.host)

    def __str__(self) -> str:
        size = " x ".join(map(str, self.windows.size))
        count = len(self.windows)
        together = "" if self.at_once == 1 else f", {self.at_once} at a time"
        looks = f"{size} at once" if count == 1 else f"{count} windows of {size}{together}"
        return f"{looks}, gathered {'in a temporary file' if self.on_disk else 'in memory'}"

    def gather(self) -> NDArray[np.uint16]:
        """Room for the answer: an array, or a mapped file that goes when it is let go.

        Raises:
            InputError: If the disk has no room for the file.
        """
        return _on_disk(self.shape) if self.on_disk else np.zeros(self.shape, np.uint16)


def temporary_folder() -> Path:
    """Where temporary files lie that memory must not hold."""
    usual = Path(tempfile.gettempdir())
    return _ON_DISK if is_in_memory(usual) and os.access(_ON_DISK, os.W_OK) else usual


def _on_disk(shape: tuple[int, ...]) -> NDArray[np.uint16]:
    folder, size = temporary_folder(), _bytes_of(shape)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:  # mapped, it lives on without its name
            # Else a disk that fills up would end the process without a word.
            os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.uint16, "r+", shape=shape)
    except OSError as error:
        raise InputError(
            f"{folder}: no temporary file of {size / 2**30:.2f} GiB ({error.strerror}); make room, "
            "set TMPDIR to another folder, or give more --memory."
        ) from None


def _bytes_of(shape: Sequence[int]) -> int:
    return 2 * math.prod(shape)
