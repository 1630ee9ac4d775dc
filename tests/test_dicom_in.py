"""DICOM from a folder and a zip to a manifest and to masks."""

import json
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.sources import content_of
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.networks import build_network
from inspire_med.predict import main as predict
from inspire_med.prepare import main as prepare
from tests.common.dicom_series import write_plain

NAMES = {"flair": "FLAIR", "t1": "T1", "t1ce": "T1 Gd", "t2": "T2"}


@pytest.fixture(scope="module")
def studies(tmp_path_factory, ball_volumes) -> Path:
    """The cases of `ball_volumes` as DICOM, a folder a patient with its label."""
    folder = tmp_path_factory.mktemp("studies")
    for case in Manifest.load(ball_volumes).cases:
        for number, (channel, path) in enumerate(case.images.items()):
            image = nibabel.load(path)
            values = np.asarray(image.dataobj).astype(np.int16)
            write_plain(
                folder / case.id / str(number), values, image.affine, PatientID=case.id,
                SeriesDescription=NAMES[channel], SeriesNumber=number,
            )  # fmt: skip
        (folder / case.id / "label.nii.gz").write_bytes(case.label.read_bytes())
    return folder


@pytest.fixture(scope="module")
def packed(tmp_path_factory, studies) -> Path:
    path = tmp_path_factory.mktemp("packed") / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(studies.rglob("*")):
            archive.write(file, file.relative_to(studies))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory, ball_volumes) -> Path:
    folder = tmp_path_factory.mktemp("model")
    known = Manifest.load(ball_volumes)
    network = {"spatial_dims": 3, "in_channels": 4, "widths": [4, 8], "skip": "concat"}
    network |= {"out_channels": len(known.regions)}
    card = ModelCard(
        known.task, tuple(known.channels), dict(known.regions), network, known.task.preparation,
        (16, 16, 8), "32-true", "0" * 16,
    )  # fmt: skip
    write_model(folder, card, build_network(network))
    return folder


def masks(model, output, *words):
    common = ["--run", str(model), "--output", str(output), "--precision", "32-true"]
    assert predict([*common, *map(str, words)]) == 0
    return {path.name: nibabel.load(path) for path in sorted(output.glob("*.nii.gz"))}


def same_volume(first, second):
    first, second = map(nibabel.as_closest_canonical, (first, second))
    np.testing.assert_allclose(first.affine, second.affine, atol=1e-4)
    np.testing.assert_array_equal(first.get_fdata(), second.get_fdata())


@pytest.mark.slow
def test_a_folder_of_studies_is_prepared(tmp_path, studies, ball_volumes, capsys):
    out = tmp_path / "manifest.json"
    assert prepare(["--task", "brats", "--source", str(studies), "--out", str(out)]) == 0, (
        capsys.readouterr().err
    )
    made, usual = Manifest.load(out), Manifest.load(ball_volumes)
    assert [case.id for case in made.cases] == [f"{case.id}_20200102" for case in usual.cases]
    assert [case.patient for case in made.cases] == [case.id for case in usual.cases]
    assert all(case.label and len(case.images) == 4 for case in made.cases)
    assert made.regions == usual.regions
    assert "Doe" not in out.read_text()


@pytest.mark.slow
def test_a_zip_is_unpacked_beside_the_manifest_and_prepared_once(tmp_path, packed, capsys):
    out = tmp_path / "manifest.json"
    words = ["--task", "brats", "--source", str(packed), "--out", str(out)]
    assert prepare(words) == 0
    assert f"unpacked into {tmp_path / 'export'}" in capsys.readouterr().err
    assert Manifest.load(out).cases[0].images["t1"].is_relative_to(tmp_path / "export")
    assert prepare([*words, "--overwrite"]) == 2
    assert "is there already; give that folder as --source" in capsys.readouterr().err


@pytest.mark.slow
def test_a_folder_a_zip_and_the_nifti_files_give_one_mask(
    tmp_path, studies, packed, model, ball_volumes
):
    usual = masks(model, tmp_path / "nifti", "--input", ball_volumes)
    folder = masks(model, tmp_path / "folder", "--input", studies)
    zipped = masks(model, tmp_path / "zip", "--input", packed)

    assert list(folder) == [name.replace(".nii", "_20200102.nii") for name in usual]
    assert list(zipped) == list(folder)
    for own, other, third in zip(folder.values(), usual.values(), zipped.values(), strict=True):
        same_volume(own, other)
        same_volume(own, third)
    assert any(each.get_fdata().any() for each in folder.values())


