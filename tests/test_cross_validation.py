"""`train --fold each`: every fold trained and predicted, all cases scored once."""

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml
from models import write_model_of

from inspire_med.__main__ import main as any_command
from inspire_med.cases import fingerprint
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.means import Need
from inspire_med.comparing.process import Child, StoppedError
from inspire_med.train import main
from inspire_med.training import loop
from inspire_med.training.trials import Trials

COMMON = ["--fold", "each", "--precision", "32-true", "--data.workers", "0", "--validations", "1",
          "--threads", "1"]  # fmt: skip
TINY = [*COMMON, "--data.batch_size", "2", "--network.widths", "[4,8]",
        "--network.deep_supervision", "2"]  # fmt: skip
IMAGES = ["--task", "polyp", "--data.image_size", "[32,32]", *TINY]
VOLUMES = ["--task", "brats", "--data.patch_size", "[16,16,8]", *TINY]
FEW = ["--max_steps", "3"]


def train(manifest: Path, run: Path, *words: str) -> int:
    return main(["--manifest", str(manifest), "--run", str(run), *words])


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def rows(scores: Path) -> set[tuple[str, ...]]:
    with (scores / "scores.csv").open() as handle:
        return {tuple(row) for row in csv.reader(handle)}


def with_cases(manifest: Path, out: Path, change) -> Path:
    """A manifest whose cases are these ones changed."""
    known = Manifest.load(manifest)
    replace(known, cases=tuple(change(case) for case in known.cases)).save(out)
    return out


def stopped(self, words, log, *, aloud):
    """Stands for `Child.run`: a signal comes before anything is done."""
    raise StoppedError


@pytest.fixture
def calls() -> list[tuple[str, str]]:
    """Commands of the jobs, and the folder that each is for."""
    return []


@pytest.fixture
def at_once(monkeypatch, calls) -> None:
    """Let the commands of the jobs run in this process."""
    monkeypatch.setattr(Child, "run", running_here(calls))


def running_here(calls, fails=None):
    """Stands for `Child.run`; one command of one folder fails for lack of room."""

    def run(self, words, log, *, aloud):
        step = (words[0], log.parent.name)
        calls.append(step)
        log.parent.mkdir(parents=True, exist_ok=True)
        if step == fails:
            log.write_text("no space is left\n")
            return 2
        return any_command(words)

    return run


@pytest.fixture(scope="module")
def balls(tmp_path_factory, ball_volumes) -> Path:
    """The folder of a cross-validation of four volumes."""
    cv = tmp_path_factory.mktemp("balls") / "cv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Child, "run", running_here([]))
        assert train(ball_volumes, cv, *VOLUMES, *FEW, "--optimizer.lr", "0.1") == 0
    return cv


@pytest.mark.slow
def test_each_case_is_predicted_once_by_a_network_that_has_not_seen_it(balls, ball_volumes):
    manifest = Manifest.load(ball_volumes)
    record = json.loads((balls / "predictions" / "predictions.json").read_text())
    assert set(record["cases"]) == {case.id for case in manifest.cases}
    for case in manifest.cases:
        fold = record["cases"][case.id]["fold"]
        config = yaml.safe_load((balls / f"fold{fold}" / "run" / "config.yaml").read_text())
        assert config["fold"] == case.fold == fold
        for name in (f"{case.id}.nii.gz", f"{case.id}_prob.nii.gz"):
            own, other = (balls / f"fold{each}" / "predictions" / name for each in (fold, 1 - fold))
            assert own.samefile(balls / "predictions" / name)  # which takes no more room
            assert not other.exists()
    files = {f"{case.id}{kind}.nii.gz" for case in manifest.cases for kind in ("", "_prob")}
    assert names(balls / "predictions") == {*files, "predictions.json"}
    assert (record["run"], record["trained_on"]) == (str(balls), manifest.hash)
    places = [Path(each["path"]) for each in record["checkpoints"]]
    assert [place.parent.parent for place in places] == [balls / f"fold{n}/run" for n in (0, 1)]


