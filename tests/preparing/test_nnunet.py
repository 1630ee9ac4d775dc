"""nnU-Net's raw folder: written by links, and read back to the same cases, regions and folds."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.masks import region_masks
from inspire_med.imaging.volume import read_volume
from inspire_med.prepare import main as prepare
from inspire_med.preparing.nnunet_labels import described_labels, numbers

BRATS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


def written(task, source, out, *more):
    words = ["--task", task, "--source", str(source), "--out", str(out), "--as", "nnunet", *more]
    assert prepare(words) == 0
    return out


def read_back(folder, path):
    words = ["--task", "nnunet", "--source", str(folder), "--out", str(path)]
    assert prepare(words) == 0
    return Manifest.load(path)


def masks(manifest, name):
    (case,) = (case for case in manifest.cases if case.id == name)
    return region_masks(read_labels(case.label, range(256)).labels, manifest.regions)


def index_of(folder):
    return json.loads((folder / "dataset.json").read_text())


@pytest.fixture
def isles(tmp_path, write_nifti):
    """Two cases whose FLAIR lies on a coarser grid of the same box; one has none."""
    random = np.random.default_rng(0)
    coarse = np.diag([2.0, 2.0, 2.0, 1.0])
    coarse[:3, 3] = 0.5
    for number in (1, 2):
        name = f"sub-strokecase000{number}_ses-0001"
        label = np.zeros((8, 6, 4), np.uint8)
        label[1:3, 2:5, 1:3] = 1
        for kind in ("dwi", "adc"):
            data = random.integers(1, 99, label.shape).astype(np.int16)
            write_nifti(tmp_path / "set" / f"{name}_{kind}.nii.gz", data)
        if number == 1:
            data = random.integers(1, 99, (4, 3, 2)).astype(np.int16)
            write_nifti(tmp_path / "set" / f"{name}_flair.nii.gz", data, coarse)
        write_nifti(tmp_path / "set" / f"{name}_msk.nii.gz", label)
    return tmp_path / "set"


def test_labels_count_on_and_each_region_is_painted_by_its_own():
    """BraTS: 1, 2 and 4 become 1, 2 and 3; WT is painted by 2, TC by 1, ET by itself."""
    assert numbers(BRATS) == {0: 0, 1: 1, 2: 2, 4: 3}
    painted = {
        "labels": {"background": 0, "WT": [1, 2, 3], "TC": [1, 3], "ET": [3]},
        "regions_class_order": [2, 1, 3],
    }
    assert described_labels(BRATS) == painted
    # In whatever order a task has them: what is inside must be painted last.
    assert described_labels(dict(reversed(BRATS.items()))) == painted


def test_regions_that_do_not_overlap_are_plain_labels():
    regions = {"liver": (1, 3), "tumour": (7,)}

    assert numbers(regions) == {0: 0, 1: 1, 3: 1, 7: 2}
    assert described_labels(regions) == {"labels": {"background": 0, "liver": 1, "tumour": 2}}


def test_a_region_that_is_all_of_others_is_painted_too():
    regions = {"organ": (1, 2), "cortex": (1,), "pelvis": (2,)}

    assert described_labels(regions)["regions_class_order"] == [1, 1, 2]


def test_a_set_comes_back_with_its_cases_regions_and_folds(ball_volumes, tmp_path):
    own = Manifest.load(ball_volumes)

    folder = written("brats", ball_volumes.parent, tmp_path / "Dataset001_A", "--folds", "2")
    back = read_back(folder, tmp_path / "back.json")

    assert back.channels == own.channels
    assert [(case.id, case.fold) for case in back.cases] == [
        (case.id, case.fold) for case in own.cases
    ]
    assert list(back.regions) == list(own.regions)
    for case in own.cases:
        assert np.array_equal(masks(back, case.id), masks(own, case.id))
        assert masks(own, case.id).any(axis=(1, 2, 3)).all()


def test_images_are_links_and_labels_that_change_are_files(ball_volumes, tmp_path):
    own = Manifest.load(ball_volumes)
    before = {path: path.read_bytes() for path in ball_volumes.parent.rglob("*.nii.gz")}
    case, *_ = own.cases

    folder = written("brats", ball_volumes.parent, tmp_path / "Dataset001_A")

    for number, channel in enumerate(own.channels):
        image = folder / "imagesTr" / f"{case.id}_{number:04d}.nii.gz"
        assert image.readlink() == case.images[channel]
    label = folder / "labelsTr" / f"{case.id}.nii.gz"
    assert not label.is_symlink()
    assert set(np.unique(nib.load(label).dataobj)) == {0, 1, 2, 3}
    assert np.allclose(nib.load(label).affine, nib.load(case.label).affine)
    assert {path: path.read_bytes() for path in before} == before


def test_a_label_that_need_not_change_is_a_link(isles, tmp_path):
    folder = written("isles", isles, tmp_path / "Dataset001_A")

    assert all(path.is_symlink() for path in (folder / "labelsTr").iterdir())
    assert index_of(folder)["labels"] == {"background": 0, "lesion": 1}


def test_channels_on_another_grid_are_written_on_the_references(isles, tmp_path):
    folder = written("isles", isles, tmp_path / "Dataset001_A", "--fill_missing", "true")

    assert list(index_of(folder)["channel_names"].values()) == ["dwi", "adc", "flair"]
    files = sorted((folder / "imagesTr").glob("*_0002.nii.gz"))
    first, second = map(read_volume, files)
    assert first.grid.shape == second.grid.shape == (8, 6, 4)
    own = nib.load(next(isles.glob("*_flair.nii.gz"))).get_fdata()
    # Voxel 1 lies at 1 mm, a quarter of the way from the coarse centre at 0.5 mm to that at 2.5.
    corner = own[:2, :2, :2]
    for axis in range(3):
        corner = 0.75 * corner.take([0], axis) + 0.25 * corner.take([1], axis)
    assert first.values[1, 1, 1] == pytest.approx(float(corner.squeeze()), rel=1e-4)
    assert not second.values.any()  # by request


def test_parts_and_other_formats_are_written_out(tmp_path, write_nifti):
    random = np.random.default_rng(0)
    scan = random.integers(0, 99, (5, 4, 3, 2)).astype(np.int16)
    label = np.zeros((5, 4, 3), np.uint8)
    label[1, 1, 1] = 2
    write_nifti(tmp_path / "set" / "imagesTr" / "a.nii.gz", scan)
    write_nifti(tmp_path / "set" / "labelsTr" / "a.nii", label)
    index = {
        "modality": {"0": "T2", "1": "ADC"},
        "labels": {"0": "background", "1": "PZ", "2": "TZ"},
        "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii"}],
    }
    (tmp_path / "set" / "dataset.json").write_text(json.dumps(index))

    folder = written("nnunet", tmp_path / "set", tmp_path / "Dataset001_A")

    for number in (0, 1):
        image = nib.load(folder / "imagesTr" / f"a_{number:04d}.nii.gz")
        assert image.get_data_dtype() == np.int16
        assert np.array_equal(image.get_fdata(), scan[..., number])
    assert np.array_equal(nib.load(folder / "labelsTr" / "a.nii.gz").get_fdata(), label)


def test_a_label_stored_along_other_axes_is_laid_as_the_images(ball_volumes, tmp_path, write_nifti):
    own = Manifest.load(ball_volumes).cases[0]
    shutil.copytree(own.label.parent, tmp_path / "set" / own.id)
    labels, affine = nib.load(own.label).get_fdata(), nib.load(own.label).affine
    turned = affine @ np.diag([-1.0, 1.0, 1.0, 1.0])  # from the other end of the first axis
    turned[:3, 3] = (affine @ [labels.shape[0] - 1, 0, 0, 1])[:3]
    label = tmp_path / "set" / own.id / own.label.name
    write_nifti(label, labels[::-1].astype(np.uint8), turned)

    folder = written("brats", tmp_path / "set", tmp_path / "Dataset001_A")

    back = nib.load(folder / "labelsTr" / f"{own.id}.nii.gz")
    assert np.array_equal(back.get_fdata(), np.where(labels == 4, 3, labels))
    assert np.allclose(back.affine, affine)


def test_pictures_come_back_too(disc_images, tmp_path):
    own = Manifest.load(disc_images)
    case, *_ = own.cases

    folder = written("polyp", disc_images.parent, tmp_path / "Dataset001_A", "--folds", "2")
    back = read_back(folder, tmp_path / "back.json")

    assert (folder / "imagesTr" / f"{case.id}_0000.png").readlink() == case.images["red"]
    mask = np.asarray(Image.open(folder / "labelsTr" / f"{case.id}.png"))
    assert np.array_equal(255 * mask, np.asarray(Image.open(case.label)))
    assert (back.channels, back.regions) == (own.channels, own.regions)
    assert [(each.id, each.fold) for each in back.cases] == [
        (each.id, each.fold) for each in own.cases
    ]


def test_other_pictures_are_written_as_png(disc_images, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(disc_images.parent / "masks", folder / "masks")
    (folder / "images").mkdir()
    for file in (disc_images.parent / "images").iterdir():
        Image.open(file).save(folder / "images" / f"{file.stem}.jpg")

    out = written("polyp", folder, tmp_path / "Dataset001_A")

    image = out / "imagesTr" / "disc0_0000.png"
    assert not image.is_symlink()
    expected = np.asarray(Image.open(folder / "images" / "disc0.jpg"))
    assert np.array_equal(np.asarray(Image.open(image)), expected)


def test_only_a_raw_folder_is_replaced_and_never_the_sets_own(isles, tmp_path, capsys):
    out = written("isles", isles, tmp_path / "Dataset001_A")
    words = ["--task", "isles", "--source", str(isles), "--as", "nnunet", "--out"]

    assert prepare([*words, str(out)]) == 2
    assert "exists already; choose another place or pass --overwrite" in capsys.readouterr().err
    assert prepare([*words, str(out), "--overwrite", "true"]) == 0
    assert prepare([*words, str(isles.parent), "--overwrite", "true"]) == 2
    assert "of the set itself; choose another --out" in capsys.readouterr().err
    (out / "notes.txt").touch()
    assert prepare([*words, str(out), "--overwrite", "true"]) == 2
    assert "holds what --as nnunet did not write; choose another" in capsys.readouterr().err
    assert len(list(isles.iterdir())) == 7


def test_a_raw_folder_of_somebody_elses_is_not_replaced(isles, tmp_path, capsys):
    theirs = tmp_path / "Dataset005_Theirs"
    for name in ("imagesTr", "labelsTr"):
        (theirs / name).mkdir(parents=True)
        (theirs / name / "scan.nii.gz").write_bytes(b"years of work")
    (theirs / "dataset.json").write_text('{"channel_names": {"0": "MRI"}}')
    words = ["--task", "isles", "--source", str(isles), "--as", "nnunet", "--out", str(theirs)]

    assert prepare([*words, "--overwrite", "true"]) == 2

    assert "holds what --as nnunet did not write" in capsys.readouterr().err
    assert (theirs / "imagesTr" / "scan.nii.gz").read_bytes() == b"years of work"


def test_a_name_that_nnunet_does_not_find_is_said(isles, tmp_path, capsys):
    written("isles", isles, tmp_path / "raw")

    assert "note: nnU-Net finds a folder by a name such as Dataset" in capsys.readouterr().out


def test_a_set_without_labels_is_refused(isles, tmp_path, capsys):
    for path in isles.glob("*_msk.nii.gz"):
        path.unlink()
    words = ["--task", "isles", "--source", str(isles), "--as", "nnunet"]

    assert prepare([*words, "--out", str(tmp_path / "raw")]) == 2

    assert "raw: no case has a label; nnU-Net's folder is for training" in capsys.readouterr().err
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--phantom", "2"], "--as: goes with --source; prepare the phantoms first, then write"),
        (["--source", ".", "--check", "true"], "--as: goes without --check and --repair; check"),
    ],
)
def test_one_thing_is_done_at_a_time(tmp_path, capsys, more, sentence):
    words = ["--task", "brats", "--as", "nnunet", "--out", str(tmp_path / "a"), *more]

    assert prepare(words) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "folds", "said"),
    [
        (
            [{"train": ["b"], "val": ["a"]}, {"train": ["a"], "val": ["b"]}],
            {"a": 0, "b": 1},
            "note: The folds are those of splits_final.json.",
        ),
        ([{"train": ["b"], "val": ["a"]}], {"a": 0, "b": None}, "never validated on"),
    ],
)
def test_nnunets_own_folds_are_kept(tmp_path, write_nifti, capsys, content, folds, said):
    folder = raw_of_two(tmp_path, write_nifti)
    (folder / "splits_final.json").write_text(json.dumps(content))

    back = read_back(folder, tmp_path / "m.json")

    assert said in capsys.readouterr().out
    assert {case.id: case.fold for case in back.cases} == folds


@pytest.mark.parametrize("content", ['{"a": 1}', '[{"train": ["a"], "val": ["c"]}]', "{"])
def test_folds_that_cannot_be_kept_are_named(tmp_path, write_nifti, content, capsys):
    folder = raw_of_two(tmp_path, write_nifti)
    (folder / "splits_final.json").write_text(content)

    back = read_back(folder, tmp_path / "m.json")

    assert "note: Its folds are not used: " in capsys.readouterr().out
    assert sorted(case.fold for case in back.cases) == [0, 1]


def raw_of_two(tmp_path, write_nifti):
    folder = tmp_path / "Dataset002_B"
    for number, name in enumerate("ab"):
        scan = np.random.default_rng(number).integers(1, 99, (4, 4, 4)).astype(np.int16)
        write_nifti(folder / "imagesTr" / f"{name}_0000.nii.gz", scan)
        write_nifti(folder / "labelsTr" / f"{name}.nii.gz", np.ones((4, 4, 4), np.uint8))
    index = {"channel_names": {"0": "T1"}, "labels": {"background": 0, "x": 1}}
    (folder / "dataset.json").write_text(json.dumps(index))
    return folder


def test_the_label_to_ignore_is_the_last():
    assert numbers({"a": (5,), "b": (2, 7)}, 4) == {0: 0, 5: 1, 2: 2, 7: 2, 4: 3}
    assert numbers(BRATS, 3) == {0: 0, 1: 1, 2: 2, 4: 3, 3: 4}
    described = described_labels(BRATS, 3)
    assert list(described["labels"].items())[-1] == ("ignore", 4)
    assert described["regions_class_order"] == [2, 1, 3]


@pytest.mark.parametrize("pictures", [True, False], ids=["2d", "3d"])
@pytest.mark.parametrize("overlapping", [True, False])
def test_a_label_to_ignore_comes_back(tmp_path, write_nifti, pictures, overlapping):
    """From values of a user's own, the one to ignore in their midst, to nnU-Net's and back."""
    regions = {"all": [1, 4], "part": [4]} if overlapping else {"a": [1], "b": [4]}
    fields = {
        "spatial_dims": 2 if pictures else 3,
        "channels": ["red", "green", "blue"] if pictures else ["mri"],
        "regions": {**regions, "ignore": 2},
        "intensity": "rgb" if pictures else "mri",
        "images": "images/{case}.png" if pictures else "images/{case}.nii.gz",
        "label": "masks/{case}.png" if pictures else "masks/{case}.nii.gz",
    }
    (tmp_path / "own.yaml").write_text(json.dumps(fields))
    drawn = {}
    for number, name in enumerate("ab"):
        random = np.random.default_rng(number)
        drawn[name] = random.choice([0, 1, 2, 4], (8, 6) if pictures else (8, 6, 5)).astype(
            np.uint8
        )
        if pictures:
            for folder in ("images", "masks"):
                (tmp_path / "set" / folder).mkdir(parents=True, exist_ok=True)
            picture = random.integers(0, 255, (8, 6, 3)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "set" / "images" / f"{name}.png")
            Image.fromarray(drawn[name]).save(tmp_path / "set" / "masks" / f"{name}.png")
        else:
            scan = random.integers(1, 99, (8, 6, 5)).astype(np.int16)
            write_nifti(tmp_path / "set" / "images" / f"{name}.nii.gz", scan)
            write_nifti(tmp_path / "set" / "masks" / f"{name}.nii.gz", drawn[name])

    folder = written(str(tmp_path / "own.yaml"), tmp_path / "set", tmp_path / "Dataset001_A")
    back = read_back(folder, tmp_path / "back.json")

    assert index_of(folder)["labels"]["ignore"] == 3
    assert (list(back.regions), back.task.preparation.ignore) == (list(regions), 3)
    for case in back.cases:
        labels = drawn[case.id]
        found = read_labels(case.label, range(256), 3)
        assert np.array_equal(found.judged, labels != 2)
        expected = region_masks(labels, regions)
        assert np.array_equal(region_masks(found.labels, back.regions), expected)
