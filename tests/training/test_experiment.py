from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.store import Store
from inspire_med.tasks.task import Preparation
from inspire_med.training import experiment as experiment_module
from inspire_med.training.experiment import _preparation


@pytest.fixture
def cases(tmp_path, write_nifti):
    random = np.random.default_rng(0)
    label = np.zeros((6, 7, 5), np.uint8)
    label[1:4, 2:5, 1:4] = 1
    return [
        Case(
            f"{n}",
            f"{n}",
            {"ct": write_nifti(tmp_path / f"{n}.nii.gz", random.normal(50, 20, label.shape))},
            label.shape,
            (1.0,) * 3,
            write_nifti(tmp_path / f"{n}_seg.nii.gz", label),
        )
        for n in range(2)
    ]


def settled(tmp_path, cases, preparation, rank=0, sent=None):
    fabric = SimpleNamespace(
        is_global_zero=rank == 0, broadcast=lambda own: own if rank == 0 else sent
    )
    card = SimpleNamespace(preparation=preparation, channels=("ct",), regions={"organ": (1,)})
    store = Store(tmp_path / "store", preparation, ("ct",), card.regions)
    return _preparation(SimpleNamespace(run=tmp_path), card, store, cases, fabric)


def test_statistics_of_the_training_fold_are_found_by_the_first_rank(tmp_path, cases):
    first = settled(tmp_path, cases, Preparation(intensity="ct"))
    second = settled(tmp_path, [], Preparation(intensity="ct"), 1, first.intensity_statistics)

    assert set(first.intensity_statistics["ct"]) == {"low", "high", "mean", "sd"}
    assert 40 < first.intensity_statistics["ct"]["mean"] < 60
    assert second == first


def test_a_run_that_goes_on_keeps_the_statistics_it_began_with(tmp_path, cases, monkeypatch):
    kept = {"ct": {"low": 0.0, "high": 1.0, "mean": 0.5, "sd": 0.1}}
    before = SimpleNamespace(preparation=Preparation(intensity="ct", intensity_statistics=kept))
    monkeypatch.setattr(experiment_module, "card_of_run", lambda folder: before)

    assert settled(tmp_path, cases, Preparation(intensity="ct")) == before.preparation


def test_a_run_from_before_weights_had_normalisations_keeps_the_tasks(tmp_path, monkeypatch):
    before = SimpleNamespace(preparation=Preparation(intensity="rgb", crop_to_foreground=False))
    monkeypatch.setattr(experiment_module, "card_of_run", lambda folder: before)
    asked = replace(before.preparation, intensity="fixed", intensity_statistics={"red": {}})

    assert settled(tmp_path, [], asked) == before.preparation


@pytest.mark.parametrize("intensity", ["mri", "rgb", "none"])
def test_other_schemes_need_no_statistics(tmp_path, intensity):
    preparation = replace(Preparation(), intensity=intensity)

    assert settled(tmp_path, None, preparation) == preparation
