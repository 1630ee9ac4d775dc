import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspire_med import doctor
from inspire_med.cases.manifest import Manifest
from inspire_med.cli import machine
from inspire_med.doctor import main
from inspire_med.train import main as train
from inspire_med.training.step import Trial

WORDS = [
    *["--task", "polyp", "--data.image_size", "[32,32]", "--data.batch_size", "2", "--precision"],
    *["32-true", "--network.widths", "[4,8]", "--network.deep_supervision", "2", "--max_steps"],
    *["2", "--validations", "1", "--data.workers", "0"],
]


def lines(capsys) -> dict[str, tuple[str, str]]:
    """Subject to (verdict, text)."""
    out = capsys.readouterr().out.splitlines()
    return {line[7:20].strip(): (line[:5].strip(), line[22:]) for line in out[:-1]}


@pytest.fixture
def run(tmp_path, disc_images) -> Path:
    words = ["--manifest", str(disc_images), "--run", str(tmp_path / "run"), *WORDS]
    assert train(words) == 0
    return tmp_path / "run"


def test_a_machine_that_is_fit(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert main([]) == 0

    found = lines(capsys)
    assert set(found) == {
        "versions",
        "devices",
        "arithmetic",
        "shared memory",
        "open files",
        "disk",
    }
    assert "torch 2" in found["versions"][1]
    assert found["arithmetic"][0] == "ok"


@pytest.mark.slow
def test_a_run_is_verified_and_tried(run, capsys):
    assert main(["--run", str(run)]) == 0

    found = lines(capsys)
    assert found["data set"][1].endswith("6 cases, every file read")
    assert found["checkpoints"][1].startswith("whole, of step 2")
    assert "s a step" in found["the run"][1]


@pytest.mark.slow
def test_a_run_that_has_not_begun_is_tried_by_its_file(tmp_path, disc_images, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text(
        f"task: polyp\nmanifest: {disc_images}\nmax_steps: 3600\nprecision: 32-true\n"
        "network: {widths: [4, 8], deep_supervision: 2}\ndata: {image_size: [32, 32]}\n"
    )

    assert main(["--config", str(file)]) == 0

    found = lines(capsys)
    words = r"[\d.]+ s a step, [\d.]+ GiB; .+ (s|min|days) to the end of the run, in one process"
    assert re.match(words, found["the run"][1])
    assert list(tmp_path.glob("run*")) == []


@pytest.mark.parametrize(
    ("seconds", "fold", "verdict", "words"),
    [
        (25 * 60, "0", "ok", "25 min"),
        (6 * 3600, "0", "ok", "6 h 00 min"),
        (297 * 3600, "0", "warn", "12.4 days"),
        (40 * 3600, "each", "warn", "3.3 days"),  # two folds
    ],
)
def test_a_run_of_days_is_a_warning(
    tmp_path, disc_images, capsys, monkeypatch, seconds, fold, verdict, words
):
    trial = Trial(0.5, 0.5, 2.0, seconds)
    monkeypatch.setattr("inspire_med.training.step.try_steps", lambda experiment: trial)
    monkeypatch.setattr(machine, "look", lambda place: [])
    file = tmp_path / "mine.yaml"
    network = "network: {widths: [4, 8], deep_supervision: 2}\ndata: {image_size: [32, 32]}\n"
    file.write_text(f"manifest: {disc_images}\nfold: {fold}\nprecision: 32-true\n{network}")

    assert main(["--config", str(file)]) == 0

    out = capsys.readouterr().out
    assert f"{verdict:5}  the run        0.50 s a step, 2.0 GiB; {words} to the end of" in out
    last = out.splitlines()[-1]
    assert last == ("fit, with warnings: the run" if verdict == "warn" else "fit")


@pytest.mark.slow
def test_trying_leaves_the_run_as_it_was(run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}

    assert main(["--run", str(run)]) == 0

    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_damaged_checkpoint_is_unfit(run, capsys):
    weights = run / "checkpoints" / "last" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])

    assert main(["--run", str(run)]) == 2

    verdict, text = lines(capsys)["checkpoints"]
    assert verdict == "UNFIT"
    assert "damaged" in text


def test_a_broken_file_is_unfit(tmp_path, disc_images, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(disc_images.parent, folder)
    picture = folder / "images" / "disc3.png"
    picture.write_bytes(picture.read_bytes()[:200])

    assert main(["--manifest", str(folder / "manifest.json")]) == 2

    verdict, text = lines(capsys)["data set"]
    assert verdict == "UNFIT"
    assert "disc3.png" in text


def test_a_folder_that_is_no_run(tmp_path, capsys):
    assert main(["--run", str(tmp_path)]) == 2
    assert "is no run folder; it has no config.yaml" in capsys.readouterr().err


def test_little_shared_memory_is_a_warning(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=64 * 2**20)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage)

    finding = machine.look_at_shared_memory(tmp_path)

    assert finding.verdict == "warn"
    assert "--shm-size 8g or use --data.workers 0" in finding.text
    assert machine.look_at_disk(tmp_path).verdict == "warn"


def test_few_open_files_are_a_warning(monkeypatch):
    monkeypatch.setattr(machine.resource, "getrlimit", lambda what: (256, 4096))
    assert machine.look_at_open_files().verdict == "warn"


def test_a_wrong_convolution_is_unfit(monkeypatch):
    honest = machine.F.conv3d

    def wrong(image, weight, *rest):
        result = honest(image, weight, *rest)
        return result if image.dtype == machine.torch.float64 else 1.1 * result

    monkeypatch.setattr(machine.F, "conv3d", wrong)

    finding = machine.look_at_arithmetic(machine.torch.device("cpu"))

    assert finding.verdict == "UNFIT"
    assert "install another torch build" in finding.text


def test_the_answer_is_for_programs_too(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "look", lambda place: [machine.Finding("ok", "disk", "large")])
    main([])
    assert capsys.readouterr().out.splitlines()[-1] == "fit"


@pytest.fixture
def own_discs(tmp_path, disc_images, monkeypatch) -> Path:
    """A folder of the discs that a test may spoil; machine and steps are not looked at."""
    monkeypatch.setattr(machine, "look", lambda place: [])
    monkeypatch.setattr(doctor, "_look_ahead", lambda config: ("", False))
    shutil.copytree(disc_images.parent, tmp_path / "discs")
    return tmp_path / "discs"


@pytest.mark.parametrize(
    ("black", "verdict", "words"),
    [
        ([0], "ok", "6 cases, every file read; polyp empty in 1 of 6"),
        (range(6), "UNFIT", "the labels of all 3 cases to train on are empty; there is nothing to"),
    ],
)
def test_empty_labels_are_counted(own_discs, black, verdict, words, capsys):
    for number in black:
        Image.fromarray(np.zeros((48, 40), np.uint8)).save(own_discs / f"masks/disc{number}.png")

    assert main(["--manifest", str(own_discs / "manifest.json")]) == (verdict == "UNFIT") * 2

    found, text = lines(capsys)["data set"]
    assert found == verdict
    assert words in text


def test_one_image_in_two_folds_is_a_warning(own_discs, capsys):
    folds = {case.id: case.fold for case in Manifest.load(own_discs / "manifest.json").cases}
    other = next(name for name in folds if folds[name] != folds["disc0"])
    shutil.copy(own_discs / "images/disc0.png", own_discs / f"images/{other}.png")

    assert main(["--manifest", str(own_discs / "manifest.json")]) == 0

    verdict, text = lines(capsys)["data set"]
    assert verdict == "warn"
    assert f"disc0 and {other} hold the same image in two folds; prepare it again" in text
