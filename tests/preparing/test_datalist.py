"""MONAI's datalist: written, and read back to the same cases, regions and folds."""

import json

import nibabel as nib
import numpy as np
import pytest

from inspire_med.cases.manifest import Manifest
from inspire_med.prepare import main as prepare


def run(task, source, out, *more):
    return prepare(["--task", task, "--source", str(source), "--out", str(out), *more])


def written(task, source, out, *more):
    assert run(task, source, out, "--as", "monai", *more) == 0
    return json.loads(out.read_text())


def read_back(path):
    assert run("monai", path, path.with_name("back.json")) == 0
    return Manifest.load(path.with_name("back.json"))


def as_found(manifest):
    return {
        case.id: (case.patient, case.fold, dict(case.images), case.label) for case in manifest.cases
    }


@pytest.mark.parametrize("task", ["brats", "polyp"])
def test_a_set_comes_back_as_it_was(task, ball_volumes, disc_images, tmp_path):
    manifest = {"brats": ball_volumes, "polyp": disc_images}[task]
    own = Manifest.load(manifest)

    content = written(task, manifest.parent, tmp_path / f"{task}.json", "--folds", "2")
    back = read_back(tmp_path / f"{task}.json")

    assert as_found(back) == as_found(own)
    assert (back.channels, back.regions) == (own.channels, own.regions)
    assert back.task.name == f"{task}-listed"
    assert content["numTraining"] == len(own.cases)


def test_paths_are_those_that_monai_looks_for_beside_the_list(ball_volumes, tmp_path):
    content = written("brats", ball_volumes.parent, tmp_path / "lists" / "a.json")

    for entry in content["training"]:
        assert len(entry["image"]) == 4
        assert all((tmp_path / "lists" / path).is_file() for path in entry["image"])
        assert (tmp_path / "lists" / entry["label"]).is_file()


def decathlon(folder, write_nifti, parts=2):
    scan = np.random.default_rng(0).integers(1, 99, (5, 4, 3, parts)).astype(np.int16)
    label = np.zeros((5, 4, 3), np.uint8)
    label[1, 1, 1] = 1
    write_nifti(folder / "imagesTr" / "a.nii.gz", scan)
    write_nifti(folder / "labelsTr" / "a.nii.gz", label)
    index = {
        "modality": {"0": "T2", "1": "ADC"},
        "labels": {"0": "background", "1": "PZ"},
        "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}],
    }
    (folder / "dataset.json").write_text(json.dumps(index))
    return folder


def test_a_file_of_all_channels_is_named_once(tmp_path, write_nifti):
    folder = decathlon(tmp_path / "set", write_nifti)

    content = written("nnunet", folder, tmp_path / "a.json")

    assert content["training"][0]["image"] == "set/imagesTr/a.nii.gz"
    assert read_back(tmp_path / "a.json").cases[0].components == {"T2": 0, "ADC": 1}


@pytest.mark.parametrize("channels", [["ADC", "T2"], ["T2"]])
def test_parts_that_a_list_cannot_name_are_refused(tmp_path, write_nifti, channels, capsys):
    folder = decathlon(tmp_path / "set", write_nifti)

    words = ["--as", "monai", "--channels", *channels]
    assert run("nnunet", folder, tmp_path / "a.json", *words) == 2

    assert (
        "case a: a channel is a part of a larger file, which a datalist" in capsys.readouterr().err
    )
    assert not (tmp_path / "a.json").exists()


def isles(folder, write_nifti, flairs):
    for number in range(2):
        name = f"sub-{number}_ses-1"
        label = np.zeros((6, 5, 4), np.uint8)
        label[1, 1, 1] = 1
        for seed, kind in enumerate(("dwi", "adc")):
            scan = np.random.default_rng(9 * number + seed).integers(1, 99, label.shape)
            write_nifti(folder / f"{name}_{kind}.nii.gz", scan.astype(np.int16))
        if number < flairs:
            scan = np.random.default_rng(number).integers(1, 99, (6, 5, 3)).astype(np.int16)
            write_nifti(folder / f"{name}_flair.nii.gz", scan)
        write_nifti(folder / f"{name}_msk.nii.gz", label)
    return folder


