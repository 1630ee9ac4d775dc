"""A user's CT of two organs in nnU-Net's names, by the command line from `prepare` to a report."""

import csv
import json

import nibabel
import numpy as np
import pytest

from inspire_med.__main__ import main as command
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.phantom.abdomen import LABELS, SET
from inspire_med.cases.planning.means import Need
from inspire_med.training.trials import Trials

ORGANS = {"liver": 2, "spleen": 1}  # not in the order of their values


@pytest.fixture
def abdomen(tmp_path):
    """Four patients with every third column and row of the phantoms, and the user's own values."""
    assert command(["prepare", "--task", "nnunet", "--phantom", "4", "--out", f"{tmp_path}/p"]) == 0
    made, own = tmp_path / "p" / SET, tmp_path / "Dataset101_Abdomen"
    values = np.zeros(3, np.uint8)
    for organ, value in ORGANS.items():
        values[LABELS[organ]] = value
    for kind in ("imagesTr", "labelsTr"):
        (own / kind).mkdir(parents=True)
        for file in (made / kind).iterdir():
            coarse = nibabel.load(file).slicer[::3, ::3, :]
            data = np.asarray(coarse.dataobj)
            data = values[data] if kind == "labelsTr" else data
            nibabel.save(nibabel.Nifti1Image(data, coarse.affine), own / kind / file.name)
    content = json.loads((made / "dataset.json").read_text())
    content["labels"] = {"background": 0, **ORGANS}
    (own / "dataset.json").write_text(json.dumps(content))
    return own


def dice(first, second) -> float:
    return 2 * (first & second).sum() / (first.sum() + second.sum())


@pytest.mark.slow
def test_two_organs_from_their_files_to_the_report(tmp_path, abdomen, monkeypatch, capsys):
    manifest, run = tmp_path / "ct.json", tmp_path / "run"
    masks, scores = tmp_path / "masks", tmp_path / "scores"
    step = Need(1.0, 0.1)  # measured where plans are tested
    monkeypatch.setattr(Trials, "try_step", lambda trials, plan: step)

    set_in = ["--task", "nnunet", "--source", str(abdomen), "--out", str(manifest)]
    assert command(["prepare", *set_in, "--folds", "2", "--check", "--plan", "small"]) == 0
    said = capsys.readouterr().out
    assert "4 cases checked: nothing to say" in said
    assert "region liver: label 2\nregion spleen: label 1\n" in said
    plan = ["--plan", str(tmp_path / "ct-plan.yaml")]
    few = ["--max_steps", "30", "--validations", "1", "--data.workers", "0", "--threads", "1"]
    train = ["--manifest", str(manifest), "--run", str(run), "--precision", "32-true"]
    assert command(["train", *train, *plan, *few]) == 0
    fold = ["--fold", "0"]
    source = ["--input", str(manifest), "--output", str(masks)]
    assert command(["predict", "--run", str(run), *source, *fold]) == 0
    reference = ["--reference", str(manifest), "--output", str(scores), "--workers", "1"]
    assert command(["evaluate", "--prediction", str(masks), *reference, *fold]) == 0

    cases = Manifest.load(manifest).fold(0)[1]
    with (scores / "scores.csv").open() as lines:
        rows = {(row["case"], row["region"], row["measure"]): row for row in csv.DictReader(lines)}
    found = set()
    for case in cases:
        mask, label = nibabel.load(masks / f"{case.id}.nii.gz"), nibabel.load(case.label)
        assert mask.shape == label.shape
        np.testing.assert_allclose(mask.affine, label.affine)
        predicted, true = np.asarray(mask.dataobj), np.asarray(label.dataobj)
        found |= {*np.unique(predicted)}
        for organ, value in ORGANS.items():
            own = dice(predicted == value, true == value)
            assert float(rows[case.id, organ, "dice"]["value"]) == pytest.approx(own, abs=1e-6)
    assert found == {0, *ORGANS.values()}
    assert len(cases) == 2
    page = (scores / "report.html").read_text()
    for text in ("liver", "spleen", *(case.id for case in cases)):
        assert text in page
