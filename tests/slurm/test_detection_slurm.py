"""The sbatch files of detection on a real Slurm: two tasks, gloo, a signal, a requeue."""

import importlib.util
import json
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MISSING = [name for name in ("mmengine", "mmcv", "mmdet") if not importlib.util.find_spec(name)]
coco = runpy.run_path(str(ROOT / "tests" / "detection" / "coco.py"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"the detection extra lacks {', '.join(MISSING)}"),
]


@pytest.fixture
def config(tmp_path) -> Path:
    coco["write_set"](tmp_path / "data")
    return coco["write_config"](tmp_path, tmp_path / "data")


@pytest.fixture
def submit(cluster, tmp_path):
    """Submit a script of ours over two nodes; the job's number."""

    def send(script: str, *words: str, **more: str) -> str:
        settings = {
            "PYTHON": sys.executable,
            "MASTER_ADDR": "127.0.0.1",  # n1 and n2 are names of this machine to Slurm alone
            "OMP_NUM_THREADS": "1",
            **more,
        }
        place = [f"--chdir={ROOT}", f"--output={tmp_path}/job-%j.log"]
        resources = ["--mem=1G", "--cpus-per-task=1", "--time=10", "--nodes=2"]
        resources += ["--ntasks-per-node=1"]
        return cluster.submit(
            *place, *resources, str(ROOT / "scripts" / script), *words, **settings
        )

    return send


def losses(run: Path) -> list[list[float]]:
    """Losses of every start, in the order of their time stamps."""
    logs = sorted(run.glob("*/vis_data/scalars.json"))
    lines = [[json.loads(line) for line in log.read_text().splitlines()] for log in logs]
    return [[line["loss"] for line in one if "loss" in line] for one in lines]


def test_two_nodes_train_and_score(submit, cluster, config, tmp_path):
    run = tmp_path / "run"
    job = submit("train_detection.sbatch", str(config), str(run))
    assert cluster.wait(job) == "COMPLETED", (tmp_path / f"job-{job}.log").read_text()
    (seen,) = losses(run)
    assert len(seen) == 2 * 1  # two epochs, eight images, four a task

    words = ["--work-dir", str(run), "--cfg-options", "env_cfg.dist_cfg.port=28731"]
    variables = {"GPUS": "1", "GPUS_PER_NODE": "1", "SRUN_ARGS": "--nodes=1 --label"}
    words = [str(config), str(run / "epoch_2.pth"), *words]
    job = submit("test_detection.sbatch", *words, **variables)
    log = tmp_path / f"job-{job}.log"
    assert cluster.wait(job) == "COMPLETED", log.read_text()
    rank, _, scores = log.read_text().splitlines()[-1].partition(": ")
    assert rank == "0"  # srun's --label
    assert "coco/bbox_mAP" in json.loads(scores)
    assert "dist_cfg: {'backend': 'gloo', 'port': 28731}" in log.read_text()


def test_signalled_it_goes_back_into_the_queue_and_on(submit, cluster, config, tmp_path):
    run = tmp_path / "run"
    words = ["--cfg-options", "train_cfg.max_epochs=40", "train_cfg.val_interval=40"]
    job = submit("train_detection.sbatch", str(config), str(run), *words)
    cluster.wait_until((run / "epoch_2.pth").exists)

    cluster.run("scancel", "--signal=USR1", "--batch", job)

    text = tmp_path / f"job-{job}.log"
    assert cluster.wait(job) == "COMPLETED", text.read_text()
    assert "its time is up; back into the queue" in text.read_text()
    first, second = losses(run)
    assert 2 <= len(first) < 40
    assert 40 - len(first) <= len(second) < 40
    assert (run / "epoch_40.pth").exists()


def test_a_lost_node_does_not_lose_the_run(submit, cluster, config, tmp_path):
    run = tmp_path / "run"
    words = ["--cfg-options", "train_cfg.max_epochs=40", "train_cfg.val_interval=40"]
    job = submit("train_detection.sbatch", str(config), str(run), *words)
    cluster.wait_until((run / "epoch_2.pth").exists)

    cluster.kill_node("n2")
    cluster.wait_until(lambda: cluster.field(job, "JobState") != "RUNNING")
    cluster.start_node("n2")

    assert cluster.wait(job) == "COMPLETED", (tmp_path / f"job-{job}.log").read_text()
    assert len(losses(run)) >= 2  # what is left of the first may cost the second its start
    assert (run / "epoch_40.pth").exists()


def test_a_users_mistake_is_said_once_and_not_tried_again(submit, cluster, config, tmp_path):
    words = ["--cfg-options", "data_root=/nowhere"]
    job = submit("train_detection.sbatch", str(config), str(tmp_path / "run"), *words)
    assert cluster.wait(job) == "FAILED"
    assert (tmp_path / f"job-{job}.log").read_text().count("no such file; check the path") == 2
    assert cluster.field(job, "Restarts") == "0"
