import gzip
import os
import shutil
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
import torch

from inspire_med.cases import entry as entry_module
from inspire_med.cases import sources
from inspire_med.cases import store as store_module
from inspire_med.cases.case import Case
from inspire_med.cases.entry import arrays, sample_centres, write_entry
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.prepare import prepare_case
from inspire_med.cases.store import Store
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


def test_numbers_that_half_the_bytes_cannot_hold_are_kept(store, manifest, write_nifti):
    case = manifest.cases[0]
    bright = np.full((6, 5, 4), 70_000, np.float32)
    bright[2, 2, 2] = 3.0
    folder = store.folder / "entry"
    folder.mkdir(parents=True)
    fresh = prepare_case(case, manifest.channels, manifest.regions, store.preparation)

    write_entry(folder, replace(fresh, image=np.stack([bright])))

    np.testing.assert_array_equal(arrays(folder)[0][0], bright)


def test_the_image_tensor_is_a_float32_copy_of_its_own(store, manifest):
    image = store.load(manifest.cases[0]).image_tensor()
    image[:] = 5

    assert image.dtype == torch.float32
    assert not (store.load(manifest.cases[0]).image == 5).all()


def test_prepares_all_and_tells_how_far_it_is(store, manifest):
    steps = []

    store.prepare_all(manifest.cases, workers=2, progress=lambda *step: steps.append(step))

    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(entries_of(store)) == 4


def test_does_not_build_twice(store, manifest):
    case = manifest.cases[0]
    store.load(case)
    before = (store.path(case) / "image.npy").stat().st_mtime_ns

    store.load(case)

    assert (store.path(case) / "image.npy").stat().st_mtime_ns == before


def entries_of(store):
    return {record.parent.name for record in store.folder.glob("*/record.json")}


def again(store, **changes):
    """The same store as another process finds it."""
    return Store(store.folder, store.preparation, store.channels, store.regions, **changes)


FILES = ["image.npy", "target.npy", "centres.npy", "placement.json", "record.json"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["cut", "gone", "flipped"])
def test_builds_a_damaged_entry_again(store, manifest, file, damage):
    case = manifest.cases[0]
    sound = np.array(store.load(case).image)
    path = store.path(case) / file
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[:20])
    else:
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])

    kept = again(store).load(case)

    np.testing.assert_array_equal(kept.image, sound)
    if file != "record.json":
        assert path.read_bytes() == content


def test_what_looks_as_before_is_not_hashed_again(store, manifest, monkeypatch):
    case, hashed = manifest.cases[0], []
    entry = store.path(case)
    store.load(case)
    honest = entry_module.sha256
    monkeypatch.setattr(entry_module, "sha256", lambda path: hashed.append(path) or honest(path))

    again(store).load(case)
    assert hashed == []

    shutil.move(shutil.copytree(entry, entry.with_name("copy")), store.folder / "moved")
    shutil.rmtree(entry)
    (store.folder / "moved").rename(entry)
    again(store).load(case)
    assert len(hashed) == 4  # other files of the same content
    again(store).load(case)
    assert len(hashed) == 4


def test_an_entry_that_goes_meanwhile_is_built_again(store, manifest):
    case = manifest.cases[0]
    sound = np.array(store.load(case).image)
    shutil.rmtree(store.path(case))

    np.testing.assert_array_equal(store.load(case).image, sound)


def test_a_run_asks_for_the_files_of_a_case_once(store, manifest, monkeypatch):
    case, asked = manifest.cases[0], []
    store.load(case)
    monkeypatch.setattr(store_module, "content_of", lambda *of: asked.append(of))

    store.load(case)
    store.centres(case)

    assert asked == []


@pytest.fixture
def moved(manifest, store, tmp_path):
    """A store that was copied to where its cases' files are not, and the cases as seen there."""
    store.prepare_all(manifest.cases)
    folder = Path(shutil.copytree(store.folder, tmp_path / "elsewhere"))
    there = tmp_path / "no" / "such" / "place"
    cases = [
        replace(
            case,
            images={name: there / path.name for name, path in case.images.items()},
            label=there / case.label.name,
        )
        for case in manifest.cases
    ]
    return Store(folder, store.preparation, store.channels, store.regions), cases