@pytest.mark.slow
def test_the_scores_are_those_of_the_whole_set(balls, ball_volumes, tmp_path, undrawn):
    assert {"scores.csv", "scores.json", "report.html"} <= names(balls / "scores")
    scores = json.loads((balls / "scores" / "scores.json").read_text())
    assert (scores["protocol"], scores["n_cases"]) == ("brats2023-gli", 4)
    folds = [rows(balls / f"fold{fold}" / "scores") for fold in (0, 1)]
    assert rows(balls / "scores") == folds[0] | folds[1]

    masks = ["--prediction", str(balls / "predictions"), "--reference", str(ball_volumes)]
    hand = ["--output", str(tmp_path / "hand"), "--protocol", "brats2023-gli"]
    assert any_command(["evaluate", *masks, *hand]) == 0
    assert rows(balls / "scores") == rows(tmp_path / "hand")


@pytest.mark.slow
def test_all_folds_predict_together_by_their_mean(balls, ball_volumes, tmp_path):
    case = Manifest.load(ball_volumes).cases[0].id

    def probabilities(*words: str) -> np.ndarray:
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        common = ["--input", str(ball_volumes), "--output", str(out), "--precision", "32-true"]
        assert any_command(["predict", *words, *common, "--probabilities"]) == 0
        return nib.load(out / f"{case}_prob.nii.gz").get_fdata()

    runs = [str(balls / f"fold{fold}" / "run") for fold in (0, 1)]
    single = [probabilities("--run", run) for run in runs]
    together = probabilities("--run", str(balls))

    assert np.abs(single[0] - single[1]).max() > 1e-2
    np.testing.assert_allclose(together, np.mean(single, axis=0), atol=1e-4)


@pytest.mark.slow
def test_rules_are_looked_for_on_what_it_leaves(balls, capsys):
    assert any_command(["tune", "--run", str(balls), "--workers", "1"]) == 0

    assert f"Written: {balls / 'postprocess.yaml'}" in capsys.readouterr().err


@pytest.mark.slow
def test_nothing_is_done_twice(tmp_path, disc_images, at_once, calls, capsys, undrawn):
    cv = tmp_path / "cv"
    assert train(disc_images, cv, *IMAGES, *FEW) == 0

    steps = ("train", "predict", "evaluate")
    folds = [(step, f"fold{fold}") for fold in (0, 1) for step in steps]
    assert calls == [*folds, ("evaluate", "cv")]
    said = capsys.readouterr().err
    assert "[2/2] fold1, time left: about" in said
    done = "done: 6 cases, each predicted by the one of 2 networks that was not trained on it; "
    assert done in said

    calls.clear()
    assert train(disc_images, cv, *IMAGES, *FEW) == 0
    assert any_command(["train", "--run", str(cv)]) == 0
    assert calls == []
    assert len(json.loads((cv / "run.json").read_text())["sessions"]) == 3

    shutil.rmtree(cv / "fold1" / "predictions")
    assert any_command(["train", "--run", str(cv)]) == 0
    assert calls == [("predict", "fold1"), ("evaluate", "fold1"), ("evaluate", "cv")]
    for mask in (cv / "fold1" / "predictions").glob("*.png"):
        assert mask.samefile(cv / "predictions" / mask.name)


