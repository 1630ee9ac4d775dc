import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from mmdet.models import RetinaNet
from mmdet.visualization import DetLocalVisualizer
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from inspire_med.__main__ import main
from inspire_med.detection import ranks
from inspire_med.detection.ranks import find_place, say_notes
from inspire_med.detection.test import _use_views
from inspire_med.errors import InputError

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"
coco = runpy.run_path(str(Path(__file__).parent / "coco.py"))


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    forget()


def forget() -> None:
    """Forget what mmengine keeps of earlier runs: it expects one run a process."""
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            handler.close()
    for kind in (MMLogger, MessageHub, DetLocalVisualizer):
        kind._instance_dict.clear()


def write_all(folder: Path) -> Path:
    """The config of a made set and a tiny detector, both in a folder."""
    coco["write_set"](folder / "data")
    return coco["write_config"](folder, folder / "data")


def weights(file: Path) -> dict[str, torch.Tensor]:
    return torch.load(file, weights_only=False)["state_dict"]  # our own file


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with the config, and in `run` three epochs of training without interruption."""
    folder = tmp_path_factory.mktemp("trained")
    config = write_all(folder)
    words = ["--work-dir", str(folder / "run"), "--cfg-options", "train_cfg.max_epochs=3"]
    assert main(["detection.train", str(config), *words]) == 0
    forget()
    return folder


@pytest.mark.slow
def test_training_writes_checkpoints_a_log_and_its_config(trained):
    names = {path.name for path in (trained / "run").iterdir()}
    assert {"epoch_1.pth", "epoch_3.pth", "last_checkpoint", "tiny.py"} <= names
    (log,) = (trained / "run").glob("*/vis_data/scalars.json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len([line for line in lines if "loss" in line]) == 3 * 2  # 8 images, 4 a batch
    assert len([line for line in lines if "coco/bbox_mAP" in line]) == 3


@pytest.mark.slow
def test_resumed_it_learns_what_an_uninterrupted_run_learns(trained, tmp_path, capfd):
    words = [str(trained / "tiny.py"), "--work-dir", str(tmp_path / "run")]
    assert main(["detection.train", *words]) == 0
    assert main(["detection.train", *words]) == 2
    assert "holds the checkpoints of a run; choose another" in capfd.readouterr().err

    forget()
    longer = ["--cfg-options", "train_cfg.max_epochs=3", "--resume"]
    assert main(["detection.train", *words, *longer]) == 0

    assert "resumed epoch: 2, iter: 4" in capfd.readouterr().out
    whole = weights(trained / "run" / "epoch_3.pth")
    for name, value in weights(tmp_path / "run" / "epoch_3.pth").items():
        torch.testing.assert_close(value, whole[name], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_scores_are_those_of_pycocotools_on_the_predictions(trained, tmp_path, capfd):
    words = [str(trained / "tiny.py"), str(trained / "run" / "epoch_3.pth")]
    words += ["--work-dir", str(tmp_path / "run"), "--out", str(tmp_path / "found.json")]
    assert main(["detection.test", *words]) == 0
    scores = json.loads(capfd.readouterr().out.splitlines()[-1])

    truth = COCO(str(trained / "data" / "annotations" / "instances_train2017.json"))
    judge = COCOeval(truth, truth.loadRes(str(tmp_path / "found.bbox.json")), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert scores["coco/bbox_mAP"] == pytest.approx(judge.stats[0], abs=1e-9)
    assert scores["coco/bbox_mAP_50"] == pytest.approx(judge.stats[1], abs=1e-9)
    assert not (tmp_path / "run" / "tiny.py").exists()  # the training's own record stays

    assert main(["detection.test", *words]) == 2
    assert "found.bbox.json: exists already; choose another --out" in capfd.readouterr().err


def found(folder: Path, capfd, *words: str) -> tuple[dict, dict[int, list[float]]]:
    """Scores of the trained detector, and the scores of its detections by image, best first."""
    trained, run = folder / "tiny.py", folder / "run"
    out = Path(words[-1]) / "found"
    more = [*words[:-1], "--work-dir", str(words[-1]), "--out", str(out)]
    assert main(["detection.test", str(trained), str(run / "epoch_3.pth"), *more]) == 0
    forget()
    return json.loads(capfd.readouterr().out.splitlines()[-1]), best_first(out)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_the_run_and_its_checkpoint_stays_the_last_good(
    tmp_path, monkeypatch, capfd
):
    config, steps, loss = write_all(tmp_path), [], RetinaNet.loss

    def spoiled(self, *inputs):
        steps.append(None)  # two an epoch: the fourth is the last one before a checkpoint
        losses = loss(self, *inputs)
        scale = float("nan") if len(steps) == 4 else 1.0
        return {name: [value * scale for value in values] for name, values in losses.items()}

    monkeypatch.setattr(RetinaNet, "loss", spoiled)
    run = tmp_path / "run"
    words = ["--work-dir", str(run), "--cfg-options", "default_hooks.checkpoint.max_keep_ckpts=1"]

    assert main(["detection.train", str(config), *words]) == 2

    error = capfd.readouterr().err.splitlines()[-1]
    assert "loss_cls, loss_bbox is not finite after iteration 4 (images 00" in error
    assert f"training stopped there and {run}/epoch_1.pth is the last checkpoint; lower" in error
    assert sorted(path.name for path in run.glob("*.pth")) == ["epoch_1.pth"]
    assert (run / "last_checkpoint").read_text() == f"{run}/epoch_1.pth"
    assert all(value.isfinite().all() for value in weights(run / "epoch_1.pth").values())


def best_first(out: Path) -> dict[int, list[float]]:
    by_image: dict[int, list[float]] = {}
    for one in json.loads(out.with_suffix(".bbox.json").read_text()):
        by_image.setdefault(one["image_id"], []).append(one["score"])
    return {image: sorted(scores, reverse=True) for image, scores in by_image.items()}


@contextmanager
def noting(note) -> Iterator[None]:
    hook = torch.nn.modules.module.register_module_forward_hook(note)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.slow
def test_mixed_precision_is_really_mixed_and_finds_nearly_the_same(trained, tmp_path, capfd):
    seen = set()

    def note(module, inputs, output):
        if isinstance(module, torch.nn.Conv2d):
            seen.add(output.dtype)

    with noting(note):
        _, mixed = found(trained, capfd, "--amp", str(tmp_path / "mixed"))
    assert seen == {torch.float16 if torch.cuda.is_available() else torch.bfloat16}
    _, whole = found(trained, capfd, str(tmp_path / "whole"))
    assert mixed.keys() == whole.keys() == set(range(1, 9))
    for image, scores in whole.items():  # one box or the other falls to NMS
        assert sum(mixed[image][:10]) == pytest.approx(sum(scores[:10]), rel=0.1)
    assert mixed != whole


@pytest.mark.slow
def test_views_are_the_image_and_its_mirror_image(trained, tmp_path, capfd):
    seen = []

    def note(module, inputs, output):
        if type(module).__name__ == "ResNet":
            seen.append(inputs[0])

    with noting(note):
        scores, _ = found(trained, capfd, "--tta", str(tmp_path))
    assert len(seen) == 8 * 2
    for image, mirrored in zip(seen[::2], seen[1::2], strict=True):
        width = 64  # of the set's images; more is padding
        assert torch.equal(image[..., :width].flip(-1), mirrored[..., :width])
    assert "coco/bbox_mAP" in scores


def number_from_0_and_turn(data: Path) -> None:
    """Change a set in ways that leave boxes and stored pixels what they are."""
    file = data / "annotations" / "instances_train2017.json"
    content = json.loads(file.read_text())
    for each in content["annotations"]:
        each["id"] -= 1
    file.write_text(json.dumps(content))
    for number, path in enumerate(sorted((data / "train2017").iterdir())):
        exif = Image.Exif()
        exif[274] = (3, 6)[number % 2]
        with Image.open(path) as image:
            image.save(path, exif=exif)


@pytest.mark.slow
def test_it_learns_the_made_set_whatever_ids_and_tags_say(tmp_path, capfd):
    config = write_all(tmp_path)
    words = ["train_cfg.max_epochs=40", "train_cfg.val_interval=40"]
    words += ["default_hooks.checkpoint.interval=40"]
    more = ["--work-dir", str(tmp_path / "run"), "--cfg-options", *words]
    assert main(["detection.train", str(config), *more]) == 0
    forget()
    checkpoint = tmp_path / "run" / "epoch_40.pth"
    assert main(["detection.test", str(config), str(checkpoint), *more[:2]]) == 0
    scores = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert scores["coco/bbox_mAP_50"] > 0.8

    forget()
    number_from_0_and_turn(tmp_path / "data")
    assert main(["detection.test", str(config), str(checkpoint), *more[:2]]) == 0
    out = capfd.readouterr().out
    assert json.loads(out.splitlines()[-1]) == scores
    (note,) = (line for line in out.splitlines() if line.startswith("note: "))
    assert "EXIF data turn 8 of 8 pictures (001.png is the first)" in note


@pytest.mark.slow
def test_two_ranks_train_and_score_together_over_gloo(trained, tmp_path, capfd):
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

    def run(command: str, *words: str) -> str:
        words = ("--work-dir", str(tmp_path / "run"), "--launcher", "pytorch", *words)
        done = subprocess.run(
            [sys.executable, "-m", *torchrun, command, str(trained / "tiny.py"), *words],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    options = ["train_cfg.max_epochs=1", "model.backbone.norm_cfg.type=SyncBN"]
    out = run("inspire_med.detection.train", "--cfg-options", *options)
    assert "Epoch(train) [1][1/1]" in out  # 8 images, 4 a rank
    assert (tmp_path / "run" / "epoch_1.pth").is_file()
    out = str(tmp_path / "both")
    checkpoint = str(trained / "run" / "epoch_3.pth")
    scores = run("inspire_med.detection.test", checkpoint, "--out", out)
    assert scores.count("\n{") == 1
    alone, detections = found(trained, capfd, str(tmp_path / "alone"))
    assert json.loads(scores.splitlines()[-1]) == pytest.approx(alone, abs=1e-3)
    together = best_first(tmp_path / "both")  # so little training may well score 0
    assert together.keys() == detections.keys() == set(range(1, 9))
    for image, one in detections.items():
        assert together[image] == pytest.approx(one, abs=1e-4)


@pytest.mark.slow
def test_a_fault_of_every_rank_is_said_once_and_that_of_one_is_said(trained, monkeypatch, capfd):
    for name, value in (("RANK", 1), ("LOCAL_RANK", 1), ("WORLD_SIZE", 2)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    words = [str(trained / "tiny.py"), "none.pth", "--launcher", "pytorch"]
    assert main(["detection.test", *words]) == 2
    assert capfd.readouterr().err == ""

    words[1] = str(trained / "run" / "epoch_3.pth")
    assert main(["detection.test", *words]) == 2
    error = capfd.readouterr().err
    assert "--launcher pytorch: more processes on this machine than its 1 GPUs; start" in error


def test_notes_are_said_once(monkeypatch, capsys):
    say_notes("none", ["one", "two"])
    assert capsys.readouterr().out == "note: one\nnote: two\n"
    for name, value in (("RANK", 1), ("LOCAL_RANK", 0), ("WORLD_SIZE", 2)):
        monkeypatch.setenv(name, str(value))
    say_notes("pytorch", ["one", "two"])
    assert capsys.readouterr().out == ""


def test_a_fault_met_at_work_is_said_by_the_rank_that_meets_it(monkeypatch):
    def work(config, place):
        raise InputError("7.png: no panoptic picture")

    monkeypatch.setattr(ranks, "join_ranks", lambda config, launcher, place: None)
    monkeypatch.setattr(ranks, "find_place", lambda launcher: ranks.Place(1, 1, 2))
    with pytest.raises(InputError, match="no panoptic picture"):
        ranks.run_as_rank("pytorch", Config, work)


def test_segments_have_no_views():
    config = Config.fromfile(CONFIGS / "panoptic-fpn_r50_fpn.py")
    with pytest.raises(InputError, match="--tta: PanopticFPN gives segments .*; leave it out"):
        _use_views(config)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--amp"], "--amp: mixed precision trains on GPUs alone, and none is here"),
        (
            ["--auto-scale-lr", "--cfg-options", "auto_scale_lr=None"],
            "has no auto_scale_lr.base_ba",
        ),
        (
            ["--launcher", "pytorch"],
            "--launcher pytorch: RANK is not set; start the command by torch",
        ),
        (["--launcher", "slurm"], "SLURM_PROCID is not set; start the command by srun"),
        (["--launcher", "lsf"], "option --launcher: lsf is not"),
        (["--resume", "none.pth"], "none.pth: no such checkpoint; check --resume"),
        (["--resume", "WEIGHTS"], "weights.pth: holds weights, but no run to resume; start a new"),
        (
            ["--work-dir", "RUN", "--resume", "--cfg-options", "optim_wrapper.optimizer.lr=0.5"],
            "optim_wrapper.optimizer.lr was 0.002 in",
        ),
        (["--resmue"], "option --resmue: unknown; did you mean --resume?"),
        (["--cfg-options", "optim_wrapper=None"], "tiny.py: has no optim_wrapper; add it"),
        (["--cfg-options", "model.neck.out_chanels=8"], "did you mean model.neck.out_channels?"),
        (["--cfg-options", "data_root=/nowhere"], "no such file; check the path"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(
    trained, tmp_path, monkeypatch, capfd, words, message
):
    if torch.cuda.is_available() and "--amp" in words:
        pytest.skip("a GPU is here")
    monkeypatch.chdir(tmp_path)
    before = sorted((trained / "run").rglob("*"))
    words = [str(trained / "run") if word == "RUN" else word for word in words]
    if "WEIGHTS" in words:
        words = ["--resume", str(trained / "weights.pth")]
        torch.save({"state_dict": weights(trained / "run" / "epoch_3.pth")}, words[1])

    assert main(["detection.train", str(trained / "tiny.py"), *words]) == 2

    error = capfd.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert sorted((trained / "run").rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.pth"], "none.pth: no such weights; check the path"),
        (
            ["CHECKPOINT", "--out", "a.pkl"],
            "--out: a.pkl would be a pickle; predictions are written",
        ),
        (["CHECKPOINT", "--cfg-options", "model.neck.out_channels=48"], "of another architecture"),
        (["CHECKPOINT", "--cfg-options", "test_evaluator=None"], "tiny.py: has no test_evaluator"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence_and_leaves_nothing(
    trained, tmp_path, monkeypatch, capfd, words, message
):
    monkeypatch.chdir(tmp_path)
    checkpoint = str(trained / "run" / "epoch_3.pth")
    words = [checkpoint if word == "CHECKPOINT" else word for word in words]

    assert main(["detection.test", str(trained / "tiny.py"), *words]) == 2

    error = capfd.readouterr().err
    assert message in error
    assert error.splitlines()[-1].startswith("inspire-med detection.test: ")
    assert list(tmp_path.iterdir()) == []


def test_the_work_dir_is_the_options_the_configs_or_named_after_it(trained, tmp_path, monkeypatch):
    from inspire_med.detection import folder

    monkeypatch.chdir(tmp_path)
    asked = []

    def refuse(work_dir, resume):
        asked.append((str(work_dir), resume))
        raise InputError("enough")

    monkeypatch.setattr(folder, "begin", refuse)
    config = str(trained / "tiny.py")
    for words in (
        [],
        ["--cfg-options", "work_dir=mine", "resume=True"],
        ["--work-dir", "here", "--resume", "a.pth", "--cfg-options", "work_dir=mine"],
    ):
        assert main(["detection.train", config, *words]) == 2
    assert asked == [("runs/tiny", None), ("mine", "auto"), ("here", "a.pth")]


def test_places_of_the_launchers(monkeypatch):
    for name, value in (("PROCID", 3), ("LOCALID", 1), ("NTASKS", 4)):
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    place = find_place("slurm")
    assert (place.rank, place.local_rank, place.world) == (3, 1, 4)
    assert find_place("none").world == 1
