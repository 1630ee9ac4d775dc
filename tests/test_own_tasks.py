"""Tasks of the user's own, each from its files to its scores."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.means import Need
from inspire_med.evaluate import main as evaluate
from inspire_med.predict import main as predict
from inspire_med.prepare import main as prepare
from inspire_med.train import main as train

TRAIN = [
    *("--max_steps", "2", "--validations", "1", "--data.workers", "0", "--precision", "32-true"),
    *("--network.widths", "4,8", "--network.deep_supervision", "1", "--data.batch_size", "2"),
    *("--plan", "none"),
]
VOLUMES = [*TRAIN, "--data.patch_size", "16,16,16"]
PICTURES = [*TRAIN, "--data.image_size", "32,32"]
SHAPE = (24, 20, 18)
NUMBERS = ["0000", "0001", "0002", "0003"]


def ball(number: int, radius: float = 6) -> np.ndarray:
    i, j, k = np.indices(SHAPE)
    return (i - 10 - number) ** 2 + (j - 10) ** 2 + (k - 9) ** 2 < radius**2


def save(path: Path, data: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(data, np.diag([-1.5, -1.5, 2.0, 1.0])), path)
    return path


def scan(label: np.ndarray, low: float = 50, step: float = 60, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 8, label.shape)
    return (low + step * label.astype(float) + noise).astype(np.int16)


def heart(folder: Path) -> Path:
    """Medical Segmentation Decathlon, Task02: one modality, one structure, no number in names."""
    names = [f"la_{number:03d}.nii.gz" for number in range(4)]
    for number, name in enumerate(names):
        label = ball(number).astype(np.uint8)
        save(folder / "imagesTr" / name, scan(label, seed=number))
        save(folder / "labelsTr" / name, label)
    save(folder / "imagesTs" / "la_009.nii.gz", scan(ball(2)))
    pairs = [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names]
    index = {
        "name": "LeftAtrium",
        "tensorImageSize": "3D",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "left atrium"},
        "numTraining": 4,
        "training": pairs,
        "test": ["./imagesTs/la_009.nii.gz"],
    }
    (folder / "dataset.json").write_text(json.dumps(index))
    return folder


def own(path: Path, **fields) -> str:
    path.write_text(yaml.safe_dump(fields))
    return str(path)


def whole_way(task: str, source: Path, folder: Path, options: list[str]) -> Manifest:
    """From the files to scores; the manifest alone says what the task is from there on."""
    manifest = folder / "m.json"
    words = ["--task", task, "--source", str(source), "--out", str(manifest)]
    folds = [] if task == "monai" else ["--folds", "2"]  # a datalist may bring its own
    assert prepare([*words, *folds]) == 0
    assert train(["--manifest", str(manifest), "--run", str(folder / "run"), *options]) == 0
    masks = ["--input", str(manifest), "--fold", "0", "--output", str(folder / "masks")]
    assert predict(["--run", str(folder / "run"), *masks]) == 0
    scores = ["--reference", str(manifest), "--fold", "0", "--output", str(folder / "scores")]
    assert evaluate(["--prediction", str(folder / "masks"), *scores, "--workers", "1"]) == 0
    found = Manifest.load(manifest)
    with (folder / "scores" / "scores.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {row["region"] for row in rows} == set(found.regions)
    assert {row["case"] for row in rows} == {case.id for case in found.cases if case.fold == 0}
    return found


def predicted(folder: Path, source: Path) -> list[str]:
    """Names of the masks of what lies at `source`, by the run alone."""
    out = folder / f"of-{source.name}"
    words = ["--run", str(folder / "run"), "--input", str(source), "--output", str(out)]
    assert predict(words) == 0
    return sorted(path.name for path in out.iterdir() if path.suffix not in (".json", ".csv"))


@pytest.mark.slow
def test_the_heart_of_the_decathlon_needs_no_file(tmp_path):
    source = heart(tmp_path / "Task02_Heart")

    manifest = whole_way("nnunet", source, tmp_path, VOLUMES)

    assert manifest.channels == ("MRI",)
    assert manifest.regions == {"left atrium": (1,)}
    assert [case.id for case in manifest.cases] == ["la_000", "la_001", "la_002", "la_003"]
    assert predicted(tmp_path, source / "imagesTs") == ["la_009.nii.gz"]


@pytest.mark.slow
def test_the_heart_by_a_yaml(tmp_path):
    source = heart(tmp_path / "Task02_Heart")
    task = own(
        tmp_path / "heart.yaml",
        spatial_dims=3,
        channels=["mri"],
        regions={"left atrium": 1},
        intensity="mri",
        images="imagesTr/{case}.nii.gz",
        label="labelsTr/{case}.nii.gz",
    )

    manifest = whole_way(task, source, tmp_path, VOLUMES)

    assert manifest.task.name == "heart"
    assert predicted(tmp_path, source / "imagesTs") == ["la_009.nii.gz"]
    assert predicted(tmp_path, source / "imagesTr" / "la_001.nii.gz") == ["la_001.nii.gz"]
    assert len(predicted(tmp_path, source)) == 4
    assert train(["--run", str(tmp_path / "run"), "--max_steps", "3"]) == 0  # it knows the rest
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert max(json.loads(line).get("step", 0) for line in log) == 3


@pytest.mark.slow
def test_a_task_in_ct_with_a_folder_a_patient(tmp_path):
    for number in range(4):
        name, label = f"p{number}", ball(number) + ball(number, 3).astype(np.uint8)
        save(tmp_path / "ct" / name / "ct.nii.gz", scan(label, low=-40))
        save(tmp_path / "ct" / name / "organ.nii.gz", label.astype(np.uint8))
    task = own(
        tmp_path / "liver.yaml",
        spatial_dims=3,
        channels=["ct"],
        regions={"liver": [1, 2], "tumour": [2]},
        intensity="ct",
        images="{case}/{channel}.nii.gz",
        label="{case}/organ.nii.gz",
        spacing_mm=[1.5, 1.5, 2.0],
        training={"max_steps": 7},
    )

    manifest = whole_way(task, tmp_path / "ct", tmp_path, VOLUMES)

    assert manifest.task.preparation.intensity == "ct"
    assert predicted(tmp_path, tmp_path / "ct" / "p2") == ["p2.nii.gz"]
    assert predicted(tmp_path, tmp_path / "ct" / "p3" / "ct.nii.gz") == ["p3.nii.gz"]
    resolved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (resolved["task"], resolved["data"]["spacing_mm"]) == ("liver", [1.5, 1.5, 2.0])
    again = ["--manifest", str(tmp_path / "m.json"), "--run", str(tmp_path / "other")]
    assert train([*again, "--task", task, *VOLUMES]) == 0
    assert train([*again, "--task", "brats", *VOLUMES]) == 2


def pictures(folder: Path) -> Path:
    rows, columns = np.indices((40, 48))
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        label = np.zeros((40, 48), np.uint8)
        label[(rows - 12) ** 2 + (columns - 14 - number) ** 2 < 60] = 1
        label[(rows - 28) ** 2 + (columns - 34) ** 2 < 50] = 2
        colours = np.stack([60 + 90 * (label == 1), 60 + 90 * (label == 2), 60 + 0 * label], -1)
        Image.fromarray(colours.astype(np.uint8)).save(folder / "images" / f"frame{number}.png")
        Image.fromarray(label).save(folder / "labels" / f"frame{number}.png")
    return folder


@pytest.mark.slow
def test_pictures_with_two_classes(tmp_path):
    task = own(
        tmp_path / "tools.yaml",
        spatial_dims=2,
        channels=["red", "green", "blue"],
        labels={"background": 0, "shaft": 1, "tip": 2},
        intensity="rgb",
        images="images/{case}.png",
        label="labels/{case}.png",
    )

    manifest = whole_way(task, pictures(tmp_path / "set"), tmp_path, PICTURES)

    assert manifest.regions == {"shaft": (1,), "tip": (2,)}
    assert predicted(tmp_path, tmp_path / "set" / "images" / "frame1.png") == ["frame1.png"]
    for path in (tmp_path / "masks").glob("*.png"):
        with Image.open(path) as mask:
            assert set(np.unique(np.asarray(mask))) <= {0, 1, 2}


def nnunet(folder: Path) -> Path:
    """nnU-Net's raw folder, v2, with nested regions."""
    for number in range(4):
        label = (ball(number) + ball(number, 5) + ball(number, 3)).astype(np.uint8)
        label = np.array([0, 2, 1, 3], np.uint8)[label]
        for channel in range(4):
            name = f"case{number}_{channel:04d}.nii.gz"
            save(folder / "imagesTr" / name, scan(label, seed=channel))
        save(folder / "labelsTr" / f"case{number}.nii.gz", label)
    index = {
        "channel_names": {"0": "FLAIR", "1": "T1", "2": "T1ce", "3": "T2"},
        "labels": {"background": 0, "whole tumor": [1, 2, 3], "core": [1, 3], "enhancing": [3]},
        "regions_class_order": [2, 1, 3],
        "numTraining": 4,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(index))
    return folder


