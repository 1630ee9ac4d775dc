"""Means: what there is to train with, and what a step needs of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from inspire_med.cases.planning.plan import Plan


@dataclass(frozen=True)
class Means:
    """What there is to train with.

    Args:
        name: `auto`, `small` or `large`.
        gpu: Whether networks of a GPU's size are wanted.
        memory_gib: What the training process may take: of the GPU, or of the machine.
        step_s: Seconds that a step may take; None is no limit.
        cores: Cores that share a step's work, where there is no GPU.
        processes: That share a batch.
        words: What `memory_gib` is of, for a reader.
    """

    name: str
    gpu: bool
    memory_gib: float
    step_s: float | None
    cores: int
    processes: int
    words: str


@dataclass(frozen=True)
class Need:
    """What a training step takes.

    Args:
        memory_gib: Peak memory of the process.
        step_s: Seconds; on a CPU those of its cores' work shared out evenly, so that what else the
            machine does hardly matters.
    """

    memory_gib: float
    step_s: float

    def fits(self, means: Means) -> bool:
        """Whether there is room and time for it."""
        return self.memory_gib <= means.memory_gib and self.in_time(means)

    def in_time(self, means: Means) -> bool:
        """Whether there is time for it."""
        return means.step_s is None or self.step_s <= means.step_s


NeedOf = Callable[[Plan], Need]


def voxels_of(plan: Plan, processes: int) -> int:
    """Voxels of a process's share of a step."""
    return math.ceil(plan.batch_size / processes) * math.prod(plan.seen_size)


@dataclass(frozen=True)
class Line:
    """What a step needs, as a straight line over the voxels of one process's share.

    Args:
        fixed: At none.
        per_voxel: More for each.
        processes: That share a batch.
    """

    fixed: Need
    per_voxel: Need
    processes: int

    @classmethod
    def through(cls, first: tuple[Plan, Need], second: tuple[Plan, Need], processes: int) -> "Line":
        """The line through two measurements, the second of the larger step; it never falls."""
        (small, less), (large, more) = first, second
        low, high = voxels_of(small, processes), voxels_of(large, processes)

        def rise(a: float, b: float) -> tuple[float, float]:
            slope = max(b - a, 0.0) / (high - low)
            return max(b - slope * high, 0.0), slope

        memory, seconds = rise(less.memory_gib, more.memory_gib), rise(less.step_s, more.step_s)
        return cls(Need(memory[0], seconds[0]), Need(memory[1], seconds[1]), processes)

    def raised(self, plan: Plan, need: Need) -> "Line":
        """The line made steeper until a plan needs what was measured of it; never flatter."""
        voxels, fixed, slope = voxels_of(plan, self.processes), self.fixed, self.per_voxel
        memory = max(slope.memory_gib, (need.memory_gib - fixed.memory_gib) / voxels)
        seconds = max(slope.step_s, (need.step_s - fixed.step_s) / voxels)
        return Line(fixed, Need(memory, seconds), self.processes)

    def __call__(self, plan: Plan) -> Need:
        """What a step of the plan needs."""
        voxels = voxels_of(plan, self.processes)
        return Need(
            self.fixed.memory_gib + self.per_voxel.memory_gib * voxels,
            self.fixed.step_s + self.per_voxel.step_s * voxels,
        )
