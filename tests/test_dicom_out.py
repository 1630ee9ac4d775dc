"""DICOM in, a mask, and a DICOM segmentation out; the summary beside it."""

import json
import shutil
from pathlib import Path

import highdicom as hd
import nibabel
import numpy as np
import pytest
import torch
from dicom_series import write_plain

from inspire_med.cases.manifest import Manifest
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.networks import build_network
from inspire_med.predict import main as predict

NAMES = {"flair": "FLAIR", "t1": "T1", "t1ce": "T1 Gd", "t2": "T2"}


@pytest.fixture(scope="module")
def study(tmp_path_factory, ball_volumes) -> Path:
    folder = tmp_path_factory.mktemp("study")
    case = Manifest.load(ball_volumes).cases[0]
    for number, (channel, path) in enumerate(case.images.items()):
        image = nibabel.load(path)
        values = np.asarray(image.dataobj).astype(np.int16)
        name, own = NAMES[channel], folder / str(number)
        said = {"PatientID": "p7", "SeriesDescription": name, "SeriesNumber": number}
        write_plain(own, values, image.affine, **said)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory, ball_volumes) -> Path:
    known = Manifest.load(ball_volumes)
    network = {"spatial_dims": 3, "in_channels": 4, "widths": [4, 8], "skip": "concat"}
    network |= {"out_channels": len(known.regions)}
    card = ModelCard(
        known.task, tuple(known.channels), dict(known.regions), network, known.task.preparation,
        (16, 16, 8), "32-true",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("model")
    built = build_network(network)
    with torch.no_grad():
        list(built.parameters())[-1].fill_(0.3)  # of the last layer: it finds something
    write_model(folder, card, built)
    return folder


def run(model, source, output, *words) -> int:
    common = ["--run", model, "--input", source, "--output", output, "--precision", "32-true"]
    return predict([*map(str, common), *words])


@pytest.mark.slow
def test_a_study_comes_back_as_a_segmentation_of_the_series_it_lies_on(tmp_path, model, study):
    out = tmp_path / "out"

    assert run(model, study, out, "--dicom_seg", "true") == 0

    (written,) = (out / "dicom_seg").iterdir()
    (mask,) = out.glob("*.nii.gz")
    assert written.stem == mask.name.removesuffix(".nii.gz")
    read = hd.seg.segread(written)
    assert read.PatientID == "p7"
    labels = np.asarray(nibabel.load(mask).dataobj)
    (summary,) = json.loads((out / "summary.json").read_text())["cases"].values()
    regions = json.loads((model / "model.json").read_text())["regions"]
    assert [read.get_segment_description(n).tracking_id for n in (1, 2, 3)] == list(regions)
    for number, (name, values) in enumerate(regions.items(), start=1):
        volume = read.get_volume(segment_numbers=[number], relabel=True, combine_segments=True)
        count = int((volume.array > 0).sum())
        assert count == np.isin(labels, values).sum()
        widths = np.linalg.norm(volume.affine[:3, :3], axis=0)
        assert summary[name]["volume_ml"] == pytest.approx(count * np.prod(widths) / 1000, abs=1e-4)
    assert any(summary[name]["lesions"] for name in regions)


@pytest.mark.slow
def test_a_segmentation_of_an_earlier_request_is_not_kept_beside_another_mask(
    tmp_path, model, study
):
    out = tmp_path / "out"
    assert run(model, study, out, "--dicom_seg", "true") == 0
    (older,) = (out / "dicom_seg").iterdir()

    assert run(model, study, out, "--overlays", "--overwrite") == 0

    assert not older.exists()
    assert (out / "overlays" / f"{older.stem}.png").is_file()
    written = json.loads((out / "predictions.json").read_text())["written"]
    assert written == {
        "probabilities": False, "doubt": False, "view": False, "dicom_seg": False, "overlays": True
    }  # fmt: skip


@pytest.mark.slow
def test_a_packed_model_names_itself_and_its_weights(tmp_path, model, study):
    packed = Path(shutil.make_archive(str(tmp_path / "handed"), "zip", model))

    assert run(packed, study, tmp_path / "out", "--dicom_seg", "true") == 0

    (written,) = (tmp_path / "out" / "dicom_seg").iterdir()
    author = hd.seg.segread(written).get_segment_description(1).algorithm_identification
    assert author.version == json.loads((model / "model.json").read_text())["sha256"][:16]
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [each["path"] for each in record["checkpoints"]] == [str(packed)]


def test_a_case_that_is_not_dicom_has_no_series_to_lie_on(tmp_path, model, ball_volumes, capsys):
    assert run(model, ball_volumes, tmp_path / "out", "--dicom_seg", "true") == 2

    assert "is no DICOM series to lay a segmentation over" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.nii.gz"))


def test_what_is_not_installed_is_said_with_its_line(tmp_path, model, study, capsys, monkeypatch):
    from inspire_med.predicting import segmentations

    monkeypatch.setattr(segmentations, "_NEEDED", ("pydicom", "no_such_package"))

    assert run(model, study, tmp_path / "out", "--dicom_seg", "true") == 2

    assert "pip install 'inspire-med[dicom]'" in capsys.readouterr().err
