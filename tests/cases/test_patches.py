import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from inspire_med.cases.augment import augmentation
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.patches import Sampling, TrainingSamples, case_number
from inspire_med.cases.store import Store
from inspire_med.errors import InputError
from inspire_med.tasks.task import Preparation


@pytest.fixture
def volumes(ball_volumes, tmp_path):
    manifest = Manifest.load(ball_volumes)
    store = Store(tmp_path / "store", Preparation(), manifest.channels, manifest.regions)
    return store, manifest.cases


@pytest.fixture
def pictures(disc_images, tmp_path):
    manifest = Manifest.load(disc_images)
    settings = Preparation(orientation=None, image_size=(24, 20), intensity="rgb")
    return Store(tmp_path / "s", settings, manifest.channels, manifest.regions), manifest.cases


def samples_of(volumes, **changes):
    store, cases = volumes
    sampling = Sampling(
        changes.pop("patch_size", (8, 8, 6)),
        changes.pop("foreground", 1 / 3),
        changes.pop("balance", "case"),
    )
    arguments = {"seed": 0, "length": 40, **changes}
    return TrainingSamples(store, cases, sampling=sampling, **arguments)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_sample_k_is_the_same_whatever_the_number_of_workers(volumes, pictures, workers):
    for name, data, size in (("volume", volumes, (8, 8, 6)), ("picture", pictures, None)):
        samples = samples_of(data, patch_size=size, augment=augmentation(name), length=12)
        expected = [samples[k] for k in range(12)]
        loader = DataLoader(samples, batch_size=None, num_workers=workers)

        for sample, own in zip(loader, expected, strict=True):
            assert (sample["k"], sample["id"]) == (own["k"], own["id"])
            assert torch.equal(sample["image"], own["image"])
            assert torch.equal(sample["target"], own["target"])


def test_sample_k_does_not_depend_on_the_samples_before_it(volumes):
    forward = samples_of(volumes, augment=augmentation("volume"))
    backward = samples_of(volumes, augment=augmentation("volume"))

    late = [backward[k] for k in reversed(range(10))][::-1]

    for k in range(10):
        assert torch.equal(forward[k]["image"], late[k]["image"])


def test_a_pickled_copy_gives_the_same_samples(volumes):
    samples = samples_of(volumes, augment=augmentation("volume"))

    # Workers that are spawned rather than forked receive one.
    copy = pickle.loads(pickle.dumps(samples))

    assert torch.equal(copy[3]["image"], samples[3]["image"])


def test_another_seed_gives_other_samples(volumes):
    one, other = samples_of(volumes, seed=0), samples_of(volumes, seed=1)

    assert any(not torch.equal(one[k]["image"], other[k]["image"]) for k in range(4))


def test_every_case_comes_once_a_round():
    for seed in range(3):
        for begin in (0, 7, 14):
            assert sorted(case_number(seed, k, 7) for k in range(begin, begin + 7)) == list(
                range(7)
            )
    assert [case_number(0, k, 50) for k in range(50)] != [
        case_number(0, k, 50) for k in range(50, 100)
    ]


def test_shapes_and_types(volumes):
    sample = samples_of(volumes)[0]

    assert sample["image"].shape == (4, 8, 8, 6)
    assert sample["target"].shape == (3, 8, 8, 6)
    assert (sample["image"].dtype, sample["target"].dtype) == (torch.float32, torch.uint8)
    assert type(sample["image"]) is torch.Tensor
    assert set(torch.unique(sample["target"]).tolist()) <= {0.0, 1.0}


def test_image_and_target_are_cut_at_the_same_place(volumes):
    store, cases = volumes
    samples = samples_of(volumes, length=20)
    for k in range(20):
        sample = samples[k]
        case = next(case for case in cases if case.id == sample["id"])
        prepared = store.load(case)
        whole = np.concatenate([np.asarray(prepared.image, np.float32), prepared.target])
        patch = np.concatenate([sample["image"].numpy(), sample["target"].numpy()])
        windows = np.lib.stride_tricks.sliding_window_view(whole, patch.shape[1:], axis=(1, 2, 3))
        places = np.moveaxis(windows, 0, 3)
        assert (places == patch).all(axis=(3, 4, 5, 6)).any()


def test_a_third_of_the_patches_lies_around_a_label(volumes):
    samples = samples_of(volumes, patch_size=(3, 3, 3), length=240)

    hits = np.mean([samples[k]["target"][:, 1, 1, 1].any().item() for k in range(240)])

    # At random about one centre in eight is labelled: 1/3 + 2/3 * 1/8 = 0.42.
    assert 0.33 < hits < 0.55


def test_a_small_case_is_padded_with_zeros_on_both_sides(volumes):
    store, cases = volumes
    spatial = store.load(cases[0]).image.shape[1:]
    size = tuple(side + 4 for side in spatial)

    sample = samples_of(volumes, patch_size=size)[0]

    assert sample["image"].shape[1:] == size
    assert (sample["image"][:, :2] == 0).all()
    assert (sample["image"][:, -2:] == 0).all()
    assert sample["target"].sum() > 0


def test_without_patch_size_a_sample_is_the_whole_case(pictures):
    sample = samples_of(pictures, patch_size=None)[0]

    assert sample["image"].shape == (3, 24, 20)


def test_ends_at_its_length(volumes):
    samples = samples_of(volumes, length=3)

    assert len(samples) == 3
    assert len(list(samples)) == 3


def test_refuses_cases_without_label_and_no_cases(volumes):
    store, cases = volumes
    bare = [replace(cases[0], label=None)]

    with pytest.raises(InputError, match="BraTS20_Training_000: has no label to train on"):
        samples_of((store, bare))
    with pytest.raises(InputError, match="training: no case to train on"):
        samples_of((store, []))


@pytest.fixture
def rare(volumes):
    """The first case has the region 2, no other has; regions 0 and 1 are in all of them."""
    store, cases = volumes
    honest = store.centres

    def centres(case):
        known = honest(case)
        return known if case == cases[0] else known[known[:, 0] != 2]

    store.centres = centres
    return store, cases


@pytest.mark.parametrize(("balance", "expected"), [("case", 1 / 4), ("region", 1 / 2)])
def test_a_rare_region_is_shown_as_often_as_balance_says(rare, balance, expected):
    samples = samples_of(rare, patch_size=(3, 3, 3), foreground=1.0, balance=balance, length=600)
    first = [k for k in range(600) if samples.case(k) == rare[1][0]]

    # By region: a third of them for region 2, and a quarter of the two thirds for the others.
    assert len(first) / 600 == pytest.approx(expected, abs=0.06)
    shown = np.mean([samples[k]["target"][2, 1, 1, 1].item() for k in first])
    assert shown > 0.6 if balance == "region" else shown > 0.3


def test_balanced_samples_depend_on_seed_and_number_alone(rare):
    samples = samples_of(rare, foreground=0.5, balance="region")
    late = samples_of(rare, foreground=0.5, balance="region")

    backwards = [late[k] for k in reversed(range(12))][::-1]

    for k in range(12):
        assert torch.equal(samples[k]["image"], backwards[k]["image"])
        assert samples.describe(k)["id"] == samples[k]["id"] == samples.case(k).id


@pytest.mark.parametrize("balance", ["case", "region"])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_samples_around_a_label_is_as_asked(volumes, balance, share):
    samples = samples_of(
        volumes, patch_size=(3, 3, 3), foreground=share, balance=balance, length=200
    )

    hits = np.mean([samples[k]["target"][:, 1, 1, 1].any().item() for k in range(200)])

    # At random about one centre in eight is labelled.
    assert hits > 0.95 if share else hits < 0.25
