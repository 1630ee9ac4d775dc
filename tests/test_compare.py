import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from models import write_model_of

from inspire_med.__main__ import main as any_command
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.means import Need
from inspire_med.compare import main
from inspire_med.comparing.process import Child, StoppedError
from inspire_med.inference import Predictor
from inspire_med.networks import MonaiNetwork
from inspire_med.training.trials import Trials

TINY = ["--task", "polyp", "--data.image_size", "[32,32]", "--data.batch_size", "2",
        "--network.widths", "[4,8]", "--network.deep_supervision", "2", "--precision", "32-true",
        "--data.workers", "0", "--validations", "1", "--threads", "1"]  # fmt: skip
FEW = ["--max_steps", "3", "--protocol", "segmentation"]


def compare(manifest: Path, run: Path, *words: str) -> int:
    return main([*TINY, "--manifest", str(manifest), "--run", str(run), *words])


def wait_for_a_step(log: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a training has written of a step; a machine under load takes its time."""
    until = time.monotonic() + 300
    while not (log.exists() and log.read_text()):
        assert process.poll() is None, "it ended before its first step"
        assert time.monotonic() < until, "no step in five minutes"
        time.sleep(0.05)


@pytest.fixture
def at_once(monkeypatch) -> list[tuple[str, str]]:
    """Let the commands of the jobs run in this process, and note them: command and job."""
    calls: list[tuple[str, str]] = []

    def run(self, words, log, *, aloud):
        calls.append((words[0], "/".join(log.parent.parts[-2:])))
        return any_command(words)

    monkeypatch.setattr(Child, "run", run)
    return calls


@pytest.mark.slow
def test_networks_are_compared_and_nothing_is_done_twice(tmp_path, disc_images, at_once, capsys):
    words = ["--variants", "concat,inspire", "--seeds", "2", *FEW]
    assert compare(disc_images, tmp_path / "out", *words) == 0

    jobs = ["concat/seed0", "inspire/seed0", "concat/seed1", "inspire/seed1"]
    assert at_once == [(step, job) for job in jobs for step in ("train", "predict", "evaluate")]
    printed = capsys.readouterr()
    assert "Dice of polyp" in printed.out
    assert "[2/4] inspire/seed0, time left: about" in printed.err
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert content["costs"]["inspire"]["steps"] == 3
    assert content["costs"]["inspire"]["memory_gib"] > 0
    assert content["costs"]["inspire"]["inference_s"] > 0
    assert set(content["seeds"]["concat"]["polyp"]["dice"]["by_seed"]) == {"0", "1"}
    rows = (tmp_path / "out" / "comparison.csv").read_text().splitlines()
    assert {row["variant"] for row in csv.DictReader(rows)} == {"concat", "inspire"}
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "inspire" in page
    assert 'src="http' not in page

    at_once.clear()
    shutil.rmtree(tmp_path / "out" / "inspire" / "seed0" / "scores")
    (tmp_path / "out" / "concat" / "seed0" / "predictions" / "predictions.json").unlink()
    again = ["--variants", "concat,inspire,monai:SegResNet", "--seeds", "1", *FEW]
    arguments = ["--network.monai_arguments.init_filters", "8"]
    assert compare(disc_images, tmp_path / "out", *again, *arguments) == 2  # another request
    assert "network.monai_arguments.init_filters = None, but 8" in capsys.readouterr().err
    assert compare(disc_images, tmp_path / "out", *again) == 0

    assert at_once == [
        ("predict", "concat/seed0"),
        ("evaluate", "concat/seed0"),
        ("evaluate", "inspire/seed0"),
        *((step, "monai-SegResNet/seed0") for step in ("train", "predict", "evaluate")),
    ]
    later = json.loads((tmp_path / "out" / "comparison.json").read_text())
    dice = [each["seeds"]["inspire"]["polyp"]["dice"]["by_seed"]["0"] for each in (content, later)]
    assert dice[0] == dice[1]
    assert any("monai:SegResNet: trained without deep" in note for note in later["notes"])
    run = tmp_path / "out" / "monai-SegResNet" / "seed0" / "run"
    ((_, network),) = Predictor.load(run, device="cpu")._ensemble.networks
    assert isinstance(network, MonaiNetwork)


@pytest.mark.slow
def test_variants_of_a_file_are_compared(tmp_path, disc_images, at_once, capsys):
    file = tmp_path / "v.yaml"
    file.write_text(
        "slow: {optimizer.lr: 1.0e-9}\n"
        "wide: {network: {widths: [4, 12]}}\n"
        "monai: {network.monai: SegResNet, network.monai_arguments: {init_filters: 8}}\n"
    )
    words = ["--network.skip", "concat", "--variants", str(file), "--seeds", "1", *FEW]

    assert compare(disc_images, tmp_path / "out", *words) == 0

    assert [job for _, job in at_once[::3]] == ["slow/seed0", "wide/seed0", "monai/seed0"]
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert content["baseline"] == "slow"
    assert content["facts"]["wide"]["Options"] == "network.widths [4, 12]"
    assert content["costs"]["wide"]["parameters"] > content["costs"]["slow"]["parameters"]
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert "optimizer.lr 1e-09" in page
    again = (tmp_path / "out" / "slow" / "seed0" / "run" / "config.yaml").read_text()
    assert "skip: concat" in again
    assert "lr: 1.0e-09" in again

    file.write_text(file.read_text().replace("12]", "14]"))
    assert compare(disc_images, tmp_path / "out", *words) == 2
    assert "wide: was trained with network.widths = [4, 12], but" in capsys.readouterr().err


def test_a_variant_with_more_levels_than_the_plan_has_is_trained_with_its_own(
    tmp_path, disc_images, monkeypatch, capsys
):
    asked = []

    def run(self, words, log, *, aloud):
        asked.append(yaml.safe_load(Path(words[words.index("--config") + 1]).read_text()))
        raise StoppedError

    monkeypatch.setattr(Child, "run", run)
    monkeypatch.setattr(Trials, "try_step", lambda trials, plan: Need(1.0, 0.1))
    file = tmp_path / "v.yaml"
    file.write_text("deep: {network.widths: [4, 8, 16]}\nusual: {}\n")
    words = ["--variants", str(file), "--seeds", "1", "--plan", "small", *FEW]

    assert compare(disc_images, tmp_path / "out", *words) == 75
    assert asked[0]["network"]["widths"] == [4, 8, 16]
    assert asked[0]["network"]["strides"] == [[2, 2], [2, 2]]
    assert asked[0]["network"]["kernel_sizes"] == [[3, 3]] * 3
    request = json.loads((tmp_path / "out" / "request.json").read_text())
    assert len(request["planned"]["widths"]) == 2
    assert compare(disc_images, tmp_path / "out", *words) == 75  # it goes on by the same sizes

    clash = [*words, "--network.strides", "[[2,2]]"]
    assert compare(disc_images, tmp_path / "other", *clash) == 2
    sentence = "v.yaml: variant deep: network.widths has 3 levels, and --network.strides, which"
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_networks_of_all_cases_are_scored_on_a_test_set(
    tmp_path, disc_images, other_discs, at_once
):
    words = ["--variants", "concat,ise", "--seeds", "1", *FEW, "--test", str(other_discs)]

    assert compare(disc_images, tmp_path / "out", *words, "--fold", "none") == 0

    steps = ("train", "predict", "evaluate")
    assert [step for step, _ in at_once] == [*steps, *steps]
    run = tmp_path / "out" / "concat" / "seed0" / "run"
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["last"]
    content = json.loads((tmp_path / "out" / "test-others" / "comparison.json").read_text())
    assert content["n_cases"] == 6
    assert content["provenance"]["Test set"] == str(other_discs)
    assert content["provenance"]["Folds"] == "none"
    assert "Trained on every labelled case of the manifest; the last" in " ".join(content["notes"])
    assert not (tmp_path / "out" / "comparison.json").exists()


@pytest.mark.slow
def test_one_training_is_scored_on_its_fold_and_on_a_test_set(
    tmp_path, disc_images, other_discs, at_once
):
    words = ["--variants", "concat,ise", "--seeds", "1", *FEW, "--test", str(other_discs)]

    assert compare(disc_images, tmp_path / "out", *words) == 0

    one = ["train", "predict", "evaluate", "predict", "evaluate"]
    assert [step for step, _ in at_once] == [*one, *one]
    own, test = (
        json.loads((tmp_path / "out" / folder / "comparison.json").read_text())
        for folder in ("", "test-others")
    )
    assert (own["n_cases"], test["n_cases"]) == (3, 6)
    assert own["costs"]["ise"]["training_s"] == test["costs"]["ise"]["training_s"]


@pytest.mark.slow
def test_a_signal_stops_it_and_the_same_command_goes_on(tmp_path, disc_images, at_once):
    words = ["--variants", "concat,ise", "--seeds", "[4]", "--max_steps", "100",
             "--protocol", "segmentation"]  # fmt: skip
    places = ["--manifest", str(disc_images), "--run", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "inspire_med.compare", *TINY, *places, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "out" / "concat" / "seed4" / "run" / "log.jsonl"
    wait_for_a_step(log, process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=180)

    assert process.returncode == 75, said
    assert "  stopped by a signal after" in said
    assert "the same command goes on from here" in said
    assert at_once == []
    assert compare(disc_images, tmp_path / "out", *words) == 0
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps[:-1] == list(range(1, 101))
    sessions = json.loads((log.parent / "run.json").read_text())["sessions"]
    assert len(sessions) == 2


@pytest.mark.slow
def test_a_failing_network_does_not_lose_the_others(tmp_path, disc_images, monkeypatch, capsys):
    def run(self, words, log, *, aloud):
        if log.parent.parent.name == "ise":
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("no room left\n")
            return 1
        return any_command(words)

    monkeypatch.setattr(Child, "run", run)
    words = ["--variants", "concat,ise,isa", "--seeds", "1", *FEW]

    assert compare(disc_images, tmp_path / "out", *words) == 2

    error = capsys.readouterr().err.splitlines()[-1]
    assert "1 job failed, the others are compared" in error
    assert "ise/seed0: train failed with status 1: no room left (log: " in error
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert content["methods"] == ["concat", "isa"]


@pytest.mark.slow
def test_a_test_set_that_cannot_be_shown_hides_no_other_page(
    tmp_path, disc_images, other_discs, monkeypatch, capsys
):
    broken = shutil.copy(other_discs, other_discs.with_name("broken.json"))

    def run(self, words, log, *, aloud):
        if log.parent.name == "test-broken" and words[0] == "predict":
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("no room left\n")
            return 1
        return any_command(words)

    monkeypatch.setattr(Child, "run", run)
    words = ["--variants", "concat,ise", "--seeds", "1", *FEW, "--fold", "none"]

    tests = f"{broken},{other_discs}"
    assert compare(disc_images, tmp_path / "out", *words, "--test", tests) == 2

    error = capsys.readouterr().err.splitlines()[-1]
    assert f"{tmp_path / 'out' / 'test-broken'}: nothing to compare yet, 2 jobs f" in error
    assert "first concat/seed0/broken: predict failed" in error
    assert not (tmp_path / "out" / "test-broken" / "comparison.json").exists()
    content = json.loads((tmp_path / "out" / "test-others" / "comparison.json").read_text())
    assert content["methods"] == ["concat", "ise"]
    assert not any("Failed" in note for note in content["notes"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--variants", "concat,inspyre"], "'inspyre' names no network; did you mean inspire?"),
        (["--baseline", "isa"], "option --baseline: 'isa', which the others are tested"),
        (["--variants", "none.yaml"], "none.yaml: no such file"),
        (["--variants", "concat"], "leaves nothing to compare with"),
        (["--seeds", "none"], "option --seeds: 'none' is neither"),
        (["--seed", "3"], "option --seed: unknown; did you mean --seeds?"),
        (["--network.skip", "concat"], "options --network.skip, --network.monai: the variants"),
        (["--network.monai", "VNet"], "options --network.skip, --network.monai: the variants"),
        (["--protocol", "segmentatoin"], "unknown protocol 'segmentatoin'; did you mean"),
        (["--protocol", "coco"], "coco does not score what networks for polyp predict; choose"),
        (["--fold", "9"], "fold 9: the manifest has the folds"),
        (["--manifest", "none.json"], "none.json: no such file"),
        (["--max_steps", "0"], "--max_steps: 0 is not positive"),
        (["--max_time", "soon"], "--max_time: 'soon' is not a duration"),
        (["--task", "isles", "--data.patch_size", "[8,8,8]"], "is for task polyp, not isles"),
        (
            ["--variants", "concat,monai:SegResNet", "--network.monai_arguments.init_filtrs", "8"],
            "SegResNet has no 'init_filtrs'; did you mean init_filters?",
        ),
        (["--variants", "concat,monai:VQVAE"], "VQVAE does not answer with one map of logits"),
    ],
)  # fmt: skip
def test_refuses_what_cannot_be_compared_before_anything_is_trained(
    tmp_path, disc_images, capsys, at_once, words, sentence
):
    assert compare(disc_images, tmp_path / "out", *words) == 2

    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1
    assert at_once == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_planning_and_leaves_no_folder(
    tmp_path, disc_images, monkeypatch, capsys, at_once, name
):
    signalled = lambda trials, plan: os.kill(os.getpid(), signal.Signals[name])  # noqa: E731
    monkeypatch.setattr(Trials, "try_step", signalled)

    assert compare(disc_images, tmp_path / "out", "--plan", "small", *FEW) == 75

    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "stopped by a signal while sizes were planned; the same command begins anew"
    assert at_once == []
    assert not (tmp_path / "out").exists()


def test_leaves_a_folder_of_something_else_alone(
    tmp_path, disc_images, monkeypatch, capsys, at_once
):
    monkeypatch.setattr("inspire_med.cli.planned.find_plan", None)  # no minutes go by first
    (tmp_path / "notes.txt").write_text("mine")

    assert compare(disc_images, tmp_path, "--plan", "small") == 2

    assert "holds something else; choose another --run" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_model_that_has_seen_a_fold_is_allowed_by_name(
    tmp_path, disc_images, monkeypatch, capsys
):
    def stopped(self, words, log, *, aloud):
        raise StoppedError

    monkeypatch.setattr(Child, "run", stopped)
    seen = Manifest.load(disc_images).hash
    model = write_model_of(disc_images, tmp_path / "model", seen, fold=0)
    words = ["--fold", "each", "--init", str(model), "--variants", "concat,ise", *FEW]

    assert compare(disc_images, tmp_path / "out", *words) == 2
    assert f"--init: {model} has learned from cases of fold 1 of" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert compare(disc_images, tmp_path / "out", *words, "--allow_leak", "inti") == 2
    assert "inti is no kind of leak; did you mean init?" in capsys.readouterr().err
    assert compare(disc_images, tmp_path / "out", *words, "--allow_leak", "init") == 75


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_says_where_nothing_can_be_written(tmp_path, disc_images, capsys, at_once):
    tmp_path.chmod(0o500)

    assert compare(disc_images, tmp_path / "out") == 2

    assert "check the path, its rights and its room" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "steps"),
    [([], 20_000), (["--max_time", "5m"], None), (["--max_steps", "7"], 7)],
)
def test_a_time_alone_is_the_whole_budget(tmp_path, disc_images, monkeypatch, words, steps):
    monkeypatch.setattr(Child, "run", lambda *_, **__: (_ for _ in ()).throw(StoppedError))

    assert compare(disc_images, tmp_path / "out", *words) == 75

    record = json.loads((tmp_path / "out" / "request.json").read_text())
    assert record["max_steps"] == steps
