"""The command that finds rules of postprocessing."""

import json

import numpy as np
import pytest
import yaml
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.tune import main


@pytest.fixture
def run(tmp_path, disc_images):
    """A cross-validation's folder as predictions and rules know it: specks beside each disc."""
    predictions = tmp_path / "cv" / "predictions"
    predictions.mkdir(parents=True)
    for case in Manifest.load(disc_images).cases:
        mask = np.asarray(Image.open(case.label)) > 127
        chances = np.where(mask, 230, 20).astype(np.uint8)
        free = np.argwhere(~mask)
        corner = free[np.abs(free - np.argwhere(mask).mean(0)).sum(1).argmax()]
        chances[tuple(corner)] = 200
        Image.fromarray(chances).save(predictions / f"{case.id}_prob.png")
    return tmp_path / "cv"


def tune(run, manifest, *words):
    return main(["--run", str(run), "--manifest", str(manifest), "--workers", "1", *words])


def test_rules_are_printed_and_written_where_predict_finds_them(tmp_path, run, disc_images, capsys):
    assert tune(run, disc_images) == 0

    printed = capsys.readouterr()
    table = [line for line in printed.out.splitlines() if line.startswith("| polyp")]
    assert len(table) == 5
    assert "predict --run" in printed.err
    rules = yaml.safe_load((run / "postprocess.yaml").read_text())
    assert [each["rule"] for each in rules["found"]][2] == "smallest_part"
    assert rules["found"][2]["gain"] > 0
    # Six cases that all gain are too few for five tries: 2 / 2^6 is above 0.05 / 5.
    assert rules["regions"] == {}
    doubt = json.loads((run / "doubt.json").read_text())
    assert doubt["temperature"] != 1.0
    assert doubt["measured"]["referred"]["n"] + doubt["measured"]["others"]["n"] == 6
    assert "area under the risk-coverage curve" in printed.out
    page = (run / "tune.html").read_text()
    assert all(f">{case.id}<" in page for case in Manifest.load(disc_images).cases)
    assert f"and {run / 'tune.html'}" in printed.err


def test_what_is_there_is_not_replaced(run, disc_images, capsys):
    (run / "postprocess.yaml").write_text("mine")

    assert tune(run, disc_images) == 2
    assert "postprocess.yaml: exists already" in capsys.readouterr().err
    assert (run / "postprocess.yaml").read_text() == "mine"
    assert tune(run, disc_images, "--overwrite") == 0


def test_a_case_without_probabilities_is_named(run, disc_images, capsys):
    (run / "predictions" / "disc3_prob.png").unlink()

    assert tune(run, disc_images) == 2
    error = capsys.readouterr().err
    assert "has no probabilities of disc3; predict every fold's cases with" in error
    assert not (run / "postprocess.yaml").exists()


def test_predictions_of_networks_that_saw_their_cases_are_refused(run, disc_images, capsys):
    """As `predict --run cv` writes them on the training's own manifest: by all folds together."""
    manifest = Manifest.load(disc_images)
    record = run / "predictions" / "predictions.json"
    folds = {case.id: {"fold": case.fold} for case in manifest.cases}

    record.write_text(json.dumps({"trained_on": manifest.hash, "cases": folds}))
    assert tune(run, disc_images) == 0
    seen = {**folds, "disc2": {"seconds": 1.0}}
    record.write_text(json.dumps({"trained_on": manifest.hash, "cases": seen}))
    assert tune(run, disc_images, "--overwrite") == 2
    said = capsys.readouterr().err
    assert "does not say that case disc2 was predicted by the network of fold" in said
    record.write_text(json.dumps({"trained_on": "b" * 64, "cases": folds}))
    assert tune(run, disc_images, "--overwrite") == 2
    said = capsys.readouterr().err
    assert "says networks of the data set bbbbbbbbbbbb, but the manifest is" in said


def test_a_prediction_on_another_grid_is_named(run, disc_images, capsys):
    Image.new("L", (5, 5)).save(run / "predictions" / "disc0_prob.png")

    assert tune(run, disc_images) == 2
    assert "disc0_prob.png: is not on the grid of" in capsys.readouterr().err


def test_a_manifest_without_folds_is_refused(tmp_path, run, disc_images, capsys):
    content = json.loads(disc_images.read_text())
    del content["hash"]
    for case in content["cases"]:
        case["fold"] = None
        case["images"] = {n: str(disc_images.parent / p) for n, p in case["images"].items()}
        case["label"] = str(disc_images.parent / case["label"])
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(content))

    assert tune(run, manifest) == 2
    assert "no labelled case of the manifest has a fold" in capsys.readouterr().err


def test_one_case_alone_is_refused(tmp_path, run, disc_images, capsys):
    content = json.loads(disc_images.read_text())
    del content["hash"]
    for case in content["cases"]:
        case["fold"] = 0 if case["id"] == "disc1" else None
        case["images"] = {n: str(disc_images.parent / p) for n, p in case["images"].items()}
        case["label"] = str(disc_images.parent / case["label"])
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(content))

    assert tune(run, manifest) == 2
    assert "disc1 is the manifest's one labelled case of a fold" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--workers", "0"], "--workers 0: not a number of processes; give 1 or more"),
        (["--refer", "1"], "--refer 1.0: no share of the cases; give 0.2 for a fifth"),
        (["--protocol", "brats"], "option --protocol: unknown protocol 'brats'"),
    ],
)
def test_odd_requests_are_refused(run, disc_images, capsys, words, sentence):
    assert tune(run, disc_images, *words) == 2
    assert sentence in capsys.readouterr().err


def test_a_single_folds_run_is_told_from_a_cross_validation(tmp_path, disc_images, capsys):
    alone = tmp_path / "cv" / "fold0" / "run"
    alone.mkdir(parents=True)

    assert tune(alone, disc_images) == 2
    said = capsys.readouterr().err
    assert f"--run: {alone} has no out-of-fold predictions; give the folder of a cross-val" in said


def test_without_a_model_the_data_set_must_be_named(run, capsys):
    assert main(["--run", str(run)]) == 2
    assert "no trained model in it" in capsys.readouterr().err
