"""A run and what reaches it from outside: signals, files, a full disk, a second process."""

import json
import os
import shlex
import signal
from pathlib import Path

import pytest

from inspire_med.__main__ import main as command
from inspire_med.cases.store import Store
from inspire_med.errors import InputError
from inspire_med.train import main
from inspire_med.training import checkpoint, loop
from inspire_med.training.log import RunLog
from inspire_med.training.state import Progress
from inspire_med.training.stopping import STOPPED
from inspire_med.training.trials import Trials

IMAGES = ["--task", "polyp", "--data.image_size", "[32,32]", "--data.batch_size", "2"]
TINY = ["--network.widths", "[4,8]", "--network.deep_supervision", "2", "--precision", "32-true"]
FIXED = ["--data.workers", "0", "--validations", "1", "--save_every", "0"]


def train(manifest, run, *words) -> int:
    return main(["--manifest", str(manifest), "--run", str(run), *IMAGES, *TINY, *FIXED, *words])


def log(run) -> list[tuple]:
    """What must be the same after a resume: all but the seconds."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [
        tuple(line.get(key) for key in ("kind", "step", "loss", "lr", "mean_dice"))
        for line in lines
    ]


@pytest.fixture
def at_step(monkeypatch):
    """Do something during a step."""

    def arrange(number, action):
        honest, calls = loop.train_step, []

        def step(*arguments):
            calls.append(1)
            if len(calls) == number:
                action()
            return honest(*arguments)

        monkeypatch.setattr(loop, "train_step", step)

    return arrange


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_saves_at_the_end_of_the_step(tmp_path, disc_images, at_step, capsys, name):
    assert train(disc_images, tmp_path / "whole", "--max_steps", "4") == 0
    at_step(2, lambda: os.kill(os.getpid(), signal.Signals[name]))

    anew = ("--max_steps", "4", "--resume", "never")  # which forbids nothing later on
    assert train(disc_images, tmp_path / "parts", *anew) == STOPPED

    said = capsys.readouterr().err
    assert "stopped by a signal after 2 steps" in said
    assert len(log(tmp_path / "parts")) == 2
    way_on = f"it goes on by: inspire-med train --run {tmp_path}/parts\n"
    assert said.endswith(way_on)
    assert command(shlex.split(way_on.partition(": ")[2])[1:]) == 0
    assert log(tmp_path / "parts") == log(tmp_path / "whole")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_ends_planning_and_leaves_no_folder(
    tmp_path, disc_images, monkeypatch, capsys, name
):
    signalled = lambda trials, plan: os.kill(os.getpid(), signal.Signals[name])  # noqa: E731
    monkeypatch.setattr(Trials, "try_step", signalled)

    words = ["--plan", "small", "--max_steps", "1"]
    assert train(disc_images, tmp_path / "run", *words) == STOPPED

    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "stopped by a signal while the run was planned; the same command begins anew"
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_signal_breaks_a_validation_off(tmp_path, disc_images, monkeypatch):
    assert train(disc_images, tmp_path / "whole", "--max_steps", "2") == 0
    honest = loop.validate

    def signalled(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return honest(*arguments)

    monkeypatch.setattr(loop, "validate", signalled)
    assert train(disc_images, tmp_path / "parts", "--max_steps", "2") == STOPPED
    assert [line[0] for line in log(tmp_path / "parts")] == ["step", "step"]
    monkeypatch.setattr(loop, "validate", honest)

    assert train(disc_images, tmp_path / "parts", "--max_steps", "2") == 0

    assert log(tmp_path / "parts") == log(tmp_path / "whole")


@pytest.mark.slow
def test_a_stop_file_ends_it_and_a_resume_goes_on(tmp_path, disc_images, at_step, capsys):
    run = tmp_path / "run"
    at_step(2, (run / "STOP").touch)

    assert train(disc_images, run, "--max_steps", "5") == 0
    assert len(log(run)) == 2
    assert "stopped after 2 steps" in capsys.readouterr().err
    assert train(disc_images, run, "--max_steps", "5") == 0

    assert [line[1] for line in log(run) if line[0] == "step"] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_an_extend_file_lengthens_it_and_a_resume_remembers(tmp_path, disc_images, at_step):
    run = tmp_path / "run"
    at_step(1, lambda: (run / "EXTEND").write_text("3"))
    at_step(4, lambda: os.kill(os.getpid(), signal.SIGTERM))

    assert train(disc_images, run, "--max_steps", "2") == STOPPED
    assert train(disc_images, run, "--max_steps", "2") == 0

    assert [line[1] for line in log(run) if line[0] == "step"] == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_signal_while_cases_are_prepared_ends_it(tmp_path, disc_images, monkeypatch, capsys):
    honest = Store._ensure

    def interrupted(self, case):
        os.kill(os.getpid(), signal.SIGTERM)
        return honest(self, case)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_ensure", interrupted)
        words = ["--max_steps", "2", "--store", str(tmp_path / "store")]
        assert train(disc_images, tmp_path / "run", *words) == STOPPED

    assert "stopped by a signal while cases were prepared" in capsys.readouterr().err
    assert list((tmp_path / "store").iterdir())
    assert train(disc_images, tmp_path / "run", *words) == 0
    assert len(log(tmp_path / "run")) == 3


def test_a_disk_too_full_for_the_log_ends_it_with_a_sentence(tmp_path):
    run_log = RunLog(tmp_path, Progress(), [])
    record = {"step": 7, "loss": 1.0, "lr": 0.1, "step_s": 1.0, "data_wait_s": 0.0}

    sentence = "step 7 could not be logged .*No space left.* make room there"
    with Path("/dev/full").open("w", buffering=1) as full:  # every write: no space left
        run_log._file.close()
        run_log._file = full
        with pytest.raises(InputError, match=sentence), run_log:
            run_log.step(record, 0.5, 1.0)


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, disc_images, monkeypatch, capsys):
    assert train(disc_images, tmp_path, "--max_steps", "2") == 0
    before = (tmp_path / "checkpoints" / "last" / "training.json").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_checkpoint", full)

    words = ["--max_steps", "4", "--save_every_steps", "1"]
    assert train(disc_images, tmp_path, *words) == 2

    error = capsys.readouterr().err
    assert "step 3 could not be saved ([Errno 28] No space left on device)" in error
    assert "the checkpoint before it is whole; make room there and give the same command" in error
    assert (tmp_path / "checkpoints" / "last" / "training.json").read_bytes() == before


@pytest.mark.slow
def test_a_checkpoint_is_never_ahead_of_the_log_on_the_disk(tmp_path, disc_images, monkeypatch):
    calls = []
    monkeypatch.setattr(RunLog, "keep", lambda self: calls.append("log"))
    monkeypatch.setattr(checkpoint, "save_checkpoint", lambda *_: calls.append("checkpoint"))

    assert train(disc_images, tmp_path, "--max_steps", "2", "--save_every_steps", "1") == 0

    assert calls[-2:] == ["log", "checkpoint"]


@pytest.mark.slow
def test_checkpoints_come_every_so_many_steps(tmp_path, disc_images, monkeypatch):
    steps = []
    monkeypatch.setattr(
        checkpoint, "save_checkpoint", lambda folder, trained, progress: steps.append(progress.step)
    )
    words = ["--max_steps", "7", "--save_every_steps", "3", "--save_every", "60"]
    assert train(disc_images, tmp_path, *words) == 0
    assert steps == [3, 6, 7]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--optimizer.ema", "0.9"],
        ["--network.recompute", "true"],
        ["--data.accumulate", "2"],
        ["--optimizer.name", "sgd", "--optimizer.schedule", "poly"],
        ["--sync_batchnorm", "on"],
    ],
    ids=lambda words: words[0],
)
def test_with_any_option_a_stopped_run_goes_on_to_the_bit(tmp_path, disc_images, at_step, words):
    assert train(disc_images, tmp_path / "whole", "--max_steps", "4", *words) == 0
    at_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM))

    assert train(disc_images, tmp_path / "parts", "--max_steps", "4", *words) == STOPPED
    assert train(disc_images, tmp_path / "parts", "--max_steps", "4", *words) == 0

    assert log(tmp_path / "parts") == log(tmp_path / "whole")


@pytest.mark.slow
def test_recomputing_activations_trains_the_same(tmp_path, disc_images):
    assert train(disc_images, tmp_path / "kept", "--max_steps", "3") == 0
    assert train(disc_images, tmp_path / "made", "--max_steps", "3", "--network.recompute") == 0

    assert log(tmp_path / "made") == log(tmp_path / "kept")


@pytest.mark.slow
def test_the_linear_rule_is_said(tmp_path, disc_images, capsys):
    words = ["--max_steps", "1", "--optimizer.lr", "1e-3", "--optimizer.scale_lr_from_batch", "8"]

    assert train(disc_images, tmp_path, *words, "--optimizer.warmup", "0") == 0

    assert "learning rate 0.001 for a batch of 8 becomes 0.00025 for 2" in capsys.readouterr().err
    assert log(tmp_path)[0][3] == pytest.approx(0.00025)


@pytest.mark.slow
def test_without_being_asked_the_rate_stays(tmp_path, disc_images, capsys):
    assert train(disc_images, tmp_path, "--max_steps", "1", "--optimizer.warmup", "0") == 0

    assert "becomes" not in capsys.readouterr().err
    assert log(tmp_path)[0][3] == pytest.approx(1e-3)
