import os
import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from inspire_med.cases import store as store_module
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.prepare import prepare_case
from inspire_med.cases.store import Store, _sample_centres
from inspire_med.errors import InputError
from inspire_med.tasks.task import Preparation


@pytest.fixture
def manifest(ball_volumes):
    return Manifest.load(ball_volumes)


@pytest.fixture
def store(manifest, tmp_path):
    return Store(tmp_path / "store", Preparation(), manifest.channels, manifest.regions)


def test_gives_what_preparing_gives(store, manifest):
    case = manifest.cases[0]
    fresh = prepare_case(case, manifest.channels, manifest.regions, store.preparation)

    kept = store.load(case)

    assert isinstance(kept.image, np.memmap)
    assert kept.image.dtype == np.float16
    np.testing.assert_allclose(kept.image, fresh.image, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(kept.target, fresh.target)
    assert kept.placement.to_json() == fresh.placement.to_json()
    assert ((kept.image == 0) == (fresh.image == 0)).all()


def test_the_image_tensor_is_a_float32_copy_of_its_own(store, manifest):
    image = store.load(manifest.cases[0]).image_tensor()
    image[:] = 5

    assert image.dtype == torch.float32
    assert not (store.load(manifest.cases[0]).image == 5).all()


def test_prepares_all_and_tells_how_far_it_is(store, manifest):
    steps = []

    store.prepare_all(manifest.cases, workers=2, progress=lambda *step: steps.append(step))

    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(list(store.folder.iterdir())) == 4


def test_does_not_build_twice(store, manifest):
    case = manifest.cases[0]
    store.load(case)
    before = (store.path(case) / "image.npy").stat().st_mtime_ns

    store.load(case)

    assert (store.path(case) / "image.npy").stat().st_mtime_ns == before


@pytest.mark.parametrize("file", ["image.npy", "target.npy", "record.json", "centres.npy"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_builds_a_damaged_entry_again(store, manifest, file, damage):
    case = manifest.cases[0]
    sound = np.array(store.load(case).image)
    path = store.path(case) / file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20])

    np.testing.assert_array_equal(store.load(case).image, sound)


def test_another_setting_or_a_changed_file_is_another_entry(store, manifest, tmp_path):
    case = manifest.cases[0]
    other = Store(
        store.folder, Preparation(crop_to_foreground=False), store.channels, store.regions
    )
    fewer = Store(store.folder, store.preparation, store.channels[:2], store.regions)
    copy = tmp_path / case.images["t1"].name
    copy.write_bytes(case.images["t1"].read_bytes())
    copied = replace(case, images={**case.images, "t1": copy})

    paths = {store.path(case), other.path(case), fewer.path(case), store.path(copied)}
    os.utime(copy, ns=(1, 1))

    assert len(paths | {store.path(copied)}) == 5


def test_many_builders_of_one_case_leave_one_sound_entry(store, manifest):
    case = manifest.cases[0]
    images, errors = [], []

    def load():
        try:
            images.append(np.array(store.load(case).image))
        except Exception as error:  # shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert all(np.array_equal(image, images[0]) for image in images)
    assert len(list(store.folder.iterdir())) == 1


def test_a_writer_on_another_machine_may_be_faster(store, manifest, monkeypatch):
    honest = store_module.atomic_folder

    @contextmanager
    def second(path):
        with honest(path) as other:
            yield other
        raise OSError(39, "Directory not empty")  # what our own rename finds then

    monkeypatch.setattr(store_module, "atomic_folder", second)

    assert store.load(manifest.cases[0]).image.size


def test_names_the_file_that_has_gone(store, manifest, tmp_path):
    case = replace(manifest.cases[0], label=tmp_path / "gone.nii.gz")

    with pytest.raises(InputError, match=r"gone\.nii\.gz: no such file; check the manifest"):
        store.load(case)


def test_a_failed_case_leaves_nothing_half_written(store, manifest, tmp_path):
    broken = tmp_path / "broken_t1.nii.gz"
    broken.write_bytes(b"no scan")
    case = replace(manifest.cases[0], images={**manifest.cases[0].images, "t1": broken})

    with pytest.raises(InputError, match=r"broken_t1\.nii\.gz"):
        store.prepare_all([case])

    assert not store.folder.exists() or list(store.folder.iterdir()) == []


@pytest.mark.parametrize("count", [0, 1, 512, 513, 1000, 5000])
def test_centres_are_spread_over_the_whole_region(count):
    target = np.zeros((1, 20, 20, 20), np.uint8)
    target.reshape(-1)[:count] = 1

    centres = _sample_centres(target)
    places = np.ravel_multi_index(tuple(centres[:, 1:].T), (20, 20, 20))

    assert len(set(places)) == len(places) == min(count, 512)
    if count > 1:
        assert (places.min(), places.max()) == (0, count - 1)
        assert np.diff(places).max() <= -(-count // 511)


def test_centres_are_labelled_voxels_of_every_region(store, manifest):
    case = manifest.cases[0]
    target = store.load(case).target

    centres = store.centres(case)

    assert set(centres[:, 0]) == {0, 1, 2}
    assert all(target[tuple(place)] == 1 for place in centres)
