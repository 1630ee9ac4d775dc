"""Patches: which training sample comes k-th, a pure function of (seed, k)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import pad
from torch.utils.data import Dataset

from inspire_med.cases.augment import Augmentation
from inspire_med.cases.case import Case
from inspire_med.cases.prepare import Prepared
from inspire_med.cases.store import Store
from inspire_med.errors import InputError

CENTRED_SHARE = 1 / 3  # of the patches lie around a labelled voxel, or small lesions are never seen


class TrainingSamples(Dataset[dict[str, Any]]):
    """Training samples numbered 0, 1, 2, ...: cases in seeded order, every case once a round.

    Sample k depends on (seed, k) and nothing else: not on the worker that makes it, not on the
    samples before it. A run that resumes at k goes on as if it had never stopped.

    Args:
        store: Where the prepared cases are.
        cases: Labelled cases.
        patch_size: Size of a sample; smaller cases are padded with zeros. None takes cases whole.
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
        patch_size: Sequence[int] | None,
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
        self.patch_size = None if patch_size is None else tuple(patch_size)
        self.seed = seed
        self.length = length
        self.augment = augment

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, k: int) -> dict[str, Any]:
        """Sample k: "image" (channels, *patch), "target" (regions, *patch), "id" and "k"."""
        if not 0 <= k < self.length:
            raise IndexError(k)
        case = self.case(k)
        prepared, random = self.store.load(case), np.random.default_rng([self.seed, k])
        if prepared.target is None:
            raise InputError(f"{case.id}: has no label to train on; leave the case out.")
        start, size = self._place(case, prepared, random)
        sample = {
            "image": _cut(prepared.image, start, size),
            "target": _cut(prepared.target, start, size),
        }
        if self.augment is not None:
            sample = self.augment(sample, int(random.integers(2**32)))
        return {**sample, "id": case.id, "k": k}

    def describe(self, k: int) -> dict[str, Any]:
        """Where sample k comes from: "k", "id" and "start", its first voxel along each axis."""
        case, random = self.case(k), np.random.default_rng([self.seed, k])
        start, _ = self._place(case, self.store.load(case), random)
        return {"k": k, "id": case.id, "start": start}

    def case(self, k: int) -> Case:
        """The case that sample k shows."""
        return self.cases[case_number(self.seed, k, len(self.cases))]

    def _place(
        self, case: Case, prepared: Prepared, random: np.random.Generator
    ) -> tuple[list[int], Sequence[int]]:
        """First voxel and size of the patch."""
        spatial = prepared.image.shape[1:]
        size = self.patch_size or spatial
        return _start(random, spatial, size, lambda: self.store.centres(case)), size


def case_number(seed: int, k: int, count: int) -> int:
    """Which of `count` cases sample k shows: every round of `count` is a new seeded order."""
    round_number, place = divmod(k, count)
    return int(_order(seed, round_number, count)[place])


@lru_cache(maxsize=8)
def _order(seed: int, round_number: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, round_number, count]).permutation(count)


def _start(
    random: np.random.Generator, spatial: Sequence[int], size: Sequence[int], centres: Any
) -> list[int]:
    """First voxel of the patch along each axis; never outside, save where the case is smaller."""
    free = [max(0, whole - part) for whole, part in zip(spatial, size, strict=True)]
    anywhere = [int(random.integers(room + 1)) for room in free]
    if not any(free) or random.random() >= CENTRED_SHARE:
        return anywhere
    known = centres()
    if len(known) == 0:
        return anywhere
    regions = np.unique(known[:, 0])
    of_region = known[known[:, 0] == regions[random.integers(len(regions))]]
    centre = of_region[random.integers(len(of_region)), 1:]
    first = [int(c) - part // 2 for c, part in zip(centre, size, strict=True)]
    return [min(max(0, begin), room) for begin, room in zip(first, free, strict=True)]


def _cut(array: NDArray[Any], start: Sequence[int], size: Sequence[int]) -> torch.Tensor:
    """A float32 patch of exactly `size`; what the case lacks is zero, shared between both ends."""
    window = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
    patch = torch.from_numpy(array[(slice(None), *window)].astype(np.float32))
    lacking = [want - have for want, have in zip(size, patch.shape[1:], strict=True)]
    if not any(lacking):
        return patch
    margins = [end for gap in reversed(lacking) for end in (gap // 2, gap - gap // 2)]
    return pad(patch, margins)
