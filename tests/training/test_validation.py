"""Validation: what counts in the Dice of a case."""

from types import SimpleNamespace

import numpy as np
import pytest

from inspire_med.cases.prepare import Prepared
from inspire_med.imaging.placement import Placement
from inspire_med.training import validation


@pytest.fixture
def everywhere(monkeypatch):
    """A network that finds its region in every voxel."""
    monkeypatch.setattr(
        validation,
        "region_probabilities",
        lambda *words, **_: words[3].fill(np.iinfo(np.uint16).max),
    )


def scored(target):
    shape = target.shape[1:]
    prepared = Prepared(np.zeros((1, *shape)), Placement.of_picture(shape, None), target)
    card = SimpleNamespace(regions={"a": (1,)}, patch_size=shape, precision="32-true")
    experiment = SimpleNamespace(
        trained=SimpleNamespace(card=card, predictor=None),
        store=SimpleNamespace(load=lambda case: prepared),
    )
    return validation._score(experiment, None, None, 0)


def test_what_nobody_has_judged_is_no_part_of_a_case(everywhere):
    target = np.zeros((2, 4, 6), np.uint8)
    target[0, 1], target[1, :2] = 1, 1  # six of twelve judged voxels

    assert scored(target) == [pytest.approx(2 * 6 / (6 + 12))]
    assert scored(target[:1]) == [pytest.approx(2 * 6 / (6 + 24))]
