"""Several processes: the same command and the same result, and an end when one of them dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inspire_med.train import main
from inspire_med.training import loop

WORDS = [
    *["--task", "polyp", "--data.image_size", "[32,32]", "--data.batch_size", "3"],
    *["--data.scales", "[1,2]"],
    *["--network.widths", "[4,8]", "--network.deep_supervision", "2", "--precision", "32-true"],
    *["--data.workers", "0", "--validations", "1", "--save_every", "0", "--max_steps", "4"],
]
TRAIN = [sys.executable, "-m", "inspire_med.train"]
TORCHRUN = [
    *[sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"],
    *["-m", "inspire_med.train", "--"],
]


def start(command, manifest: Path, run: Path, *words: str) -> subprocess.Popen:
    arguments = ["--manifest", str(manifest), "--run", str(run), *WORDS, *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def train(command, manifest: Path, run: Path, *words: str) -> None:
    process = start(command, manifest, run, *words)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def log(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in log(run) if line["kind"] == "step"]


def wait_for_steps(process: subprocess.Popen, run: Path, count: int) -> None:
    """Wait until a run that is at work has logged so many steps."""
    while not (run / "log.jsonl").exists() or len(losses(run)) < count:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)


@pytest.fixture(scope="module")
def alone(tmp_path_factory, disc_images) -> Path:
    """The run of one process that the others are compared with."""
    run = tmp_path_factory.mktemp("alone")
    train(TRAIN, disc_images, run)
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "words"),
    [(TRAIN, ["--devices", "2"]), (TRAIN, ["--devices", "3"]), (TORCHRUN, [])],
    ids=["2", "3", "torchrun"],
)
def test_ranks_learn_what_one_process_learns(tmp_path, disc_images, alone, command, words):
    run = tmp_path / "run"

    train(command, disc_images, run, *words)

    assert losses(run) == pytest.approx(losses(alone), rel=1e-5)
    validation, expected = log(run)[-1], log(alone)[-1]
    assert validation["n"] == expected["n"] == 3  # of 2 ranks' rounds, none counted twice
    assert validation["mean_dice"] == pytest.approx(expected["mean_dice"], abs=1e-5)


@pytest.mark.slow
def test_ranks_learn_alike_when_the_second_pass_joins_late(tmp_path, disc_images):
    words = ["--network.second_pass_from", "0.5"]
    train(TRAIN, disc_images, tmp_path / "one", *words)

    process = start(TRAIN, disc_images, tmp_path / "two", *words, "--devices", "2")
    said = "".join(process.communicate(timeout=120))

    assert said.count("step 2  2 passes from here on") == 1
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_ranks(tmp_path, disc_images, alone, monkeypatch):
    honest, calls = loop.train_step, []

    def stopped_in_the_second(*arguments):
        calls.append(1)
        if len(calls) == 2:
            (tmp_path / "run" / "STOP").touch()
        return honest(*arguments)

    monkeypatch.setattr(loop, "train_step", stopped_in_the_second)
    words = ["--manifest", str(disc_images), "--run", str(tmp_path / "run"), *WORDS]
    assert main(words) == 0
    assert len(losses(tmp_path / "run")) == 2

    train(TRAIN, disc_images, tmp_path / "run", "--devices", "2")

    assert losses(tmp_path / "run") == pytest.approx(losses(alone), rel=1e-5)


@pytest.mark.slow
def test_a_rank_that_dies_takes_the_others_along(tmp_path, disc_images):
    run = tmp_path / "run"
    process = start(TRAIN, disc_images, run, "--devices", "2", "--max_steps", "100000")
    wait_for_steps(process, run, 2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    started = time.monotonic()

    os.kill(int(children[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)

    assert process.returncode != 0
    assert time.monotonic() - started < 60
    assert errors.count("Traceback") == 0  # a killed rank has none, and the other's says nothing


@pytest.mark.slow
def test_ranks_go_by_one_plan_that_the_first_makes(tmp_path, disc_images):
    words = [
        "--devices",
        "2",
        "--plan",
        "small",
        "--precision",
        "32-true",
        "--network.skip",
        "concat",
    ]
    words += ["--max_steps", "1", "--validations", "1", "--data.workers", "0"]
    run = tmp_path / "run"
    arguments = ["--manifest", str(disc_images), "--run", str(run), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    done = subprocess.run(
        [*TRAIN, *arguments], capture_output=True, text=True, env=environment, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("plan: batch_size 8: ") == 1, done.stderr
    assert "GiB of each process and" in done.stderr
    planned = json.loads((run / "run.json").read_text())["planned"]
    assert planned["batch_size"] == 8
    assert len(losses(run)) == 1  # of ranks whose networks are alike


FAULTY = """
import os
import sys

from inspire_med.train import main
from inspire_med.training.loader import BatchLoader

honest = BatchLoader.next


def next(self):
    if os.environ["RANK"] == "1":
        raise ZeroDivisionError("this rank's own trouble")
    return honest(self)


BatchLoader.next = next
sys.exit(main())
"""


@pytest.mark.slow
def test_a_ranks_own_traceback_is_shown_once(tmp_path, disc_images):
    script = tmp_path / "faulty.py"
    script.write_text(FAULTY)
    started = time.monotonic()

    process = start([*TORCHRUN[:-3], str(script), "--"], disc_images, tmp_path / "run")
    _, errors = process.communicate(timeout=60)

    assert process.returncode != 0
    assert time.monotonic() - started < 60
    ours = [part for part in errors.split("Traceback") if "inspire_med" in part]
    assert sum("this rank's own trouble" in part for part in ours) == 1, errors
    assert "another rank did; its message says why" in errors


@pytest.mark.slow
def test_a_ranks_own_complaint_is_shown_once(tmp_path, disc_images):
    process = start(TRAIN, disc_images, tmp_path, "--devices", "2", "--fold", "9")
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert errors.count("fold 9") == 1, errors


@pytest.mark.slow
def test_a_signal_stops_all_ranks_at_the_same_step(tmp_path, disc_images):
    run = tmp_path / "run"
    words = ["--devices", "2", "--max_steps", "100000"]
    process = start(TRAIN, disc_images, run, *words)
    wait_for_steps(process, run, 3)

    process.send_signal(signal.SIGUSR1)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 75, errors
    done = len(losses(run))
    assert f"stopped by a signal after {done} steps" in errors
    assert "Traceback" not in errors
    train(TRAIN, disc_images, run, "--devices", "2", "--max_steps", str(done + 2))
    assert len(losses(run)) == done + 2


@pytest.mark.slow
def test_two_processes_on_one_run_folder(tmp_path, disc_images):
    run = tmp_path / "run"
    first = start(TRAIN, disc_images, run, "--max_steps", "100000")
    wait_for_steps(first, run, 1)

    second = start(TRAIN, disc_images, run, "--max_steps", "100000")
    _, errors = second.communicate(timeout=60)

    assert second.returncode == 2
    assert f"process {first.pid} on" in errors
    assert "is training there; wait for it, or choose another --run." in errors
    first.kill()
    first.communicate()
    train(TRAIN, disc_images, run, "--max_steps", "2")  # what the dead one held is free
