"""Patches: which training sample comes k-th, a pure function of (seed, k)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.nn.functional import pad
from torch.utils.data import Dataset

from inspire_med.cases.augment import Augmentation
from inspire_med.cases.case import Case
from inspire_med.cases.store import Store
from inspire_med.errors import InputError


@dataclass(frozen=True)
class Sampling:
    """Where samples are cut.

    Args:
        patch_size: Size of a sample; smaller cases are padded with zeros. None takes cases whole.
        foreground: Share of the samples that lie around a labelled voxel, or small lesions are
            never seen.
        balance: What those show equally often: `case` draws one of the case's own regions, `region`
            one of all regions and then a case that has it.
    """

    patch_size: tuple[int, ...] | None
    foreground: float = 1 / 3
    balance: Literal["case", "region"] = "case"


class TrainingSamples(Dataset[dict[str, Any]]):
    """Training samples numbered 0, 1, 2, ...: cases in seeded order, every case once a round.

    Balanced by region, the samples around a labelled voxel are of whichever case has the region,
    and the others keep that order.

    Sample k depends on (seed, k) and nothing else: not on the worker that makes it, not on the
    samples before it. A run that resumes at k goes on as if it had never stopped.

    Args:
        store: Where the prepared cases are.
        cases: Labelled cases.
        sampling: Where they are cut.
        seed: Of order, position and augmentation.
        length: How many samples there are.
        augment: Alters a sample by a seed; None leaves it.

    Raises:
        InputError: If a case has no label, or if there is none.
    """

    def __init__(
        self,
        store: Store,
        cases: Sequence[Case],
        *,
        sampling: Sampling,
        seed: int,
        length: int,
        augment: Augmentation | None = None,
    ) -> None:
        unlabelled = [case.id for case in cases if case.label is None]
        if unlabelled or not cases:
            raise InputError(
                f"{unlabelled[0]}: has no label to train on; leave the case out."
                if unlabelled
                else "training: no case to train on; check the manifest and the fold."
            )
        self.store = store
        self.cases = tuple(cases)
        self.sampling = sampling
        self.seed = seed
        self.length = length
        self.augment = augment

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, k: int) -> dict[str, Any]:
        """Sample k: "image" (channels, *patch), "target" (regions, *patch), "id" and "k".

        The image is float32; the target is uint8, 0 or 1: it is a byte a voxel up to the device.
        Where the set has a label to ignore, what was judged stands behind the regions.
        """
        if not 0 <= k < self.length:
            raise IndexError(k)
        (case, region), random = self._chosen(k), np.random.default_rng([self.seed, k])
        image, target = self.store.arrays(case)
        if target is None:
            raise InputError(f"{case.id}: has no label to train on; leave the case out.")
        start, size = self._window(case, region, image.shape[1:], random)
        sample = {"image": _cut(image, start, size).float(), "target": _cut(target, start, size)}
        if self.augment is not None:
            sample = self.augment(sample, int(random.integers(2**32)))
        return {**sample, "id": case.id, "k": k}

    def describe(self, k: int) -> dict[str, Any]:
        """Where sample k comes from: "k", "id" and "start", its first voxel along each axis."""
        (case, region), random = self._chosen(k), np.random.default_rng([self.seed, k])
        image, _ = self.store.arrays(case)
        start, _ = self._window(case, region, image.shape[1:], random)
        return {"k": k, "id": case.id, "start": start}

    def case(self, k: int) -> Case:
        """The case that sample k shows."""
        return self._chosen(k)[0]

    def _chosen(self, k: int) -> tuple[Case, int | None]:
        """The case of sample k, and the region that it is to show, if balance asks for one."""
        if self.sampling.balance == "region" and self._having:
            random = np.random.default_rng([self.seed, k, 1])
            if random.random() < self.sampling.foreground:
                region = list(self._having)[random.integers(len(self._having))]
                having = self._having[region]
                return self.cases[having[random.integers(len(having))]], region
        return self.cases[case_number(self.seed, k, len(self.cases))], None

    @cached_property
    def _having(self) -> dict[int, list[int]]:
        """Region to the cases that have a voxel of it; a region that none has is left out."""
        having: dict[int, list[int]] = {}
        for number, case in enumerate(self.cases):
            for region in np.unique(self.store.centres(case)[:, 0]).tolist():
                having.setdefault(region, []).append(number)
        return dict(sorted(having.items()))

    def _window(
        self, case: Case, region: int | None, spatial: Sequence[int], random: Generator
    ) -> tuple[list[int], Sequence[int]]:
        """First voxel along each axis and size; never outside, save where the case is smaller."""
        size = self.sampling.patch_size or spatial
        free = [max(0, whole - part) for whole, part in zip(spatial, size, strict=True)]
        start = [int(random.integers(room + 1)) for room in free]
        if self.sampling.balance == "region":
            centred = region is not None
        else:
            centred = any(free) and random.random() < self.sampling.foreground
        places = self._places(case, region, random) if centred else self.store.judged(case)
        if len(places) == 0:
            return start, size
        centre = places[random.integers(len(places))]
        first = [int(c) - part // 2 for c, part in zip(centre, size, strict=True)]
        return [min(max(0, begin), room) for begin, room in zip(first, free, strict=True)], size

    def _places(self, case: Case, region: int | None, random: Generator) -> NDArray[np.int16]:
        """The case's labelled positions of a region, one of its own if none is given."""
        known = self.store.centres(case)
        if len(known) == 0:
            return self.store.judged(case)
        if region is None:
            regions = np.unique(known[:, 0])
            region = int(regions[random.integers(len(regions))])
        return known[known[:, 0] == region, 1:]


def case_number(seed: int, k: int, count: int) -> int:
    """Which of `count` cases sample k shows: every round of `count` is a new seeded order."""
    round_number, place = divmod(k, count)
    return int(_order(seed, round_number, count)[place])


@lru_cache(maxsize=8)
def _order(seed: int, round_number: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, round_number, count]).permutation(count)


def _cut(array: NDArray[Any], start: Sequence[int], size: Sequence[int]) -> torch.Tensor:
    """A patch of exactly `size`; what the case lacks is zero, shared between both ends."""
    window = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
    patch = torch.from_numpy(np.array(array[(slice(None), *window)]))
    lacking = [want - have for want, have in zip(size, patch.shape[1:], strict=True)]
    if not any(lacking):
        return patch
    margins = [end for gap in reversed(lacking) for end in (gap // 2, gap - gap // 2)]
    return pad(patch, margins)