def test_an_entry_stands_for_files_that_are_not_there(store, manifest, moved):
    other, cases = moved

    other.prepare_all(cases)

    assert [other.holds_alone(case) for case in cases] == [True] * 4
    assert not store.holds_alone(manifest.cases[0])
    for case, known in zip(cases, manifest.cases, strict=True):
        np.testing.assert_array_equal(other.load(case).image, store.load(known).image)
        np.testing.assert_array_equal(other.load(case).target, store.load(known).target)


def test_without_files_another_setting_is_refused(moved):
    other, cases = moved
    asked = Store(
        other.folder, Preparation(crop_to_foreground=False), other.channels, other.regions
    )

    with pytest.raises(InputError, match=r"no such file; .* give a --store that holds BraTS20_"):
        asked.load(cases[0])


def test_without_files_a_damaged_entry_is_named(moved):
    other, cases = moved
    entry = other.path(cases[0])
    (entry / "image.npy").write_bytes(b"")

    with pytest.raises(InputError) as caught:
        other.load(cases[0])

    assert str(caught.value) == (
        f"{entry}: is damaged, and {cases[0].images['flair']}, which it could be made of again, is "
        "not here; copy the folder again."
    )


def test_without_files_one_of_two_entries_is_not_chosen(moved):
    other, cases = moved
    entry = other.path(cases[0])
    shutil.copytree(entry, entry.with_name(f"{entry.name[:-8]}01234567"))

    with pytest.raises(InputError, match="is one of 2 alike, made of other files each"):
        other.load(cases[0])


def test_entries_that_are_used_least_make_way(store, manifest):
    cases = manifest.cases
    store.prepare_all(cases[:3])
    size = entry_bytes(store.path(cases[0]))
    for age, case in enumerate((cases[1], cases[0], cases[2])):
        os.utime(store.path(case) / "record.json", ns=(age, age))
    new = again(store, limit=int(3.5 * size))

    new.prepare_all([cases[3]], others=[cases[0]])

    assert entries_of(store) == {store.path(cases[number]).name for number in (0, 2, 3)}


def test_a_limit_that_the_run_itself_exceeds_is_refused(store, manifest):
    store.prepare_all(manifest.cases[:1])
    size = entry_bytes(store.path(manifest.cases[0]))
    new = again(store, limit=int(2.5 * size))

    with pytest.raises(InputError, match=r"--store_limit: .* the first 3 take"):
        new.prepare_all(manifest.cases)


def entry_bytes(entry):
    return sum(file.stat().st_size for file in entry.iterdir())


def test_statistics_are_kept_for_where_the_files_are_not(tmp_path, write_nifti):
    preparation = Preparation(intensity="ct")
    random = np.random.default_rng(0)
    label = np.zeros((6, 7, 5), np.uint8)
    label[1:4, 2:5, 1:4] = 1
    scan = write_nifti(tmp_path / "raw" / "a.nii.gz", random.normal(50, 20, label.shape))
    mask = write_nifti(tmp_path / "raw" / "a_seg.nii.gz", label)
    case = Case("a", "a", {"ct": scan}, label.shape, (1.0,) * 3, mask)
    store = Store(tmp_path / "store", preparation, ["ct"], {"organ": (1,)})
    found = store.statistics([case])
    shutil.rmtree(tmp_path / "raw")

    assert again(store).statistics([case]) == found
    assert 40 < found["ct"]["mean"] < 60


def test_another_setting_or_a_changed_file_is_another_entry(store, manifest, tmp_path):
    case = manifest.cases[0]
    other = Store(
        store.folder, Preparation(crop_to_foreground=False), store.channels, store.regions
    )
    fewer = Store(store.folder, store.preparation, store.channels[:2], store.regions)
    changed = tmp_path / case.images["t1"].name
    shutil.copy(manifest.cases[1].images["t1"], changed)
    edited = replace(case, images={**case.images, "t1": changed})

    assert len({each.path(case) for each in (store, other, fewer)} | {store.path(edited)}) == 4


