"""nnU-Net sets of which a part was judged, by the command line from their files to a report."""

import csv
import json
import re

import nibabel
import numpy as np
import pytest
from PIL import Image

from inspire_med.__main__ import main as command
from inspire_med.cases.manifest import Manifest

BALL, IGNORE = 1, 2
TRAIN = [
    *("--max_steps", "3", "--validations", "1", "--data.workers", "0", "--precision", "32-true"),
    *("--network.widths", "4,8", "--data.batch_size", "2", "--data.scales", "1,0.75"),
    *("--network.deep_supervision", "2", "--plan", "none"),
]
WAYS = {
    "2d": ["--data.image_size", "32,32", "--loss", "structure"],
    "3d": ["--data.patch_size", "16,16,8", "--loss", "dice+bce"],
}


def drawn(shape, number):
    """A disc or ball in a field of view of which a few slices, and their rims, were judged."""
    places = np.indices(shape)
    middle = [side / 2 + number - 1 for side in shape[:2]] + [side / 2 for side in shape[2:]]
    apart = sum((axis - at) ** 2 for axis, at in zip(places, middle, strict=True))
    full = np.where(apart < 30, BALL, 0)
    return full, np.where((places[-1] % 4 == 2) & (places[0] < shape[0] - 3), full, IGNORE)


@pytest.fixture(params=WAYS)
def scribbles(request, tmp_path):
    """nnU-Net's folder of four labelled cases, and one of which nobody has judged anything."""
    folder = tmp_path / "Dataset009_Scribbles"
    flat = request.param == "2d"
    ending = ".png" if flat else ".nii.gz"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for number in range(5):
        full, label = drawn((24, 20) if flat else (24, 20, 12), number)
        label = np.full_like(label, IGNORE) if number == 4 else label
        noise = np.random.default_rng(number).normal(0, 8, full.shape)
        values = {"imagesTr": 60 + 90 * full + noise, "labelsTr": label}
        for place, array in values.items():
            file = folder / place / f"c{number}{'_0000' if place == 'imagesTr' else ''}{ending}"
            if flat:
                array = np.repeat(array[..., None], 3, 2) if place == "imagesTr" else array
                Image.fromarray(array.clip(0, 255).astype(np.uint8)).save(file)
            else:
                kind = np.int16 if place == "imagesTr" else np.uint8
                nibabel.save(nibabel.Nifti1Image(array.astype(kind), np.diag([-1, -1, 2, 1])), file)
    content = {
        "channel_names": dict(enumerate("RGB")) if flat else {"0": "MRI"},
        "labels": {"background": 0, "ball": BALL, "ignore": IGNORE},
        "numTraining": 5,
        "file_ending": ending,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder, WAYS[request.param]


def read(path):
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    return np.asarray(nibabel.load(path).dataobj)


@pytest.mark.slow
def test_scribbles_from_files_to_the_report(tmp_path, scribbles, capsys):
    (source, options), manifest = scribbles, tmp_path / "m.json"
    run, masks, scores = (tmp_path / name for name in ("run", "masks", "scores"))
    words = ["prepare", "--task", "nnunet", "--source", str(source), "--out", str(manifest)]
    words += ["--folds", "2", "--check"]

    assert command(words) == 2
    said = (tmp_path / "m-check.csv").read_text()
    assert re.search(r'fault,c4,.*c4\.\S+,"?every voxel holds 2, the label to ignore', said)
    assert command([*words, "--skip_bad", "--overwrite", "true"]) == 0
    judged = "Label 2 stands where nobody has judged, in 4 of 4 cases: judged are 2"
    assert judged in (tmp_path / "m-check.csv").read_text()
    out = capsys.readouterr().out
    assert f"note: {judged}" in out
    assert "region ball: label 1\n" in out
    assert command(["train", "--manifest", str(manifest), "--run", str(run), *TRAIN, *options]) == 0
    fold = ["--fold", "0"]
    found = ["--input", str(manifest), "--output", str(masks), "--probabilities", "true", *fold]
    assert command(["predict", "--run", str(run), *found]) == 0
    against = ["--reference", str(manifest), "--output", str(scores), "--workers", "1", *fold]
    assert command(["evaluate", "--prediction", str(masks), *against, "--calibration", "true"]) == 0

    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert all(line["loss"] > 0 for line in log if "loss" in line)
    with (scores / "scores.csv").open() as lines:
        rows = {(row["case"], row["measure"]): row["value"] for row in csv.DictReader(lines)}
    cases = Manifest.load(manifest).fold(0)[1]
    assert len(cases) == 2
    for case in cases:
        label, (mask,) = read(case.label), map(read, masks.glob(f"{case.id}.*"))
        mask = mask > 0 if mask.ndim == 2 else mask
        assert set(np.unique(mask)) <= {0, BALL}
        used = label != IGNORE
        ours, theirs = label[used] == BALL, mask[used] == BALL
        tp, differing = (ours & theirs).sum(), (ours ^ theirs).sum()
        assert float(rows[case.id, "dice"]) == pytest.approx(2 * tp / (2 * tp + differing))
        tn = (~ours & ~theirs).sum()
        specificity = tn / (~ours).sum()
        assert float(rows[case.id, "specificity"]) == pytest.approx(specificity, abs=1e-6)
    assert judged in (scores / "report.html").read_text()
