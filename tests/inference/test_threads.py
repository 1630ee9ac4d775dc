"""One predictor, kept loaded and asked by several threads at once."""

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import nn

from inspire_med.cases.layouts.found import FoundCase
from inspire_med.inference import Predictor
from inspire_med.inference.members import Member
from inspire_med.inference.model import ModelCard
from inspire_med.inference.settings import Settings
from inspire_med.networks import build_network
from inspire_med.tasks.task import Preparation, Task


def predictor(dims: int, members: int, network: nn.Module | None = None, **settings: Any):
    how = Preparation(intensity="none", crop_to_foreground=False)
    task = Task("organ", dims, ("scan",), {"organ": (1,)}, ("pattern",), preparation=how)
    description = {
        "spatial_dims": dims,
        "in_channels": 1,
        "out_channels": 1,
        "widths": [4, 8],
        "skip": "inspire",
    }
    patch = (16,) * dims
    card = ModelCard(task, ("scan",), {"organ": (1,)}, description, how, patch, "32-true")
    torch.manual_seed(0)
    built = [network or build_network(description) for _ in range(members)]
    return Predictor(
        [Member(Path("run"), card, each) for each in built],
        Settings(torch.device("cpu"), settings.pop("precision", "32-true"), **settings),
    )


def cases(dims: int) -> list[np.ndarray]:
    """Of different sizes, so that windows and sums differ; some meet twice."""
    random = np.random.default_rng(0)
    shapes = [(24, 20, 17), (16, 16, 16), (9, 30, 12), (24, 20, 17)]
    low, high = (0, 255) if dims == 2 else (-1, 1)
    return [random.uniform(low, high, shape[:dims]).astype(np.float32) for shape in shapes]


def at_once(ask: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """What each thread is answered; all begin together and change places often."""
    start = threading.Barrier(len(items))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)

    def begin(item: Any) -> Any:
        start.wait()
        return ask(item)

    try:
        with ThreadPoolExecutor(len(items)) as pool:
            return list(pool.map(begin, items))
    finally:
        sys.setswitchinterval(before)


@pytest.mark.slow
@pytest.mark.parametrize("windows", ["training", "largest"])
@pytest.mark.parametrize(("members", "precision"), [(1, "bf16-mixed"), (2, "32-true")])
@pytest.mark.parametrize("dims", [2, 3])
def test_threads_are_answered_as_one_after_another(dims, members, windows, precision):
    settings = {"windows": windows, "memory": 2**30, "precision": precision}
    given = cases(dims)
    alone = [predictor(dims, members, **settings).predict({"scan": each}) for each in given]

    kept = predictor(dims, members, **settings)
    found = at_once(lambda each: kept.predict({"scan": each}), given)

    for one, other in zip(alone, found, strict=True):
        np.testing.assert_array_equal(one.shares, other.shares)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert one.seen_as == other.seen_as


@pytest.mark.slow
def test_each_thread_hears_of_its_own_windows_and_has_a_file_of_its_own(tmp_path):
    given = cases(3)
    found = []
    for index, volume in enumerate(given):
        nib.save(nib.Nifti1Image(volume, np.eye(4)), tmp_path / f"{index}.nii.gz")
        found.append(FoundCase(str(index), str(index), {"scan": tmp_path / f"{index}.nii.gz"}))
    kept = predictor(3, 2, memory=1000)  # no answer fits into a third of that
    alone = [kept.predict_case(case) for case in found]
    assert all(one.seen_as.endswith("in a temporary file") for one in alone)

    def ask(case):
        heard: list[tuple[int, int]] = []
        return kept.predict_case(case, lambda *counts: heard.append(counts)), heard

    for one, (other, heard) in zip(alone, at_once(ask, found), strict=True):
        np.testing.assert_array_equal(one.shares, other.shares)
        (total,) = {total for _, total in heard}
        assert heard == [(done, total) for done in range(1, total + 1)]


class Crowded(nn.Module):
    """A network that notes how many ask it at one time."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv3d(1, 1, 1)
        self.inside = self.most = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.01)  # lets the others in, if they can come in
        self.inside -= 1
        return self.layer(x)


def test_the_memory_that_is_planned_for_one_case_is_taken_by_one():
    network = Crowded()
    kept = predictor(3, 1, network, memory=2**30)

    at_once(lambda each: kept.predict({"scan": each}), cases(3))

    assert network.most == 1