@pytest.fixture
def here(manifest, tmp_path):
    """The set of one case as a folder that may be moved, its files of no compression."""
    case, folder = manifest.cases[0], tmp_path / "here"
    folder.mkdir()
    files = {**case.images, "": case.label}
    for path in files.values():
        (folder / path.name.removesuffix(".gz")).write_bytes(gzip.decompress(path.read_bytes()))
    return replace(manifest, root=folder, cases=(case_in(folder, case),))


def case_in(folder, case):
    def place(path):
        return folder / path.name.removesuffix(".gz")

    images = {name: place(path) for name, path in case.images.items()}
    return replace(case, images=images, label=place(case.label))


def test_a_set_that_was_moved_with_its_store_is_not_prepared_again(here, tmp_path, monkeypatch):
    here.save(here.root / "manifest.json")
    store = Store(here.root / "store", Preparation(), here.channels, here.regions)
    store.prepare_all(here.cases)
    there = Path(shutil.move(here.root, tmp_path / "there"))
    for file in there.glob("*.nii"):
        os.utime(file)  # as a copy to another machine may leave it
    monkeypatch.setattr(store_module, "prepare_case", None)
    moved = Manifest.load(there / "manifest.json")

    Store(there / "store", Preparation(), moved.channels, moved.regions).prepare_all(moved.cases)


def test_files_that_look_as_before_are_not_read_again(here, store, monkeypatch):
    case, read = here.cases[0], []
    honest = sources.sha256
    monkeypatch.setattr(sources, "sha256", lambda path: read.append(path) or honest(path))

    assert store.path(case) == store.path(case)
    assert sorted(read) == sorted([*case.images.values(), case.label])


def test_files_of_channels_that_are_left_out_need_not_be_there(here, store):
    case = here.cases[0]
    case.images["flair"].unlink()
    fewer = Store(store.folder, store.preparation, ("t1", "t2"), store.regions)

    assert fewer.load(case).image.shape[0] == 2
    assert not fewer.holds_alone(case)


def test_one_voxel_that_was_changed_in_place_is_noticed(here, store):
    case = here.cases[0]
    before, size = store.path(case), case.label.stat().st_size
    content = bytearray(case.label.read_bytes())
    content[size // 2] ^= 1
    case.label.write_bytes(content)

    assert store.path(case) != before


def test_voxels_beside_their_header_are_of_the_case(here, store):
    case = here.cases[0]
    scan = sitk.ReadImage(case.images["t1"])
    header = case.images["t1"].with_suffix(".mhd")
    sitk.WriteImage(scan, header)
    case = replace(case, images={**case.images, "t1": header})
    before = store.path(case)
    voxels = header.with_suffix(".raw")
    voxels.write_bytes(voxels.read_bytes()[::-1])

    assert store.path(case) != before


def test_the_same_content_under_another_channel_is_another_case(here, store):
    case = here.cases[0]
    t1, t2 = case.images["t1"], case.images["t2"]
    before = store.path(case)
    kept = t1.read_bytes()
    t1.write_bytes(t2.read_bytes())
    t2.write_bytes(kept)

    assert store.path(case) != before


def test_a_store_that_cannot_be_written_serves_all_the_same(here, store, monkeypatch):
    store.prepare_all(here.cases)
    shutil.rmtree(store.folder / "sources")

    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(sources, "write_text", refused)

    again(store).prepare_all(here.cases)

    assert len(entries_of(store)) == 1


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
    assert len(entries_of(store)) == 1


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

    assert [path.name for path in store.folder.iterdir()] == ["sources"]


@pytest.mark.parametrize("count", [0, 1, 512, 513, 1000, 5000])
def test_centres_are_spread_over_the_whole_region(count):
    target = np.zeros((1, 20, 20, 20), np.uint8)
    target.reshape(-1)[:count] = 1

    centres = sample_centres(target)
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