@pytest.mark.parametrize(
    ("flairs", "more", "fault"),
    [
        (2, (), "lies on another grid"),
        (1, ("--fill_missing", "true"), "is filled with zeros|lies on another grid"),
        (0, ("--fill_missing", "true"), "is filled with zeros"),
    ],
)
def test_what_must_be_resampled_or_filled_is_refused(
    tmp_path, write_nifti, capsys, flairs, more, fault
):
    folder = isles(tmp_path / "set", write_nifti, flairs)

    assert run("isles", folder, tmp_path / "a.json", "--as", "monai", *more) == 2

    error = capsys.readouterr().err
    assert any(
        f"a channel {words}, which a datalist cannot say" in error for words in fault.split("|")
    )
    assert run("isles", folder, tmp_path / "b.json", "--as", "monai", "--channels", "dwi") == 0


def test_cases_without_labels_are_for_testing(tmp_path, write_nifti):
    folder = isles(tmp_path / "set", write_nifti, 0)
    for path in folder.glob("*_msk.nii.gz"):
        path.unlink()

    content = written("isles", folder, tmp_path / "a.json")

    assert [entry["id"] for entry in content["testing"]] == ["sub-0_ses-1", "sub-1_ses-1"]
    assert "training" not in content


def test_a_list_is_a_json_file_and_not_replaced_unasked(ball_volumes, tmp_path, capsys):
    source = ball_volumes.parent

    assert run("brats", source, tmp_path / "a.txt", "--as", "monai") == 2
    assert "a.txt: a datalist's name ends in .json; give such a name" in capsys.readouterr().err
    written("brats", source, tmp_path / "a.json")
    assert run("brats", source, tmp_path / "a.json", "--as", "monai") == 2
    assert "a.json: exists already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "", "a\\b"])
def test_an_id_in_a_list_chooses_no_folder(tmp_path, write_nifti, name, capsys):
    write_nifti(tmp_path / "a.nii.gz", np.ones((4, 4, 4), np.int16))
    content = {"training": [{"image": "a.nii.gz", "label": "a.nii.gz", "id": name}]}
    (tmp_path / "a.json").write_text(json.dumps(content))

    assert run("monai", tmp_path / "a.json", tmp_path / "m.json") == 2

    assert "a.json: no datalist (Expected `str` matching regex" in capsys.readouterr().err


@pytest.mark.slow
def test_monai_reads_the_list(ball_volumes, tmp_path):
    from monai.data import load_decathlon_datalist

    written("brats", ball_volumes.parent, tmp_path / "a.json", "--folds", "2")

    entries = load_decathlon_datalist(str(tmp_path / "a.json"), True, "training")

    own = Manifest.load(ball_volumes)
    assert [entry["fold"] for entry in entries] == [case.fold for case in own.cases]
    first = nib.load(entries[0]["image"][2]).get_fdata()
    assert np.array_equal(first, nib.load(own.cases[0].images["t1ce"]).get_fdata())


def test_a_list_of_somebody_else_is_not_replaced(ball_volumes, tmp_path, capsys):
    out, words = tmp_path / "a.json", ("--as", "monai", "--overwrite")
    out.write_text('{"name": "mine", "training": []}')

    assert run("brats", ball_volumes.parent, out, *words) == 2
    assert "a.json: --as monai did not write it, and it stays" in capsys.readouterr().err
    assert json.loads(out.read_text())["name"] == "mine"

    out.unlink()
    assert run("brats", ball_volumes.parent, out, *words) == 0
    assert run("brats", ball_volumes.parent, out, *words) == 0


def test_a_label_to_ignore_is_listed_and_comes_back(tmp_path, write_nifti):
    folder = decathlon(tmp_path / "set", write_nifti)
    index = json.loads((folder / "dataset.json").read_text())
    index["labels"]["7"] = "ignore"
    (folder / "dataset.json").write_text(json.dumps(index))

    content = written("nnunet", folder, tmp_path / "a.json")

    assert content["labels"]["ignore"] == 7
    assert read_back(tmp_path / "a.json").task.preparation.ignore == 7
