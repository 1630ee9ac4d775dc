"""Memory: how much of a case a network sees at a time, and where its answer gathers."""

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.inference.windows import Windows, fewest_voxels
from inspire_med.memory import available_gib

_SUMS = 4  # float32 numbers of a region that are in work at a voxel of the planes in work
_OWN = 1.3  # what operations need for themselves, beside what they give
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


@dataclass(frozen=True)
class MemoryPlan:
    """How a case is predicted.

    Args:
        windows: Where the network looks.
        shape: `(regions, *spatial)` of the answer, two bytes a number.
        on_disk: Whether it gathers in a temporary file, for want of memory.
    """

    windows: Windows
    shape: tuple[int, ...]
    on_disk: bool

    def __str__(self) -> str:
        size = " x ".join(map(str, self.windows.size))
        count = len(self.windows)
        looks = f"{size} at once" if count == 1 else f"{count} windows of {size}"
        return f"{looks}, gathered {'in a temporary file' if self.on_disk else 'in memory'}"

    def gather(self) -> NDArray[np.uint16]:
        """Room for the answer: an array, or a mapped file that goes when it is let go."""
        if not self.on_disk:
            return np.zeros(self.shape, np.uint16)
        with tempfile.TemporaryFile() as file:  # mapped, it lives on without its name
            return np.memmap(file, np.uint16, "w+", shape=self.shape)


def plan_memory(
    shape: Sequence[int],
    training: Sequence[int],
    *,
    overlap: float,
    largest: bool,
    regions: int,
    answers: int,
    needs: Callable[[tuple[int, ...]], float],
    room: Room,
) -> MemoryPlan:
    """Choose the windows, and where the answer gathers.

    Args:
        shape: Voxels of the prepared case along each axis.
        training: Voxels of the training's patches.
        overlap: Share of such a patch that neighbouring windows both see.
        largest: Take the largest windows that there is room for; else those of the training.
        regions: Of an answer.
        answers: That live at one time.
        needs: Bytes that a network takes at its peak for a window of that size.
        room: What there is.
    """
    across = math.prod(shape[1:])

    def fits(size: tuple[int, ...]) -> bool:
        planes = min(size[0], shape[0]) * across * regions * _SUMS * 4
        return _OWN * needs(size) + planes <= room.device

    if largest:
        windows = fewest_voxels(shape, training, overlap=overlap, fits=fits)
    else:
        windows = Windows.over(shape, training, overlap)
    answer = (regions, *shape)
    return MemoryPlan(windows, answer, on_disk=2 * answers * math.prod(answer) > room.host)
