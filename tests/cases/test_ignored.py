"""A label to ignore, from a set's files to a training sample: what nobody has judged."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from inspire_med.cases.augment import augmentation
from inspire_med.cases.case import Case
from inspire_med.cases.fingerprint import fingerprint_of
from inspire_med.cases.patches import Sampling, TrainingSamples
from inspire_med.cases.prepare import foreground_statistics, prepare_case
from inspire_med.cases.store import Store
from inspire_med.imaging.masks import region_masks
from inspire_med.tasks.task import Preparation

REGIONS = {"whole": (1, 2), "core": (2,)}
IGNORE = 3
CT = Preparation(intensity="none", crop_to_foreground=False, ignore=IGNORE)
PICTURE = Preparation(orientation=None, intensity="none", crop_to_foreground=False, ignore=IGNORE)
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def scribbled(shape):
    """Labels of a box in a box, of which a plane and a bit were judged."""
    labels = np.full(shape, IGNORE, np.uint8)
    middle, rest = shape[0] // 2, shape[1:]
    labels[middle] = 0
    labels[(middle, *(slice(side // 4, side // 2 + 1) for side in rest))] = 1
    labels[(middle, *(slice(side // 4, side // 3 + 1) for side in rest))] = 2
    labels[0, 0] = 0
    return labels


@pytest.fixture(params=["2d", "3d"])
def scribbles(request, tmp_path, write_nifti):
    """A case, its labels in the network's orientation, and how it is prepared."""
    random = np.random.default_rng(0)
    if request.param == "2d":
        labels = scribbled((20, 16))
        Image.fromarray(random.integers(0, 255, (20, 16, 3), np.uint8)).save(tmp_path / "i.png")
        Image.fromarray(labels).save(tmp_path / "m.png")
        parts = {"red": 0, "green": 1, "blue": 2}
        images = dict.fromkeys(parts, tmp_path / "i.png")
        label, spacing = tmp_path / "m.png", (1.0, 1.0)
        case = Case("c", "c", images, labels.shape, spacing, label, components=parts)
        return case, labels, PICTURE
    labels = scribbled((14, 12, 10))
    scan = random.normal(50, 9, labels.shape).astype(np.float32)
    stored = {"ct": scan, "seg": labels}
    files = {
        name: write_nifti(tmp_path / f"{name}.nii.gz", own, LPS) for name, own in stored.items()
    }
    spacing = (1.0, 1.0, 1.0)
    case = Case("c", "c", {"ct": files["ct"]}, labels.shape, spacing, files["seg"])
    return case, labels[::-1, ::-1], CT


def prepared(case, preparation):
    return prepare_case(case, list(case.images), REGIONS, preparation)


def store_of(tmp_path, case, preparation):
    return Store(tmp_path / "store", preparation, list(case.images), REGIONS)


def samples_of(store, case, size, **changes):
    sampling = Sampling(size, changes.pop("foreground", 0.3), changes.pop("balance", "case"))
    return TrainingSamples(store, [case], sampling=sampling, seed=0, length=60, **changes)


def test_what_was_judged_stands_behind_the_regions(scribbles):
    case, labels, preparation = scribbles

    target = prepared(case, preparation).target

    np.testing.assert_array_equal(target[:2], region_masks(labels, REGIONS))
    np.testing.assert_array_equal(target[2], labels != IGNORE)


def test_a_set_without_such_a_label_has_no_mask_more(scribbles):
    case, _, preparation = scribbles
    regions = {**REGIONS, "third": (IGNORE,)}

    found = prepare_case(case, list(case.images), regions, replace(preparation, ignore=None))

    assert found.target.shape[0] == 3
    np.testing.assert_array_equal(found.target[:2], prepared(case, preparation).target[:2])


def test_no_region_reaches_where_nobody_has_judged_once_it_is_resampled(scribbles):
    case, _, preparation = scribbles
    coarse = {"image_size": (13, 11)} if len(case.shape) == 2 else {"spacing_mm": (1.5, 1.0, 1.0)}

    target = prepared(case, replace(preparation, **coarse)).target

    assert target.shape[1:] != case.shape
    assert target[0].any()
    assert target[1].any()
    assert not (target[:2] > target[2]).any()
    assert 0 < target[2].mean() < 0.5
    # The plane that was judged is still there, and background in it is known as background.
    across = tuple(range(1, target.ndim - 1))
    assert (target[2] > target[0]).any(axis=across).sum() in (1, 2, 3)