@pytest.mark.slow
def test_a_training_that_is_ended_goes_on(tmp_path, disc_images, at_once, calls, undrawn):
    cv = tmp_path / "cv"
    words = [*IMAGES, "--max_steps", "40", "--save_every", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "inspire_med.train", "--manifest", str(disc_images), "--run",
         str(cv), *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    log = cv / "fold0" / "run" / "log.jsonl"
    until = time.monotonic() + 300
    while not (log.exists() and log.read_text()):
        assert process.poll() is None, "it ended before its first step"
        assert time.monotonic() < until, "no step in five minutes"
        time.sleep(0.05)
    os.kill(json.loads((log.parent / "lock").read_text())["process"], signal.SIGTERM)
    _, said = process.communicate(timeout=120)

    assert process.returncode == 75, said
    assert said.endswith(f"stopped by a signal; it goes on by: inspire-med train --run {cv}\n")
    assert not (cv / "scores").exists()
    assert any_command(["train", "--run", str(cv)]) == 0
    assert calls[:3] == [("train", "fold0"), ("predict", "fold0"), ("evaluate", "fold0")]
    assert len(json.loads((log.parent / "run.json").read_text())["sessions"]) == 2
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps[:-1] == list(range(1, 41))
    assert json.loads((cv / "scores" / "scores.json").read_text())["n_cases"] == 6


@pytest.mark.slow
def test_a_failing_fold_does_not_lose_the_others_and_a_part_is_not_scored(
    tmp_path, disc_images, monkeypatch, calls, capsys, undrawn
):
    cv = tmp_path / "cv"
    monkeypatch.setattr(Child, "run", running_here(calls, fails=("train", "fold0")))

    assert train(disc_images, cv, *IMAGES, *FEW) == 2

    error = capsys.readouterr().err.splitlines()[-1]
    assert "train: 1 of 2 folds failed, and cases are scored together once all are done" in error
    assert "first fold0: train failed with status 2: no space is left (log: " in error
    assert (cv / "fold1" / "scores" / "scores.csv").is_file()
    assert not (cv / "scores").exists()
    assert not (cv / "predictions").exists()
    assert any_command(["predict", "--run", str(cv), "--input", str(disc_images),
                        "--output", str(tmp_path / "masks")]) == 2  # fmt: skip
    assert f"{cv / 'fold0'}: no trained model in it" in capsys.readouterr().err

    calls.clear()
    monkeypatch.setattr(Child, "run", running_here(calls, fails=("evaluate", "cv")))
    assert any_command(["train", "--run", str(cv)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "train: cv: evaluate failed with status 2: no space is left (log: " in error
    assert [folder for _, folder in calls] == ["fold0", "fold0", "fold0", "cv"]


@pytest.mark.slow
def test_a_disk_that_is_full_or_has_no_links_loses_nothing(
    tmp_path, disc_images, at_once, calls, monkeypatch, capsys, undrawn
):
    cv = tmp_path / "cv"

    def refusing(number):
        def link(path, source):
            raise OSError(number, os.strerror(number), str(path))

        return link

    monkeypatch.setattr(Path, "hardlink_to", refusing(errno.ENOSPC))
    assert train(disc_images, cv, *IMAGES, *FEW) == 2
    assert "No space left on device; check the path, its" in capsys.readouterr().err
    assert not (cv / "predictions").exists()
    assert not list(cv.glob(".tmp-*"))

    calls.clear()
    monkeypatch.setattr(Path, "hardlink_to", refusing(errno.EPERM))
    assert any_command(["train", "--run", str(cv)]) == 0
    assert calls == [("evaluate", "cv")]
    assert len(list((cv / "predictions").glob("*.png"))) == 12


@pytest.mark.slow
def test_cases_of_no_fold_are_trained_on_alone(tmp_path, disc_images, at_once, capsys, undrawn):
    first = Manifest.load(disc_images).cases[0].id
    places = disc_images.with_name("five.json")
    five = with_cases(
        disc_images, places, lambda case: replace(case, fold=None) if case.id == first else case
    )
    try:
        assert train(five, tmp_path / "cv", *IMAGES, *FEW) == 0
    finally:
        places.unlink()

    assert "1 case of no fold trained every network: not scored" in capsys.readouterr().err
    scores = json.loads((tmp_path / "cv" / "scores" / "scores.json").read_text())
    assert (scores["n_cases"], scores["without_prediction"]) == (5, [first])


def test_all_folds_go_by_one_plan_of_all_cases(tmp_path, disc_images, monkeypatch, capsys):
    asked, honest, folds = [], fingerprint.fingerprint_of, []

    def fingerprint_of(cases, *arguments, **options):
        asked.append(len(cases))
        return honest(cases, *arguments, **options)

    def run(self, words, log, *, aloud):
        folds.append(yaml.safe_load(Path(words[words.index("--config") + 1]).read_text()))
        log.write_text("no\n")
        return 2

    monkeypatch.setattr(fingerprint, "fingerprint_of", fingerprint_of)
    monkeypatch.setattr(Trials, "try_step", lambda trials, plan: Need(1.0, 0.1))
    monkeypatch.setattr(Child, "run", run)
    words = [*COMMON, "--task", "polyp", "--plan", "small", *FEW]

    assert train(disc_images, tmp_path / "cv", *words) == 2
    assert train(disc_images, tmp_path / "cv", *words) == 2

    assert asked == [6]
    assert "plan: the run keeps what it was begun with" in capsys.readouterr().err
    planned = json.loads((tmp_path / "cv" / "run.json").read_text())["planned"]
    assert [each["data"]["batch_size"] for each in folds] == [planned["batch_size"]] * 4
    assert [each["fold"] for each in folds] == [0, 1, 0, 1]
    assert {each["plan"] for each in folds} == {"none"}


def test_a_signal_ends_planning_and_leaves_no_folder(tmp_path, disc_images, monkeypatch, capsys):
    signalled = lambda trials, plan: os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731
    monkeypatch.setattr(Trials, "try_step", signalled)

    assert train(disc_images, tmp_path / "cv", *IMAGES, "--plan", "small", *FEW) == 75

    assert "stopped by a signal while the run was planned" in capsys.readouterr().err
    assert not (tmp_path / "cv").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only_prepare", "true"], "option --only_prepare: --fold each predicts and scores"),
        (["--max_steps", "0"], "--max_steps: 0 is not positive"),
        (["--manifest", "none.json"], "none.json: no such file"),
        (["--devices", "3"], "2 samples do not reach for 3 processes"),
        (
            ["--network.encoder", "resnet18", "--network.weights", "gone.pth"],
            "gone.pth: no such file",
        ),
    ],
)
def test_refuses_what_makes_no_sense_before_anything_is_trained(
    tmp_path, disc_images, monkeypatch, capsys, words, sentence
):
    monkeypatch.setattr(Child, "run", stopped)

    assert train(disc_images, tmp_path / "cv", *IMAGES, *FEW, *words) == 2

    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "cv").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fold": None}, "no labelled case has a fold, so there is none to leave out; run prepare"),
        ({"fold": 0}, "fold 0: no case is left to train on"),
        ({"label": Path("/gone.png")}, "/gone.png: no such file, and networks are scored on"),
    ],
)
def test_refuses_a_set_without_folds_or_files(
    tmp_path, disc_images, monkeypatch, capsys, change, sentence
):
    monkeypatch.setattr(Child, "run", stopped)
    manifest = with_cases(disc_images, tmp_path / "m.json", lambda case: replace(case, **change))

    assert train(manifest, tmp_path / "cv", *IMAGES, *FEW) == 2

    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "cv").exists()


