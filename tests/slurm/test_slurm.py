"""The sbatch files on a real Slurm: two nodes, a requeue, a signal, a lost node, an array."""

import functools
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SMALL = [
    *["--data.patch_size", "[16,16,8]", "--network.widths", "[4,8]", "--precision", "32-true"],
    *["--network.deep_supervision", "2", "--validations", "1", "--max_steps", "100", "--threads"],
    *["1", "--save_every_steps", "1"],
]
RESOURCES = ["--mem=1G", "--cpus-per-task=1", "--time=10"]
TWO_NODES = ["--nodes=2", "--ntasks-per-node=1"]

pytestmark = pytest.mark.slow


def submit_script(cluster, manifest: Path, folder: Path, script: str, *words: str, **more: str):
    """Submit a script of ours for a run in a folder; the job's number."""
    settings = {
        "MANIFEST": str(manifest),
        "RUN": str(folder / "run"),
        "PYTHON": sys.executable,
        "MASTER_ADDR": "127.0.0.1",  # n1 and n2 are names of this machine to Slurm alone
        "OMP_NUM_THREADS": "1",
        **more,
    }
    place = [f"--chdir={ROOT}", f"--output={folder}/job-%j.log"]
    path = str(ROOT / "scripts" / script)
    return cluster.submit(*place, *RESOURCES, *words, path, *SMALL, **settings)


@pytest.fixture
def submit(cluster, ball_volumes, tmp_path):
    """Submit a script of ours for a run in the test's folder; the job's number."""
    return functools.partial(submit_script, cluster, ball_volumes, tmp_path)


def log(run: Path) -> list[tuple]:
    if not (run / "log.jsonl").exists():
        return []
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [(line["kind"], line["step"], line.get("loss"), line.get("mean_dice")) for line in lines]


def sessions(run: Path) -> int:
    return len(json.loads((run / "run.json").read_text())["sessions"])


@pytest.fixture(scope="module")
def uninterrupted(cluster, ball_volumes, tmp_path_factory) -> list[tuple]:
    """The log of a job over two nodes that nothing disturbed."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    job = submit_script(cluster, ball_volumes, folder, "train_brats.sbatch", *TWO_NODES)
    state = cluster.wait(job)
    assert state == "COMPLETED", (folder / f"job-{job}.log").read_text()
    found = log(folder / "run")
    assert [line[1] for line in found if line[0] == "step"] == list(range(1, 101))
    return found


def test_two_nodes_learn_what_one_process_learns(uninterrupted, submit, cluster, tmp_path):
    job = submit("train_brats.sbatch", "--nodes=1")
    assert cluster.wait(job) == "COMPLETED"

    for ours, theirs in zip(log(tmp_path / "run"), uninterrupted, strict=True):
        assert ours[:2] == theirs[:2]
        if ours[1] <= 5:  # rounding grows from step to step
            assert ours[2] == pytest.approx(theirs[2], rel=1e-5)


def test_requeued_midway_the_log_is_that_of_an_uninterrupted_run(
    uninterrupted, submit, cluster, tmp_path
):
    run = tmp_path / "run"
    job = submit("train_brats.sbatch", *TWO_NODES)
    cluster.wait_until(lambda: len(log(run)) >= 5)

    cluster.run("scontrol", "requeue", job)

    assert cluster.wait(job) == "COMPLETED"
    assert sessions(run) == 2
    assert log(run) == uninterrupted


def test_signalled_before_its_time_is_up_it_saves_and_requeues_itself(
    uninterrupted, submit, cluster, tmp_path
):
    run = tmp_path / "run"
    job = submit("train_brats.sbatch", *TWO_NODES)
    cluster.wait_until(lambda: len(log(run)) >= 5)

    cluster.run("scancel", "--signal=USR1", "--batch", job)

    assert cluster.wait(job) == "COMPLETED"
    assert (
        "stopped before its end; back into the queue" in (tmp_path / f"job-{job}.log").read_text()
    )
    assert sessions(run) == 2
    assert log(run) == uninterrupted


def test_a_lost_node_does_not_lose_the_run(uninterrupted, submit, cluster, tmp_path):
    run = tmp_path / "run"
    job = submit("train_brats.sbatch", *TWO_NODES)
    cluster.wait_until(lambda: len(log(run)) >= 5)

    cluster.kill_node("n2")
    cluster.wait_until(lambda: cluster.field(job, "JobState") != "RUNNING")
    cluster.start_node("n2")

    assert cluster.wait(job) == "COMPLETED"
    assert sessions(run) >= 2  # what is left of the first may cost the second its start
    assert log(run) == uninterrupted


def test_a_signalled_element_of_an_array_goes_back_alone(submit, cluster, tmp_path):
    variables = {"TASK": "brats", "FOLDS": "2", "RUNS": str(tmp_path / "runs")}
    job = submit("train_folds.sbatch", "--array=0-1", "--nodes=1", **variables)
    runs = [tmp_path / "runs" / f"fold{fold}-seed0" for fold in (0, 1)]
    cluster.wait_until(lambda: all(len(log(run)) >= 5 for run in runs))
    # The number of the whole array is also that of one element.
    named = next(e for e in (0, 1) if cluster.field(f"{job}_{e}", "JobId") == job)

    cluster.run("scancel", "--signal=USR1", "--batch", f"{job}_{named}")

    assert [cluster.wait(f"{job}_{element}") for element in (0, 1)] == ["COMPLETED"] * 2
    assert sessions(runs[named]) == 2
    assert sessions(runs[1 - named]) == 1


def test_an_array_trains_every_fold_with_every_seed(submit, cluster, tmp_path):
    variables = {"TASK": "brats", "FOLDS": "2", "RUNS": str(tmp_path / "runs")}
    job = submit("train_folds.sbatch", "--array=0-3", "--nodes=1", **variables)

    states = [cluster.wait(f"{job}_{element}") for element in range(4)]

    assert states == ["COMPLETED"] * 4
    for fold in (0, 1):
        for seed in (0, 1):
            run = tmp_path / "runs" / f"fold{fold}-seed{seed}"
            assert len(log(run)) == 101
            config = (run / "config.yaml").read_text()
            assert f"fold: {fold}\n" in config
            assert f"seed: {seed}\n" in config
