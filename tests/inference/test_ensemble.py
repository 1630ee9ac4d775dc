"""Models that predict together."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inspire_med.errors import InputError
from inspire_med.inference import Predictor, memory
from inspire_med.inference.ensemble import Ensemble
from inspire_med.inference.members import Member, read_members
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.inference.settings import Settings
from inspire_med.networks import build_network
from inspire_med.tasks.task import Preparation, Task

NETWORK = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 1,
    "widths": [4, 8],
    "skip": "concat",
    "steps": 1,
}
TASK = Task("organ", 3, ("scan",), {"organ": (1,)}, ("pattern",))
PREPARATION = Preparation(intensity="none", crop_to_foreground=False)
CARD = ModelCard(
    TASK, ("scan",), {"organ": (1,)}, NETWORK, PREPARATION, (16,) * 3, "32-true", "a" * 8
)


def constant(logit):
    network = nn.Conv3d(1, 1, 1)
    nn.init.zeros_(network.weight)
    nn.init.constant_(network.bias, logit)
    return network


def together(tmp_path, *members, **settings):
    members = [Member(tmp_path, card, network) for card, network in members]
    return Predictor(members, Settings(torch.device("cpu"), "32-true", **settings))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def scan():
    return np.random.default_rng(0).normal(size=(6, 7, 5)).astype(np.float32)


def test_probabilities_are_averaged_each_alike(tmp_path, scan):
    logits = (3.0, -1.0, -2.0, 0.5, 4.0)
    members = [(CARD, constant(logit)) for logit in logits]

    found = together(tmp_path, *members).predict({"scan": scan})

    mean = np.mean([sigmoid(logit) for logit in logits])
    np.testing.assert_allclose(found.probabilities, mean, atol=1e-4)
    assert (found.labels == (1 if mean > 0.5 else 0)).all()


def test_each_is_prepared_by_the_statistics_of_its_own_training(tmp_path, scan):
    identity = nn.Conv3d(1, 1, 1, bias=False)
    nn.init.ones_(identity.weight)
    cards = []
    for mean in (0.0, 0.5):
        statistics = {"scan": {"low": -9.0, "high": 9.0, "mean": mean, "sd": 1.0}}
        how = replace(PREPARATION, intensity="ct", intensity_statistics=statistics)
        cards.append(replace(CARD, preparation=how))

    found = together(tmp_path, *((card, identity) for card in cards)).predict({"scan": scan})

    expected = (sigmoid(scan) + sigmoid(scan - 0.5)) / 2
    np.testing.assert_allclose(found.probabilities[0], expected, atol=1e-4)


@pytest.mark.parametrize("logit", [float("nan"), float("inf")])
def test_an_answer_that_is_not_finite_is_refused(tmp_path, scan, logit):
    predictor = together(tmp_path, (CARD, constant(0.0)), (CARD, constant(logit)))

    with pytest.raises(
        InputError, match="--precision 32-true: the network's answer is not finite; give 32-true"
    ):
        predictor.predict({"scan": scan})


def test_windows_of_all_are_heard_of(tmp_path, scan):
    small = replace(CARD, patch_size=(4, 8, 8))
    heard = []

    def told(done, total):
        heard.append((done, total))

    predictor = together(
        tmp_path, (small, constant(0.0)), (small, constant(1.0)), windows="training"
    )
    predictor.predict_case(case_of(tmp_path, scan), told)

    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_memory_is_shared_by_the_mean_and_the_answer_that_joins_it(tmp_path, scan):
    limit = 3 * 2 * scan.size  # a third holds one answer, two bytes a voxel

    alone = together(tmp_path, (CARD, constant(1.0)), memory=limit)
    both = together(tmp_path, (CARD, constant(1.0)), (CARD, constant(2.0)), memory=limit)

    assert alone.predict({"scan": scan}).seen_as.endswith("gathered in memory")
    found = both.predict({"scan": scan})
    assert found.seen_as.endswith("gathered in a temporary file")
    mean = (sigmoid(1.0) + sigmoid(2.0)) / 2
    np.testing.assert_allclose(found.probabilities, mean, atol=1e-4)


def test_how_many_windows_a_trial_found_best_is_recorded(tmp_path, scan, monkeypatch):
    small = replace(CARD, patch_size=(4, 8, 8))
    predictor = together(tmp_path, (small, constant(0.0)), windows="training")
    alone = predictor.predict({"scan": scan}).seen_as
    monkeypatch.setattr(Ensemble, "_at_once", lambda *_: 2)  # as on a GPU

    assert alone == "2 windows of 4 x 7 x 5, gathered in memory"
    assert predictor.predict({"scan": scan}).seen_as == alone.replace(",", ", 2 at a time,")


def test_windows_do_not_hang_on_the_cases_before(tmp_path, scan, monkeypatch):
    """What one case frees stays with the process: the system calls it taken."""
    gib = iter([8.0, 1e-6])
    monkeypatch.setattr(memory, "available_gib", lambda: next(gib))
    small = replace(CARD, patch_size=(4, 8, 8))
    predictor = together(tmp_path, (small, constant(0.0)), windows="largest")

    first, second = (predictor.predict({"scan": scan}).seen_as for _ in range(2))

    assert first == second == "6 x 7 x 5 at once, gathered in memory"


def case_of(tmp_path, scan):
    import nibabel as nib

    from inspire_med.cases.layouts.found import FoundCase

    nib.save(nib.Nifti1Image(scan, np.eye(4)), tmp_path / "a.nii.gz")
    return FoundCase("a", "a", {"scan": tmp_path / "a.nii.gz"}, None)


def run(folder, card=CARD):
    checkpoint = folder / "checkpoints" / "last"
    checkpoint.mkdir(parents=True)
    write_model(checkpoint, card, build_network(card.network))
    return folder


@pytest.mark.parametrize("place", ["fold{}", "fold{}/run", "fold{}-seed0"])
def test_a_cross_validation_stands_for_all_of_its_folds(tmp_path, place):
    folds = [run(tmp_path / "cv" / place.format(index)) for index in range(3)]

    members = read_members([tmp_path / "cv"])

    assert [member.folder for member in members] == [
        fold / "checkpoints" / "last" for fold in folds
    ]
    assert read_members(folds) != []
    assert [m.folder for m in read_members(folds)] == [m.folder for m in members]


@pytest.mark.parametrize("place", ["fold1", "fold1/run", "fold1/run/checkpoints"])
def test_a_fold_without_a_model_is_missed(tmp_path, place):
    run(tmp_path / "fold0" / "run")
    (tmp_path / place).mkdir(parents=True)

    with pytest.raises(InputError, match=r"fold1(/run)?: no trained model in it; pass a run"):
        read_members([tmp_path])


def test_a_model_is_its_own_though_folders_beside_it_are_called_as_folds_are(tmp_path):
    own = run(tmp_path / "run")
    (own / "fold0-masks").mkdir()
    run(own / "fold1")

    (member,) = read_members([own])

    assert member.folder == own / "checkpoints" / "last"


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("tasks", {"task": replace(TASK, name="vessel")}),
        ("data sets", {"manifest_hash": "b" * 8}),
        ("channels", {"channels": ("other",)}),
        ("regions", {"regions": {"organ": (2,)}}),
        ("networks", {"network": {**NETWORK, "widths": [4, 16]}}),
        ("preparations", {"preparation": replace(PREPARATION, spacing_mm=(1.0, 1.0, 2.0))}),
    ],
)
def test_models_that_do_not_belong_together_are_refused(tmp_path, what, change):
    one, other = run(tmp_path / "one"), run(tmp_path / "other", replace(CARD, **change))

    with pytest.raises(
        InputError,
        match=rf"--run: .*other.* and .*one.* do not predict together, for their {what} differ; "
        "give runs of one data set and one network",
    ):
        read_members([one, other])