@pytest.mark.slow
def test_a_raw_folder_of_nnunet_in_place(tmp_path):
    source = nnunet(tmp_path / "Dataset005_Tumor")

    manifest = whole_way("nnunet", source, tmp_path, VOLUMES)

    assert manifest.task.name == "Dataset005_Tumor"
    assert manifest.channels == ("FLAIR", "T1", "T1ce", "T2")
    assert manifest.regions == {"whole tumor": (1, 2, 3), "core": (1, 3), "enhancing": (3,)}
    for case in manifest.cases:
        assert [path.name[-11:-7] for path in case.images.values()] == NUMBERS
    assert len(predicted(tmp_path, source)) == 4
    assert predicted(tmp_path, source / "imagesTr" / "case2_0001.nii.gz") == ["case2.nii.gz"]
    for path in (tmp_path / "masks").glob("*.nii.gz"):
        assert set(np.unique(nibabel.load(path).dataobj)) <= {0, 1, 2, 3}


@pytest.mark.slow
def test_a_datalist_of_monai_with_its_own_folds(tmp_path):
    entries = []
    for number in range(4):
        label = ball(number).astype(np.uint8) * 3
        images = [f"p{number}/p{number}_{kind}.nii.gz" for kind in ("t1", "t2")]
        for seed, name in enumerate(images):
            save(tmp_path / name, scan(label, seed=seed))
        save(tmp_path / f"p{number}" / f"p{number}_seg.nii.gz", label)
        label_name = f"p{number}/p{number}_seg.nii.gz"
        entries.append({"image": images, "label": label_name, "fold": number % 2})
    source = tmp_path / "folds.json"
    source.write_text(json.dumps({"training": entries}))

    manifest = whole_way("monai", source, tmp_path, VOLUMES)

    assert manifest.channels == ("channel0", "channel1")
    assert manifest.regions == {"label3": (3,)}
    folds = [(case.id, case.fold) for case in manifest.cases]
    assert folds == [("p0", 0), ("p1", 1), ("p2", 0), ("p3", 1)]
    assert len(predicted(tmp_path, source)) == 4


