"""However a case is seen and wherever its answer gathers, the answer is one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from inspire_med.inference import Predictor
from inspire_med.inference.members import Member
from inspire_med.inference.model import ModelCard
from inspire_med.inference.settings import Settings
from inspire_med.tasks.task import Preparation, Task

REGIONS = {"all": (1, 2), "core": (2,)}
MEANS = ((128.0, 160.0), (110.0, 150.0))  # of each network, where each region begins
MODES = {
    "windows in memory": ("training", 2**30),
    "windows in a file": ("training", 2),
    "at once in memory": ("largest", 2**30),
    "some at once in memory": ("largest", 700_000),
    "no room at all": ("largest", 2),
}


def network(dims, means):
    """Voxel by voxel (x - mean) / 8: air, which is 0, is as surely nothing as where none asks."""
    layer = (nn.Conv2d if dims == 2 else nn.Conv3d)(1, len(means), 1)
    with torch.no_grad():
        layer.weight.fill_(1 / 8)
        layer.bias.copy_(torch.tensor([-mean / 8 for mean in means]))
    return layer


def answer(scan, count, windows, memory):
    dims = scan.ndim
    preparation = Preparation(intensity="none", crop_to_foreground=False)
    task = Task("organ", dims, ("scan",), REGIONS, ("pattern",), preparation=preparation)
    card = ModelCard(task, ("scan",), REGIONS, {}, preparation, (16,) * dims, "32-true")
    members = [Member(Path("run"), card, network(dims, means)) for means in MEANS[:count]]
    settings = Settings(torch.device("cpu"), "32-true", windows=windows, memory=memory)
    return Predictor(members, settings).predict({"scan": scan})


@pytest.fixture(params=[(53, 37), (37, 29, 23), (16, 40, 5)], ids=str)
def scan(request):
    """Odd sizes; the first windows hold air alone."""
    values = np.random.default_rng(0).integers(1, 255, request.param).astype(np.float32)
    values[:17] = 0
    return values


@pytest.mark.parametrize("count", [1, 2])
def test_every_mode_gives_one_answer(scan, count):
    found = {name: answer(scan, count, *mode) for name, mode in MODES.items()}

    each = [1 / (1 + np.exp((np.array(means)[:, None] - scan.ravel()) / 8)) for means in MEANS]
    expected = np.mean(each[:count], axis=0).reshape(2, *scan.shape)
    for name, own in found.items():
        np.testing.assert_allclose(own.probabilities, expected, atol=1e-4, err_msg=name)


def test_the_modes_are_what_they_are_called():
    scan = np.random.default_rng(0).integers(1, 255, (37, 29, 23)).astype(np.float32)

    seen = {name: answer(scan, 2, *mode).seen_as for name, mode in MODES.items()}

    assert seen["windows in memory"] == "24 windows of 16 x 16 x 16, gathered in memory"
    assert seen["windows in a file"] == "24 windows of 16 x 16 x 16, gathered in a temporary file"
    assert seen["at once in memory"] == "37 x 29 x 23 at once, gathered in memory"
    assert seen["some at once in memory"] == "4 windows of 16 x 29 x 23, gathered in memory"
    assert seen["no room at all"] == seen["windows in a file"]