def test_refuses_to_begin_with_a_model_that_has_seen_what_is_scored(
    tmp_path, disc_images, monkeypatch, capsys
):
    monkeypatch.setattr(Child, "run", stopped)
    seen = Manifest.load(disc_images).hash
    model = write_model_of(disc_images, tmp_path / "model", seen, fold=0)

    assert train(disc_images, tmp_path / "cv", *IMAGES, *FEW, "--init", str(model)) == 2

    assert f"--init: {model} has learned from cases of fold 1 of this" in capsys.readouterr().err
    assert not (tmp_path / "cv").exists()
    words = [*IMAGES, *FEW, "--init", str(model), "--allow_leak", "init"]
    assert train(disc_images, tmp_path / "cv", *words) == 75


@pytest.mark.slow
def test_folds_that_have_begun_need_their_model_no_more(
    tmp_path, disc_images, at_once, capsys, undrawn
):
    first, model, cv = tmp_path / "first", tmp_path / "model", tmp_path / "cv"
    assert train(disc_images, first, *IMAGES, *FEW, "--fold", "0") == 0
    shutil.copytree(first / "checkpoints" / "best", model)
    words = [*IMAGES, *FEW, "--init", str(model), "--allow_leak", "init"]
    assert train(disc_images, cv, *words) == 0
    said = capsys.readouterr().err
    assert f"A leak, allowed by name: fold1 began with {model}, which has learned from" in said
    assert "allowed by name: fold0" not in said
    begun = json.loads((cv / "run.json").read_text())["init"]
    shutil.rmtree(model)
    shutil.rmtree(cv / "fold1" / "scores")

    assert any_command(["train", "--run", str(cv)]) == 0

    assert json.loads((cv / "run.json").read_text())["init"] == begun
    shutil.rmtree(cv / "fold1" / "run")
    assert any_command(["train", "--run", str(cv)]) == 2
    assert f"--init: {model} is no folder" in capsys.readouterr().err


