"""Ensemble: the probabilities of a case by several networks together."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspire_med.cases.prepare import Prepared
from inspire_med.errors import InputError
from inspire_med.imaging.placement import Placement
from inspire_med.inference.allocator import return_freed_memory
from inspire_med.inference.batch import find_batch
from inspire_med.inference.footprint import peak_bytes
from inspire_med.inference.members import Member
from inspire_med.inference.memory import MemoryPlan, Room, bytes_in_work, find_room
from inspire_med.inference.settings import OVERLAP, Settings
from inspire_med.inference.sliding_window import Watch, region_probabilities
from inspire_med.inference.windows import Windows, fewest_voxels
from inspire_med.tasks.task import Preparation

Prepare = Callable[[Preparation], Prepared]
_LARGE = 2**26  # bytes; what smaller cases leave behind is worth keeping for the next


class Ensemble:
    """Networks of one description, whose probabilities are averaged, each alike.

    Args:
        members: One or more.
        settings: How they predict.
    """

    def __init__(self, members: Sequence[Member], settings: Settings) -> None:
        self.card = members[0].card
        self._settings = settings
        self._alone = threading.Lock()  # the memory there is was planned for one case at a time
        layout = torch.channels_last if len(self.card.patch_size) == 2 else torch.channels_last_3d
        self._batches = dict[tuple[int, ...], int]()
        self.networks = list[tuple[Preparation, nn.Module]]()
        for member in members:
            network = member.network.to(settings.device).eval()
            network = network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
            self.networks.append((member.card.preparation, network))

    def __call__(
        self, prepare: Prepare, watch: Watch | None = None
    ) -> tuple[NDArray[np.uint16], Placement, MemoryPlan]:
        """Find a case's probabilities.

        Args:
            prepare: Brings the case to a network, as that network's training did.
            watch: Hears how many of how many windows are done; must not ask these networks itself.

        Returns:
            `(regions, *size)`, as `region_probabilities` gives them; the way back to the case's own
            grid; and how the case was seen.

        Raises:
            InputError: If a network's answer is not finite.
        """
        count = len(self.networks)
        first, network = self.networks[0]
        prepared = _prepared(prepare, first)
        with self._alone:
            plan = self.plan(prepared.placement.size)
            plan = replace(plan, at_once=self._at_once(plan.windows))
            mean = self._answer(network, prepared, plan, _part(watch, 0, count))
            before = first
            for index, (preparation, network) in enumerate(self.networks[1:], 1):
                if preparation != before:
                    del prepared  # two are too many
                    prepared, before = _prepared(prepare, preparation), preparation
                own = self._answer(network, prepared, plan, _part(watch, index, count))
                _average_in(mean, own, index + 1)
        return mean, prepared.placement, plan

    def plan(self, shape: Sequence[int]) -> MemoryPlan:
        """How a prepared case of that shape is seen, with the memory that there was at first."""
        answer = (len(self.card.regions), *shape)
        if self._settings.windows == "largest":
            windows = self._as_large_as_fits(answer)
        else:
            windows = Windows.over(answer[1:], self.card.patch_size, OVERLAP)
        answers = min(len(self.networks), 2)  # the mean, and the one that is to join it
        return MemoryPlan.within(self._room, windows, answer, answers)

    def _as_large_as_fits(self, answer: Sequence[int]) -> Windows:
        def fits(size: tuple[int, ...]) -> bool:
            network = self._bytes_per_voxel * math.prod(size)
            return bytes_in_work(size, answer, network) <= self._room.device

        return fewest_voxels(answer[1:], self.card.patch_size, overlap=OVERLAP, fits=fits)

    def _answer(
        self, network: nn.Module, prepared: Prepared, plan: MemoryPlan, watch: Watch | None
    ) -> NDArray[np.uint16]:
        """One network's probabilities."""
        answer = plan.gather()
        finite = region_probabilities(
            network,
            prepared.image_tensor(),
            plan.windows,
            answer,
            precision=self._settings.precision,
            flips=self._settings.flips,
            at_once=plan.at_once,
            watch=watch,
        )
        if not finite:
            raise InputError(
                f"--precision {self._settings.precision}: the network's answer is not finite; give "
                "32-true, or another --run."
            )
        if answer.nbytes > _LARGE:
            return_freed_memory()
        return answer

    def _at_once(self, windows: Windows) -> int:
        """How many windows a network sees at once; a GPU is tried at the first of such windows."""
        size = windows.size
        # One keeps all cores of a CPU at work, and the maps of several leave their caches.
        if self._settings.device.type == "cpu" or len(windows) == 1:
            return 1
        if size not in self._batches:
            (_, network), *_ = self.networks
            # Half of the room: the planes in work and what operations need take of it too.
            most = self._room.device / 2 // (self._bytes_per_voxel * math.prod(size))
            shape = (len(self.card.channels), *size)
            self._batches[size] = find_batch(network, shape, self._settings.precision, int(most))
        return min(self._batches[size], len(windows))

    @cached_property
    def _room(self) -> Room:
        """Found at the first case: what it frees stays here, and looks taken to the next ones."""
        return find_room(self._settings.device, self._settings.memory)

    @cached_property
    def _bytes_per_voxel(self) -> float:
        """What a network needs at its peak, which grows with the window."""
        (_, network), *_ = self.networks
        shape = (1, len(self.card.channels), *self.card.patch_size)
        need = peak_bytes(network, shape, self._settings.precision)
        return need / math.prod(self.card.patch_size)


def _prepared(prepare: Prepare, preparation: Preparation) -> Prepared:
    prepared = prepare(preparation)
    if prepared.image.nbytes > _LARGE:
        return_freed_memory()
    return prepared


def _part(watch: Watch | None, index: int, count: int) -> Watch | None:
    """What hears of one network's windows among those of several."""
    if watch is None:
        return None
    return lambda done, total: watch(index * total + done, count * total)


def _average_in(mean: NDArray[np.uint16], other: NDArray[np.uint16], count: int) -> None:
    """Make the mean of all but the last of so many answers that of all, plane by plane."""
    for region, new in zip(mean, other, strict=True):
        for plane, added in zip(region, new, strict=True):
            step = (added.astype(np.float32) - plane) / count
            plane[...] = np.rint(plane + step).astype(np.uint16)
