"""Means: what there is to train with, and what a step needs of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from inspire_med.cases.planning.plan import Plan


@dataclass(frozen=True)
class Shares:
    """How the batch of a step is shared out.

    Args:
        processes: That share it evenly.
        here: Of these on one machine, whose cores and memory they share too.
        parts: That a process takes its share in, one after the other (`--data.accumulate`).
    """

    processes: int = 1
    here: int = 1
    parts: int = 1

    @property
    def at_least(self) -> int:
        """The smallest batch, of which parts make all others a multiple."""
        return self.processes * self.parts

    def samples(self, batch_size: int) -> int:
        """Samples of a process's share."""
        return math.ceil(batch_size / self.processes)

    def samples_at_once(self, batch_size: int) -> int:
        """Samples that a process holds at a time."""
        return math.ceil(self.samples(batch_size) / self.parts)


@dataclass(frozen=True)
class Means:
    """What there is to train with.

    Args:
        name: `auto`, `small` or `large`.
        gpu: Whether networks of a GPU's size are wanted.
        memory_gib: What the training process may take: of the GPU, or of the machine.
        step_s: Seconds that a step may take; None is no limit.
        cores: Cores that share a step's work, where there is no GPU.
        shares: How a batch is shared out.
        words: What `memory_gib` is of, for a reader.
    """

    name: str
    gpu: bool
    memory_gib: float
    step_s: float | None
    cores: int
    shares: Shares
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


def voxels_of(plan: Plan, shares: Shares) -> int:
    """Voxels of a process's share of a step, which take its time."""
    return shares.samples(plan.batch_size) * math.prod(plan.seen_size)


def voxels_at_once(plan: Plan, shares: Shares) -> int:
    """Voxels that a process holds at a time, which take its memory."""
    return shares.samples_at_once(plan.batch_size) * math.prod(plan.seen_size)


@dataclass(frozen=True)
class Line:
    """What a step needs, as a straight line over voxels.

    Memory goes by those that a process holds at a time, seconds by those of its share.

    Args:
        fixed: At none.
        per_voxel: More for each.
        shares: How a batch is shared out.
    """

    fixed: Need
    per_voxel: Need
    shares: Shares

    @classmethod
    def through(cls, first: tuple[Plan, Need], second: tuple[Plan, Need], shares: Shares) -> "Line":
        """The lines through two measurements, the second of the larger step; they never fall."""
        (small, less), (large, more) = first, second

        def rise(a: float, b: float, voxels: Callable[[Plan, Shares], int]) -> tuple[float, float]:
            low, high = voxels(small, shares), voxels(large, shares)
            slope = max(b - a, 0.0) / (high - low)
            return max(b - slope * high, 0.0), slope

        memory = rise(less.memory_gib, more.memory_gib, voxels_at_once)
        seconds = rise(less.step_s, more.step_s, voxels_of)
        return cls(Need(memory[0], seconds[0]), Need(memory[1], seconds[1]), shares)

    def raised(self, plan: Plan, need: Need) -> "Line":
        """The lines made steeper until a plan needs what was measured of it; never flatter."""
        held, voxels = voxels_at_once(plan, self.shares), voxels_of(plan, self.shares)
        fixed, slope = self.fixed, self.per_voxel
        memory = max(slope.memory_gib, (need.memory_gib - fixed.memory_gib) / held)
        seconds = max(slope.step_s, (need.step_s - fixed.step_s) / voxels)
        return Line(fixed, Need(memory, seconds), self.shares)

    def __call__(self, plan: Plan) -> Need:
        """What a step of the plan needs."""
        held, voxels = voxels_at_once(plan, self.shares), voxels_of(plan, self.shares)
        return Need(
            self.fixed.memory_gib + self.per_voxel.memory_gib * held,
            self.fixed.step_s + self.per_voxel.step_s * voxels,
        )