@pytest.mark.slow
def test_files_named_one_by_one_are_a_case(tmp_path, studies, model, ball_volumes):
    case = Manifest.load(ball_volumes).cases[0]
    words = [w for name, path in case.images.items() for w in ("--channel", f"{name}={path}")]
    usual = masks(model, tmp_path / "usual", "--input", case.images["t1"])
    named = masks(model, tmp_path / "named", *words)
    assert list(named) == [f"{case.id}_flair.nii.gz"]
    same_volume(*usual.values(), *named.values())

    series = [next((studies / case.id / str(number)).iterdir()) for number in range(4)]
    words = [f"{name}={path}" for name, path in zip(NAMES, series, strict=True)]
    dicom = masks(model, tmp_path / "dicom", *(w for word in words for w in ("--channel", word)))
    same_volume(*usual.values(), *dicom.values())


@pytest.mark.slow
def test_series_are_named_beside_a_folder(tmp_path, studies, model, capsys):
    study = next(each for each in sorted(studies.iterdir()))
    usual = masks(model, tmp_path / "usual", "--input", study)
    swapped = masks(
        model, tmp_path / "swapped", "--input", study, "--channel", "t2=FLAIR", "--channel",
        "flair=T2",
    )  # fmt: skip
    assert list(usual) == list(swapped)
    record = json.loads((tmp_path / "swapped" / "predictions.json").read_text())
    assert list(record["cases"]) == [f"{study.name}_20200102"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--input: missing; give what to predict, or --channel NAME=FILE of each"),
        (["--channel", "t9=a.nii.gz"], "--channel t9=a.nii.gz: not of the form NAME=SERIES"),
        (["--channel", "t1=none.nii.gz"], "--channel t1=none.nii.gz: no such file; check the path"),
        (["--channel", "t1=x", "--fold", "0"], "--fold: --channel has no folds"),
        (["--input", "MANIFEST", "--channel", "t1=x"], "names the files already"),
        (["--input", "STUDY", "--channel", "t2=haste"], "no series is named 'haste'; there are"),
    ],
)
def test_odd_requests_are_refused(tmp_path, studies, model, ball_volumes, capsys, words, said):
    places = {"MANIFEST": str(ball_volumes), "STUDY": str(next(studies.iterdir()))}
    words = [places.get(word, word) for word in words]
    assert predict(["--run", str(model), "--output", str(tmp_path / "out"), *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_an_altered_slice_is_another_content(tmp_path, studies):
    out = tmp_path / "manifest.json"
    copy = tmp_path / "copy"
    study = next(studies.iterdir())
    for file in study.rglob("*"):
        if file.is_file():
            place = copy / file.relative_to(study)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    words = ["--task", "brats", "--source", str(copy), "--out", str(out)]
    assert prepare(words) == 0
    (case,) = Manifest.load(out).cases
    before = content_of(case, tmp_path / "known")

    last = sorted(case.images["t1"].parent.iterdir())[7]
    raw = bytearray(last.read_bytes())
    raw[-1] ^= 1
    last.write_bytes(raw)

    assert last != case.images["t1"]
    assert content_of(case, tmp_path / "known") != before


def test_a_phantom_has_no_series(tmp_path, capsys):
    words = ["--task", "brats", "--phantom", "1", "--out", str(tmp_path / "p")]
    assert prepare([*words, "--channel", "t1=x"]) == 2
    assert "--channel: names series of DICOM studies" in capsys.readouterr().err


@pytest.mark.slow
def test_another_tools_form_gets_whole_volumes_or_none(tmp_path, studies, ball_volumes, capsys):
    words = ["--task", "brats", "--source", str(studies)]
    assert prepare([*words, "--as", "monai", "--out", str(tmp_path / "list.json")]) == 2
    assert (
        "a channel is a DICOM series of several files, which a datalist cannot say"
        in capsys.readouterr().err
    )

    assert prepare([*words, "--as", "nnunet", "--out", str(tmp_path / "raw")]) == 0
    case = Manifest.load(ball_volumes).cases[0]
    made = nibabel.load(tmp_path / "raw" / "imagesTr" / f"{case.id}_20200102_0000.nii.gz")
    same_volume(made, nibabel.load(case.images["flair"]))
