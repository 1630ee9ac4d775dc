"""`predict --view`: a page a case."""

import base64
import gzip
import json
import re

import nibabel as nib
import numpy as np
import pytest

from inspire_med.cases.manifest import Manifest
from inspire_med.inference.model import ModelCard, write_model
from inspire_med.networks import build_network
from inspire_med.predict import main as predict


def model_of(manifest, folder, dims):
    known = Manifest.load(manifest)
    network = {"spatial_dims": dims, "in_channels": len(known.channels), "widths": [4, 8]}
    network |= {"out_channels": len(known.regions), "skip": "concat"}
    card = ModelCard(
        known.task, tuple(known.channels), dict(known.regions), network, known.task.preparation,
        (16,) * dims, "32-true",
    )  # fmt: skip
    folder.mkdir()
    write_model(folder, card, build_network(network))
    return folder


def run(model, source, output, *words):
    places = ["--run", model, "--input", source, "--output", output, "--precision", "32-true"]
    return predict([*map(str, places), "--view", "true", *words])


@pytest.mark.slow
def test_channels_mask_reference_and_doubt_lie_on_one_another(tmp_path, ball_volumes):
    model, out = model_of(ball_volumes, tmp_path / "model", 3), tmp_path / "out"

    assert run(model, ball_volumes, out, "--fold", "0", "--doubt", "true") == 0

    cases = Manifest.load(ball_volumes).fold(0)[1]
    assert sorted(path.stem for path in (out / "view").iterdir()) == sorted(c.id for c in cases)
    page = (out / "view" / f"{cases[0].id}.html").read_text()
    held = json.loads(re.search(r'id="layers">(.*?)</script>', page, re.DOTALL)[1])
    kinds = [(each["name"], each["kind"]) for each in held]
    assert kinds == [
        *((name, "image") for name in ("flair", "t1", "t1ce", "t2")),
        ("Prediction", "labels"), ("Reference", "labels"), ("Doubt", "map"),
    ]  # fmt: skip
    read = {
        each["name"]: nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(each["nifti"])))
        for each in held
    }
    label = nib.load(cases[0].label)
    for name, file in (
        ("Reference", label),
        ("Prediction", nib.load(out / f"{cases[0].id}.nii.gz")),
    ):
        shown, whole = np.asarray(read[name].dataobj), np.asarray(file.dataobj)
        first = np.linalg.inv(file.affine) @ read[name].affine @ [0, 0, 0, 1]
        box = tuple(
            slice(round(start), round(start) + size)
            for start, size in zip(first[:3], shown.shape, strict=True)
        )
        np.testing.assert_array_equal(shown, whole[box])
        assert np.count_nonzero(whole) == np.count_nonzero(shown)
    assert np.asarray(read["Reference"].dataobj).any()
    assert "enhancing tumour" in page


def test_pictures_have_no_such_page(tmp_path, disc_images, capsys):
    model = model_of(disc_images, tmp_path / "model", 2)

    assert run(model, disc_images, tmp_path / "out") == 2

    assert "--view: is for volumes, and the model is for pictures" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