@pytest.fixture
def thick_slices(tmp_path) -> Path:
    """Four scans of 0.7 x 0.7 x 3 mm in an nnU-Net folder, and their manifest's place."""
    source = tmp_path / "Dataset007_Slices"
    grid = np.diag([-0.7, -0.7, 3.0, 1.0])
    for number in range(4):
        label = ball(number)[:, :, 4:14].astype(np.uint8)
        for name, data in (
            (f"imagesTr/c{number}_0000.nii.gz", scan(label, seed=number)),
            (f"labelsTr/c{number}.nii.gz", label),
        ):
            file = source / name
            file.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(data, grid), file)
    index = {
        "channel_names": {"0": "T2"},
        "labels": {"background": 0, "prostate": 1},
        "numTraining": 4,
        "file_ending": ".nii.gz",
    }
    (source / "dataset.json").write_text(json.dumps(index))
    return source


@pytest.mark.slow
def test_thick_slices_by_a_plan_from_their_files_to_their_scores(tmp_path, thick_slices):
    manifest, plan = tmp_path / "m.json", tmp_path / "m-plan.yaml"
    words = ["--task", "nnunet", "--source", str(thick_slices), "--out", str(manifest)]
    assert prepare([*words, "--folds", "2", "--plan", "small"]) == 0
    plan.write_text(plan.read_text().replace("batch_size: 2", "batch_size: 3"))
    words = ["--manifest", str(manifest), "--run", str(tmp_path / "run"), "--plan", str(plan)]
    words += ["--validations", "1", "--data.workers", "0", "--precision", "32-true"]

    assert train([*words, "--max_steps", "2"]) == 0
    assert train([*words, "--max_steps", "3"]) == 0  # it goes on by its own plan
    assert predicted(tmp_path, thick_slices / "imagesTr" / "c1_0000.nii.gz") == ["c1.nii.gz"]

    options = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert options["data"]["spacing_mm"] == [0.7, 0.7, 3.0]
    assert options["data"]["batch_size"] == 3
    assert options["network"]["strides"][0] == [2, 2, 1]
    assert options["network"]["kernel_sizes"][0] == [3, 3, 1]
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["planned"]["batch_size"] == 3
    card = json.loads((tmp_path / "run" / "checkpoints" / "last" / "model.json").read_text())
    assert card["preparation"]["spacing_mm"] == [0.7, 0.7, 3.0]
    assert card["network"]["strides"] == options["network"]["strides"]


@pytest.mark.slow
def test_train_plans_by_itself_and_a_run_that_goes_on_does_not(
    tmp_path, thick_slices, monkeypatch, capsys
):
    manifest = tmp_path / "m.json"
    words = ["--task", "nnunet", "--source", str(thick_slices), "--out", str(manifest)]
    assert prepare([*words, "--folds", "2"]) == 0
    words = ["--manifest", str(manifest), "--run", str(tmp_path / "run"), "--validations", "1"]
    words += ["--data.workers", "0", "--precision", "32-true", "--network.widths", "4,8"]
    step = lambda trials, plan: Need(1.0, 0.1)  # noqa: E731 - measured in the test before
    monkeypatch.setattr("inspire_med.training.trials.Trials.try_step", step)

    assert train([*words, "--max_steps", "1"]) == 0
    said = capsys.readouterr().err
    assert "plan: widths 4 x 8: as asked for (network.widths)" in said
    assert "plan: spacing_mm 0.7 x 0.7 x 3: the median of 2 cases" in said

    made = [*words, "--store", str(tmp_path / "store"), "--max_steps", "1"]
    made[made.index(str(tmp_path / "run"))] = str(tmp_path / "none")
    assert train([*made, "--only_prepare", "true"]) == 0

    monkeypatch.setattr("inspire_med.cli.planned.find_plan", None)
    assert train([*words, "--max_steps", "2"]) == 0
    assert train(["--run", str(tmp_path / "run"), "--max_steps", "3"]) == 0
    made[made.index(str(manifest))] = str(tmp_path / "store" / "manifest.json")
    assert train(made) == 0