def test_a_case_that_was_judged_whole_stays_so_in_any_size(tmp_path, write_nifti):
    scan, label = np.random.default_rng(0).normal(size=(9, 8, 7)), np.zeros((9, 8, 7), np.uint8)
    images = {"ct": write_nifti(tmp_path / "ct.nii.gz", scan)}
    place = write_nifti(tmp_path / "seg.nii.gz", label)
    case = Case("c", "c", images, label.shape, (1.0, 1.0, 1.0), place)

    for size in (0.5, 1.0, 1.7):
        assert prepared(case, replace(CT, spacing_mm=(size,) * 3)).target[2].all()


def test_statistics_know_nothing_of_what_nobody_has_judged(scribbles, tmp_path):
    case, labels, preparation = scribbles
    plan = fingerprint_of([case], list(case.images), REGIONS, preparation)

    unit = 1 / labels.size if labels.ndim == 2 else 1e-3
    assert plan.regions["whole"].size == pytest.approx(np.isin(labels, (1, 2)).sum() * unit)
    assert plan.regions["core"].parts == 1
    image = prepared(case, preparation).image
    for channel, values in zip(case.images, image, strict=True):
        inside = values[np.isin(labels, (1, 2))]
        assert plan.intensities[channel]["mean"] == pytest.approx(inside.mean())
        if labels.ndim == 3:
            found = foreground_statistics([case], list(case.images), REGIONS, preparation)
            assert found[channel]["mean"] == pytest.approx(inside.mean())


def test_the_store_knows_where_a_region_is_and_where_anything_was_judged(scribbles, tmp_path):
    case, labels, preparation = scribbles
    store = store_of(tmp_path, case, preparation)

    centres, judged = store.centres(case), store.judged(case)

    assert set(centres[:, 0]) == {0, 1}
    assert np.isin(labels[tuple(centres[:, 1:].T)], (1, 2)).all()
    assert len(judged) == (labels != IGNORE).sum()
    assert (labels[tuple(judged.T)] != IGNORE).all()
    assert store.arrays(case)[1].shape == (3, *labels.shape)


@pytest.mark.parametrize("balance", ["case", "region"])
@pytest.mark.parametrize("foreground", [0.0, 0.5])
def test_every_sample_shows_something_that_was_judged(scribbles, tmp_path, balance, foreground):
    case, labels, preparation = scribbles
    store = store_of(tmp_path, case, preparation)
    size = (5,) * labels.ndim

    samples = samples_of(store, case, size, balance=balance, foreground=foreground)

    assert all(samples[k]["target"][2].any() for k in range(60))
    others = Store(store.folder, replace(preparation, ignore=None), store.channels, store.regions)
    others.arrays, others.centres = store.arrays, store.centres
    blind = samples_of(others, case, size, foreground=0.0)
    assert not all(blind[k]["target"][2].any() for k in range(60))


def test_a_case_with_none_of_its_regions_still_shows_what_was_judged(tmp_path, write_nifti):
    labels = np.full((14, 12, 10), IGNORE, np.uint8)
    labels[3, 3] = 0
    images = {
        "ct": write_nifti(
            tmp_path / "ct.nii.gz", np.random.default_rng(0).normal(size=labels.shape)
        )
    }
    label = write_nifti(tmp_path / "seg.nii.gz", labels)
    case = Case("c", "c", images, labels.shape, (1.0, 1.0, 1.0), label)

    samples = samples_of(store_of(tmp_path, case, CT), case, (4, 4, 4), foreground=1.0)

    assert all(samples[k]["target"][2].any() for k in range(20))


def test_nobody_has_judged_what_lies_beyond_a_cases_ends(scribbles, tmp_path):
    case, labels, preparation = scribbles
    store = store_of(tmp_path, case, preparation)

    sample = samples_of(store, case, tuple(side + 6 for side in labels.shape))[0]

    middle = (slice(None), *(slice(3, -3) for _ in labels.shape))
    np.testing.assert_array_equal(sample["target"][middle], store.arrays(case)[1])
    assert sample["target"].sum() == store.arrays(case)[1].sum()


def test_changes_move_what_was_judged_as_they_move_the_regions(scribbles, tmp_path):
    case, labels, preparation = scribbles
    name = "picture" if labels.ndim == 2 else "volume"
    store = store_of(tmp_path, case, preparation)

    samples = samples_of(store, case, None, augment=augmentation(name, "strong"))

    moved = torch.stack([samples[k]["target"] for k in range(20)])
    assert not (moved[:, :2] > moved[:, 2:]).any()
    assert set(moved.unique().tolist()) == {0, 1}
    assert len({each.numpy().tobytes() for each in moved}) > 3


def test_entries_of_sets_without_one_are_known_by_the_names_that_they_had():
    """What a store's and a manifest's hashes are made of must not say more than it did."""
    assert "ignore" not in json.dumps(Preparation().to_json())
    assert Preparation(ignore=3).to_json()["ignore"] == 3