@pytest.mark.slow
def test_a_fold_that_was_extended_is_named(
    tmp_path, disc_images, at_once, monkeypatch, capsys, undrawn
):
    cv = tmp_path / "cv"

    more = {cv / "fold1" / "run": (2, 0.0)}
    taken = lambda run, budget, hears: more.pop(run, (0, 0.0))  # noqa: E731
    monkeypatch.setattr(loop, "take_extension", taken)
    assert train(disc_images, cv, *IMAGES, *FEW) == 0

    said = capsys.readouterr().err
    assert "fold1 was extended: its budget is larger than the others'." in said
    assert "fold0 was extended" not in said


def test_refuses_to_go_on_when_the_model_that_folds_begin_with_is_another(
    tmp_path, disc_images, monkeypatch, capsys
):
    monkeypatch.setattr(Child, "run", stopped)
    model = write_model_of(disc_images, tmp_path / "model", "other", fold=0)
    words = [*IMAGES, *FEW, "--init", str(model)]
    assert train(disc_images, tmp_path / "cv", *words) == 75
    assert train(disc_images, tmp_path / "cv", *words) == 75
    before = json.loads((tmp_path / "cv" / "run.json").read_text())["init"]

    write_model_of(disc_images, model, "other", fold=0)
    assert train(disc_images, tmp_path / "cv", *words) == 2

    assert f"--init: {model} is not the model any more" in capsys.readouterr().err
    assert json.loads((tmp_path / "cv" / "run.json").read_text())["init"] == before


def test_refuses_several_processes_of_a_launcher(tmp_path, disc_images, monkeypatch, capsys):
    counts = {"LOCAL_WORLD_SIZE": 2, "WORLD_SIZE": 2, "RANK": 0, "LOCAL_RANK": 0, "GROUP_RANK": 0}
    started = {**counts, "MASTER_ADDR": "localhost", "MASTER_PORT": 1, "TORCHELASTIC_RUN_ID": 1}
    for name, value in started.items():
        monkeypatch.setenv(name, str(value))

    assert train(disc_images, tmp_path / "cv", *IMAGES, *FEW) == 2
    assert (
        "option --fold: each starts every training itself, but torchrun" in capsys.readouterr().err
    )

    monkeypatch.setenv("RANK", "1")
    assert train(disc_images, tmp_path / "cv", *IMAGES, *FEW) == 2
    assert capsys.readouterr().err == ""


@pytest.fixture
def begun(tmp_path, disc_images, monkeypatch) -> Path:
    """A cross-validation that was stopped at once."""
    monkeypatch.setattr(Child, "run", stopped)
    assert train(disc_images, tmp_path / "cv", *IMAGES, *FEW) == 75
    return tmp_path / "cv"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--network.widths", "[4,12]"], "was trained with network.widths = [4, 8], but [4, 12]"),
        (["--max_steps", "5"], "was trained with max_steps = 3, but 5 is asked for; `inspire-med"),
        (["--validations", "2"], "was trained with validations = 1, but 2 is asked for"),
        (["--precision", "bf16-mixed"], "was trained with precision = 32-true, but bf16-mixed is"),
        (["--fold", "0"], "was trained with fold = each, but 0 is asked for"),
        (["--resume", "never"], "exists already; choose another --run"),
    ],
)
def test_refuses_to_go_on_otherwise(begun, disc_images, capsys, words, sentence):
    assert train(disc_images, begun, *IMAGES, *FEW, *words) == 2

    assert sentence in capsys.readouterr().err
    assert train(disc_images, begun, *IMAGES, *FEW, "--data.workers", "1") == 75


def test_refuses_to_go_on_with_another_data_set(begun, disc_images, tmp_path, capsys):
    other = with_cases(
        disc_images, tmp_path / "m.json", lambda case: replace(case, fold=1 - case.fold)
    )

    assert train(other, begun, *IMAGES, *FEW) == 2

    assert f"{begun}: trained on the data set" in capsys.readouterr().err


def test_leaves_a_folder_of_something_else_alone(tmp_path, disc_images, monkeypatch, capsys):
    monkeypatch.setattr(Child, "run", stopped)
    (tmp_path / "notes.txt").write_text("mine")

    assert train(disc_images, tmp_path, *IMAGES, *FEW) == 2

    assert "holds something that is no run; choose another --run" in capsys.readouterr().err
    assert names(tmp_path) == {"notes.txt"}
