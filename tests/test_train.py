import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from inspire_med.evaluate import main as evaluate
from inspire_med.inference.precision import PrecisionChoice
from inspire_med.losses import SegmentationLoss
from inspire_med.predict import main as predict
from inspire_med.tasks.find import TASKS
from inspire_med.tasks.presets import PRESETS
from inspire_med.train import main
from inspire_med.training import experiment, loop

TINY = ["--network.widths", "[4,8]", "--network.deep_supervision", "2", "--precision", "32-true"]
IMAGES = ["--task", "polyp", "--data.image_size", "[32,32]", "--data.batch_size", "2", *TINY]
RECIPE = [
    *["--data.scales", "[1,2]", "--data.augment", "strong"],
    *["--loss", "structure", "--optimizer.ema", "0.9"],
]
MONAI = ["--network.monai", "SegResNet", "--network.deep_supervision", "1"]
VOLUMES = ["--task", "brats", "--data.patch_size", "[16,16,8]", *TINY]


def train(manifest: Path, run: Path, *words: str) -> int:
    common = ["--manifest", str(manifest), "--run", str(run), "--data.workers", "0"]
    return main([*common, "--validations", "1", *words])


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["kind"] == "step"]
    assert [line["step"] for line in steps] == list(range(1, len(steps) + 1))
    return [line["loss"] for line in steps]


@pytest.mark.slow
@pytest.mark.parametrize("skip", ["concat", "inspire"])
def test_the_run_folder_holds_what_the_contract_says(tmp_path, disc_images, skip):
    run = tmp_path / "run"

    assert train(disc_images, run, *IMAGES, "--max_steps", "2", "--network.skip", skip) == 0

    for name in ("last", "best"):
        files = {file.name for file in (run / "checkpoints" / name).iterdir()}
        assert files == {
            "weights.safetensors",
            "model.json",
            "training.safetensors",
            "training.json",
        }
    resolved = yaml.safe_load((run / "config.yaml").read_text())
    assert resolved["network"]["skip"] == skip
    assert Path(resolved["manifest"]) == disc_images
    record = json.loads((run / "run.json").read_text())
    assert record["manifest_hash"] == json.loads(disc_images.read_text())["hash"]
    card = json.loads((run / "checkpoints" / "best" / "model.json").read_text())
    assert card["manifest_hash"] == record["manifest_hash"]
    assert record["sessions"][0]["versions"]["torch"]
    assert len(losses(run)) == 2
    assert any((run / "tensorboard").iterdir())
    assert any((run / "samples").glob("*.png"))


@pytest.mark.slow
def test_volumes_train_too(tmp_path, ball_volumes):
    assert train(ball_volumes, tmp_path / "run", *VOLUMES, "--max_steps", "2") == 0

    validation = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert validation["kind"] == "validation"
    assert set(validation["dice"]) == {"WT", "TC", "ET"}
    assert validation["n"] == 2


@pytest.mark.slow
def test_validation_scores_what_predict_writes(tmp_path, ball_volumes):
    words = ["--task", "brats", *TINY, "--data.patch_size", "[32,32,32]", "--max_steps", "1"]
    assert train(ball_volumes, tmp_path / "run", *words) == 0
    source = ["--input", str(ball_volumes), "--fold", "0"]
    masks, scores = str(tmp_path / "masks"), str(tmp_path / "scores")
    options = ["--run", str(tmp_path / "run"), *source, "--output", masks]

    assert predict([*options, "--precision", "32-true"]) == 0
    reference = ["--reference", str(ball_volumes), "--fold", "0"]
    assert evaluate(["--prediction", masks, *reference, "--output", scores]) == 0

    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    summary = json.loads((tmp_path / "scores" / "scores.json").read_text())["summary"]
    for region, value in log[-1]["dice"].items():
        assert value == pytest.approx(summary[region]["dice"]["mean"], abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        [],
        RECIPE,
        ["--network.second_pass_from", "0.4", "--optimizer.ema", "0.5"],
        ["--network.second_pass_from", "0.6"],
    ],
    ids=["usual", "recipe", "after the second pass began", "before"],
)
def test_a_run_that_was_killed_goes_on_to_the_bit(tmp_path, disc_images, monkeypatch, words):
    options = [*IMAGES, *words, "--max_steps", "6", "--save_every", "0"]
    assert train(disc_images, tmp_path / "whole", *options) == 0
    honest = loop.train_step
    calls = []

    def killed_at_the_fourth(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return honest(*arguments)

    monkeypatch.setattr(loop, "train_step", killed_at_the_fourth)
    assert train(disc_images, tmp_path / "parts", *options) == 130
    monkeypatch.setattr(loop, "train_step", honest)
    assert train(disc_images, tmp_path / "parts", *options) == 0

    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    record = json.loads((tmp_path / "parts" / "run.json").read_text())
    assert len(record["sessions"]) == 2


@pytest.mark.slow
def test_a_finished_run_stays_finished(tmp_path, disc_images):
    options = [*IMAGES, "--max_steps", "2"]
    assert train(disc_images, tmp_path, *options) == 0
    before = losses(tmp_path)

    assert train(disc_images, tmp_path, *options) == 0

    assert losses(tmp_path) == before


@pytest.mark.slow
def test_the_number_of_workers_does_not_matter(tmp_path, disc_images):
    options = [*IMAGES, "--max_steps", "3"]
    for workers in ("0", "1", "2"):
        run = tmp_path / workers
        assert train(disc_images, run, *options, "--data.workers", workers) == 0

    assert losses(tmp_path / "0") == losses(tmp_path / "1") == losses(tmp_path / "2")


@pytest.mark.slow
@pytest.mark.parametrize("skip", ["concat", "inspire"])
def test_discs_are_learned(tmp_path, disc_images, skip):
    options = [*IMAGES, "--fold", "all", "--max_steps", "120", "--data.augment", "none"]
    learn = ["--network.skip", skip, "--optimizer.lr", "1e-2"]
    assert train(disc_images, tmp_path, *options, *learn) == 0

    best = json.loads((tmp_path / "checkpoints" / "best" / "training.json").read_text())
    assert best["progress"]["best_score"] > 0.9


@pytest.mark.slow
def test_the_config_file_of_a_run_starts_the_same_run(tmp_path, disc_images):
    assert train(disc_images, tmp_path / "a", *IMAGES, "--max_steps", "2") == 0
    again = ["--config", str(tmp_path / "a" / "config.yaml"), "--run", str(tmp_path / "b")]

    assert main(again) == 0

    assert losses(tmp_path / "b") == losses(tmp_path / "a")


@pytest.mark.parametrize("task", TASKS)
def test_the_config_files_are_what_print_config_prints(task, capsys):
    file = Path(__file__).parent.parent / "configs" / f"{task}.yaml"
    with pytest.raises(SystemExit):
        main(["--task", task, "--print_config"])

    lines = file.read_text().splitlines(keepends=True)

    text = "".join(line for line in lines if not line.startswith("#"))

    assert text == capsys.readouterr().out


@pytest.mark.parametrize("task", TASKS)
def test_the_default_network_is_the_preset(task, capsys):
    with pytest.raises(SystemExit):
        main(["--task", task, "--print_config"])

    network = yaml.safe_load(capsys.readouterr().out)["network"]

    preset = PRESETS[TASKS[task].network]
    assert network["widths"] == preset["widths"]
    assert network["norm"] == preset["norm"]
    assert network["stem_stride"] == preset.get("stem_stride", 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fold", "7"], "fold 7"),
        (["--max_time", "soon"], "--max_time: 'soon' is not a duration; write 90s, 25m, 6h"),
        (["--max_steps", "0"], "--max_steps: 0 is not positive"),
        (
            ["--network.skp", "concat"],
            "option --network.skp: unknown; did you mean --network.skip?",
        ),
        (["--network.skip", "magic"], "magic"),
        (["--optimizer.lr", "fast"], "optimizer.lr"),
        (["--validations", "0"], "--validations: 0 is too small; give at least 1."),
        (["--seed", "-1"], "--seed: -1 is too small"),
        (["--data.batch_size", "0"], "--data.batch_size: 0 is too small"),
        (
            ["--data.patch_size", "[8,8,8]"],
            "--data.patch_size: [8, 8, 8] does not fit polyp; give 2",
        ),
        (["--data.image_size", "[0,8]"], "--data.image_size: [0, 8] is empty"),
        (["--data.accumulate", "3"], "--data.accumulate: 2 samples cannot be divided into 3"),
        (["--optimizer.scale_lr_from_batch", "0"], "scale_lr_from_batch: 0 is too small"),
        (["--data.accumulate", "0"], "--data.accumulate: 0 is too small"),
        (["--network.second_pass_from", "1"], "--network.second_pass_from: 1.0 is no share of"),
        (["--network.stem_stride", "0"], "--network.stem_stride: 0 is too small"),
        (["--optimizer.ema", "1"], "--optimizer.ema: 1.0 makes no sense; give at least 0"),
        (["--optimizer.lr", "-1"], "--optimizer.lr: -1.0 makes no sense; give a positive number"),
        (["--optimizer.clip_norm", "0"], "--optimizer.clip_norm: 0.0 makes no sense"),
        (["--optimizer.weight_decay", "-1"], "--optimizer.weight_decay: -1.0 makes no sense"),
        (["--optimizer.warmup", "2"], "--optimizer.warmup: 2.0 makes no sense; give a share"),
        (["--save_every", ".inf"], "--save_every: inf is no time; give minutes"),
        (["--devices", "0"], "--devices: 0 is no number of processes"),
        (["--data.foreground", "1.5"], "--data.foreground: 1.5 is no share; give 0 to 1."),
        (["--data.drop_channels", "1"], "--data.drop_channels: 1.0 leaves no channel; give 0 or"),
        (["--data.drop_channels", "0.2"], "--data.drop_channels: polyp has no channel that a case"),
        (["--store_limit", "20"], "--store_limit: '20' is no size; give a number and a unit"),
        (["--data.scales", "[]"], "--data.scales: [] makes no sense; give factors from 0.5 to 2."),
        (["--data.scales", "[1,3]"], "--data.scales: [1.0, 3.0] makes no sense; give factors"),
        (["--data.scales", "[1,.nan]"], "--data.scales: [1.0, nan] makes no sense; give factors"),
        (["--loss", "dice"], "--loss"),
        (["--network.weights", "w.safetensors"], "no encoder is named"),
        (["--network.encoder", "resnet18", "--network.weights", "imagenet"], "not with resnet18"),
        (["--optimizer.encoder_lr", "0"], "--optimizer.encoder_lr: 0.0 makes no sense"),
        (
            [*MONAI, "--optimizer.encoder_lr", "0.3"],
            "--optimizer.encoder_lr: 0.3 does nothing for MONAI's SegResNet; give 1.0.",
        ),
        ([*MONAI, "--network.freeze_norm"], "--network.freeze_norm: true does nothing for MONAI's"),
        (
            [*MONAI, "--network.strides", "[[1,2]]"],
            "--network.strides: [[1, 2]] does nothing for MONAI's SegResNet; give null.",
        ),
        (
            ["--network.encoder", "resnet18", "--network.kernel_sizes", "[[1,3],[3,3]]"],
            "--network.kernel_sizes: [[1, 3], [3, 3]] does nothing for the encoder resnet18; give",
        ),
        (["--network.strides", "[1,2]"], "--network.strides: [1, 2] is not a list"),
        (["--network.strides", "[[1,0]]"], "strides=[[1, 0]] must be lists of positive integers"),
        (["--network.strides", "[[1,2,2]]"], "2 levels have 1 steps between them; give each of"),
        (["--network.kernel_sizes", "[[1,3]]"], "there are 2 levels; give each of them 2 odd"),
        (
            ["--data.augment", "much"],
            "--data.augment: much is not one of ['none', 'usual', 'strong']",
        ),
        (["--network.deep_supervision", "9"], "--network.deep_supervision: 9 is more than"),
        (
            ["--network.monai", "SegResNet"],
            "--network.deep_supervision: 2 does nothing for MONAI's SegResNet; give 1.",
        ),
        (
            [*MONAI, "--network.encoder", "resnet18"],
            "--network.encoder: resnet18 does nothing for MONAI's SegResNet; give null.",
        ),
        ([*MONAI, "--network.weights", "w.pth"], "w.pth does nothing for MONAI's SegResNet"),
        ([*MONAI, "--network.recompute"], "--network.recompute: true does nothing for MONAI's"),
        (
            [*MONAI, "--network.decoder_widths", "[8,8]"],
            "--network.decoder_widths: [8, 8] does nothing for MONAI's SegResNet; give null.",
        ),
        ([*MONAI, "--network.supervise_passes"], "--network.supervise_passes: true does nothing"),
        (
            [*MONAI, "--network.second_pass_from", "0.5"],
            "--network.second_pass_from: 0.5 does nothing for MONAI's SegResNet; give 0.0.",
        ),
        (
            ["--network.skip", "concat", "--network.second_pass_from", "0.5"],
            "--network.second_pass_from: 0.5 does nothing for the one pass of 'concat'; give 0.0.",
        ),
        (
            ["--network.skip", "ise+isa", "--network.supervise_passes"],
            "--network.supervise_passes: true does nothing for the one pass of 'ise+isa'; give",
        ),
        (
            ["--network.steps", "1", "--network.supervise_passes"],
            "--network.supervise_passes: true does nothing for the one pass of 'inspire'; give",
        ),
        (
            ["--network.encoder", "resnet18", "--network.freeze_norm"],
            "--network.freeze_norm: without weights there are no statistics to keep; give",
        ),
        (["--network.freeze_norm"], "--network.freeze_norm: without weights"),
        (
            ["--network.monai_arguments.init_filters", "8"],
            "--network.monai_arguments: no network of MONAI's is named; give --network.monai.",
        ),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_2(tmp_path, disc_images, capsys, words, sentence):
    assert train(disc_images, tmp_path / "run", *IMAGES, *words) == 2

    error = capsys.readouterr().err.strip()
    assert sentence in error.splitlines()[-1]
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_network_of_monais_trains_goes_on_and_predicts(tmp_path, ball_volumes):
    words = [*VOLUMES, *MONAI, "--network.monai_arguments.init_filters", "8", "--save_every", "0"]
    assert train(ball_volumes, tmp_path / "run", *words, "--max_steps", "1") == 0
    assert train(ball_volumes, tmp_path / "run", *words, "--max_steps", "2") == 0

    assert len(losses(tmp_path / "run")) == 2
    source = ["--run", str(tmp_path / "run"), "--input", str(ball_volumes), "--fold", "0"]
    assert predict([*source, "--output", str(tmp_path / "masks"), "--precision", "32-true"]) == 0
    card = json.loads((tmp_path / "run" / "checkpoints" / "last" / "model.json").read_text())
    assert card["network"]["monai"] == "SegResNet"
    assert card["network"]["monai_arguments"] == {"init_filters": 8}


@pytest.mark.slow
def test_strides_and_kernels_along_each_axis_train_go_on_and_predict(
    tmp_path, ball_volumes, capsys
):
    own = {"strides": [[1, 4, 2]], "kernel_sizes": [[1, 3, 3], [3, 1, 3]]}
    words = [*VOLUMES, "--data.patch_size", "[15,14,7]", "--data.scales", "[1,1.5]"]
    words += [word for name, each in own.items() for word in (f"--network.{name}", str(each))]
    run = tmp_path / "run"
    assert train(ball_volumes, run, *words, "--save_every", "0", "--max_steps", "2") == 0
    assert main(["--run", str(run), "--max_steps", "3"]) == 0

    assert len(losses(run)) == 3
    source = ["--run", str(run), "--input", str(ball_volumes), "--fold", "0"]
    assert predict([*source, "--output", str(tmp_path / "masks"), "--precision", "32-true"]) == 0
    card = json.loads((run / "checkpoints" / "last" / "model.json").read_text())
    assert {name: card["network"][name] for name in own} == own
    other = ["--network.strides", "[[2,2,2]]", "--max_steps", "4"]
    assert train(ball_volumes, run, *words, *other) == 2
    assert "network.strides = [[1, 4, 2]], but [[2, 2, 2]] is asked" in capsys.readouterr().err


@pytest.mark.slow
def test_every_step_notes_the_peak_memory(tmp_path, disc_images):
    assert train(disc_images, tmp_path, *IMAGES, "--max_steps", "2") == 0

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    memory = [line["memory_gib"] for line in lines if line["kind"] == "step"]
    assert 0 < memory[0] <= memory[1]


def test_volumes_need_a_patch_size(tmp_path, ball_volumes, capsys):
    words = ["--task", "brats", *TINY, "--data.patch_size", "null"]
    assert train(ball_volumes, tmp_path / "run", *words) == 2
    assert "--data.patch_size: volumes need one" in capsys.readouterr().err


def test_a_config_file_that_is_no_yaml_is_one_sentence(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text("task: [polyp")

    assert main(["--config", str(tmp_path / "c.yaml")]) == 2

    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_left_alone(tmp_path, disc_images, capsys):
    (tmp_path / "config.yaml").write_text("mine")

    assert train(disc_images, tmp_path, *IMAGES) == 2

    assert "holds something that is no run; choose another --run" in capsys.readouterr().err
    assert (tmp_path / "config.yaml").read_text() == "mine"


@pytest.mark.slow
def test_a_run_that_was_killed_before_its_record_starts_afresh(tmp_path, disc_images):
    for name in ("lock", ".tmp-node-17-run.json"):
        (tmp_path / name).touch()

    assert train(disc_images, tmp_path, *IMAGES, "--max_steps", "1") == 0

    assert not (tmp_path / ".tmp-node-17-run.json").exists()


@pytest.mark.slow
def test_a_refused_resume_leaves_the_run_as_it_was(tmp_path, disc_images, capsys):
    assert train(disc_images, tmp_path, *IMAGES, "--max_steps", "1") == 0
    before = {name: (tmp_path / name).read_text() for name in ("config.yaml", "run.json")}
    words = [*IMAGES, "--max_steps", "1", "--optimizer.lr", "0.5"]

    assert train(disc_images, tmp_path, *words) == 2

    assert {name: (tmp_path / name).read_text() for name in before} == before
    assert (
        "config.yaml: was trained with optimizer.lr = 0.001, but 0.5 is asked for; `inspire-med "
        f"train --run {tmp_path}` alone goes on"
    ) in capsys.readouterr().err
    shutil.rmtree(tmp_path / "checkpoints")  # so early that there is none yet, no more can be asked
    assert train(disc_images, tmp_path, *words) == 2


@pytest.mark.slow
def test_a_fold_with_nothing_to_learn_is_refused_and_leaves_no_run(tmp_path, disc_images, capsys):
    content = json.loads(disc_images.read_text())
    for case in content["cases"]:  # as a manifest made by hand may hold them
        empty = tmp_path / f"{case['id']}.png"
        Image.new("L", (40, 48)).save(empty)
        case["images"] = {k: str(disc_images.parent / v) for k, v in case["images"].items()}
        case["label"] = str(empty)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(content))

    assert train(manifest, tmp_path / "run", *IMAGES, "--max_steps", "1") == 2

    assert "there is nothing to learn, for none of the 3 training cases of fold 0" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_folder_alone_goes_on_with_what_was_asked_for_last(tmp_path, disc_images, capsys):
    words = ["--max_steps", "2", "--optimizer.lr", "1e-2"]
    assert train(disc_images, tmp_path, *IMAGES, *words) == 0
    begun = (tmp_path / "config.yaml").read_text()

    assert main(["--run", str(tmp_path), "--max_steps", "4", "--max_time", "1h"]) == 0
    assert "config.yaml: max_steps = 4" in capsys.readouterr().err
    assert main(["--run", str(tmp_path), "--data.workers", "1"]) == 0

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "validation"] == [2, 4]
    assert len(losses(tmp_path)) == 4
    assert (tmp_path / "config.yaml").read_text() == begun
    sessions = json.loads((tmp_path / "run.json").read_text())["sessions"]
    assert [session["changed"] for session in sessions] == [
        {},
        {"max_steps": 4, "max_time": "1h"},
        {"max_steps": 4, "max_time": "1h", "data.workers": 1},
    ]


@pytest.mark.slow
def test_every_validation_that_is_asked_for_is_made_once(tmp_path, disc_images):
    # 1 / 22 of a budget, times 22, is less than 1 in floating point at some steps.
    assert train(disc_images, tmp_path, *IMAGES, "--max_steps", "22", "--validations", "22") == 0

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if line["kind"] == "validation"]
    assert steps == list(range(1, 23))


@pytest.mark.slow
def test_auto_precision_is_measured_once_a_run(tmp_path, disc_images, monkeypatch):
    options = [word for word in IMAGES if word not in ("--precision", "32-true")]
    assert train(disc_images, tmp_path, *options, "--max_steps", "1") == 0
    other = {"32-true": "bf16-mixed", "bf16-mixed": "32-true"}
    card = json.loads((tmp_path / "checkpoints" / "last" / "model.json").read_text())
    choice = PrecisionChoice(other[card["precision"]], "as if timed otherwise")
    monkeypatch.setattr(experiment, "choose_precision", lambda dims, device: choice)

    assert train(disc_images, tmp_path, *options, "--max_steps", "2") == 0


def test_weights_are_loaded(tmp_path, disc_images, capsys):
    words = ["--network.encoder", "resnet18", "--network.weights", str(tmp_path / "none")]

    assert train(disc_images, tmp_path / "run", *IMAGES, *words) == 2

    assert "none" in capsys.readouterr().err


def test_a_manifest_of_another_task_is_named(tmp_path, ball_volumes, capsys):
    assert train(ball_volumes, tmp_path / "run", *IMAGES) == 2
    assert "is for task brats, not polyp; pass --task brats" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--task", "isles"), ("--data.batch_size", "0")])
def test_a_missing_manifest_is_named(tmp_path, capsys, words):
    paths = ["--manifest", str(tmp_path / "none.json"), "--run", str(tmp_path / "run")]

    assert main([*paths, *words]) == 2

    assert "none.json: no such file" in capsys.readouterr().err


def test_never_resume_wants_a_fresh_folder(tmp_path, disc_images, capsys):
    (tmp_path / "notes.txt").touch()

    assert train(disc_images, tmp_path, *IMAGES, "--resume", "never") == 2

    assert "exists already" in capsys.readouterr().err


@pytest.mark.slow
def test_a_loss_that_is_not_finite_names_the_cases(tmp_path, disc_images, monkeypatch, capsys):
    honest, calls = SegmentationLoss.forward, []

    def sometimes_broken(self, logits, target):
        calls.append(1)
        loss = honest(self, logits, target)
        return loss * float("nan") if len(calls) == 2 else loss

    monkeypatch.setattr(SegmentationLoss, "forward", sometimes_broken)

    assert train(disc_images, tmp_path, *IMAGES, "--max_steps", "3") == 0

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    skipped = lines[1]["skipped"]
    assert lines[1]["loss"] is None
    assert [sample["k"] for sample in skipped] == [2, 3]  # of a batch of two
    assert all(sample["id"].startswith("disc") for sample in skipped)
    assert all(sample["start"] == [0, 0] for sample in skipped)
    assert lines[2]["loss"] is not None
    assert "skipped, not finite on disc" in capsys.readouterr().err


@pytest.mark.slow
def test_a_skipped_step_changes_nothing(tmp_path, disc_images, monkeypatch):
    weights = {}
    for steps in ("1", "2"):
        run = tmp_path / steps
        if steps == "2":
            honest, calls = SegmentationLoss.forward, []

            def broken_at_the_second(self, logits, target, honest=honest, calls=calls):
                calls.append(1)
                loss = honest(self, logits, target)
                return loss * float("nan") if len(calls) == 2 else loss

            monkeypatch.setattr(SegmentationLoss, "forward", broken_at_the_second)
        words = ["--max_steps", steps, "--optimizer.warmup", "0", "--optimizer.schedule", "poly"]
        assert train(disc_images, run, *IMAGES, *words) == 0
        weights[steps] = load_file(run / "checkpoints" / "last" / "weights.safetensors")

    for name, value in weights["1"].items():
        torch.testing.assert_close(weights["2"][name], value, rtol=0, atol=0)


def test_too_many_losses_that_are_not_finite_end_the_run(
    tmp_path, disc_images, monkeypatch, capsys
):
    monkeypatch.setattr(SegmentationLoss, "forward", lambda self, z, y: z[0].sum() * float("nan"))
    words = ["--max_steps", "9", "--max_nonfinite", "2"]

    assert train(disc_images, tmp_path, *IMAGES, *words) == 2

    assert "--optimizer.lr: the loss or its gradient was not finite 3 times in a row" in (
        capsys.readouterr().err
    )
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3
    assert not (tmp_path / "checkpoints").exists()  # nothing good is written over


@pytest.mark.slow
def test_a_store_trains_where_the_files_are_not(tmp_path, disc_images, capsys):
    home, store = tmp_path / "home", tmp_path / "store"
    shutil.copytree(disc_images.parent, home, ignore=shutil.ignore_patterns("store"))
    words = [*IMAGES, "--max_steps", "2"]
    ahead = ["--store", str(store), "--only_prepare", "true"]
    assert train(home / "manifest.json", tmp_path / "run", *words, *ahead) == 0
    assert not (tmp_path / "run").exists()
    assert f"prepared; with no more than this folder, train by --manifest {store}" in (
        capsys.readouterr().err
    )
    assert train(home / "manifest.json", tmp_path / "here", *words) == 0
    shutil.rmtree(home)
    elsewhere = Path(shutil.move(store, tmp_path / "elsewhere"))
    before = {path.name for path in elsewhere.iterdir()}

    assert train(elsewhere / "manifest.json", tmp_path / "there", *words) == 0

    assert "6 cases of 6 taken from the store alone: no files here" in capsys.readouterr().err
    assert losses(tmp_path / "there") == losses(tmp_path / "here")
    assert {path.name for path in elsewhere.iterdir()} == before
    hashes = [json.loads((tmp_path / run / "run.json").read_text()) for run in ("here", "there")]
    assert hashes[0]["manifest_hash"] == hashes[1]["manifest_hash"]


def test_a_store_with_another_sets_manifest_is_left_alone(tmp_path, disc_images, capsys):
    store = tmp_path / "store"
    store.mkdir()
    other = json.loads(disc_images.read_text())
    other["cases"] = other["cases"][:2]
    del other["hash"]
    (store / "manifest.json").write_text(json.dumps(other))
    words = [*IMAGES, "--max_steps", "2", "--store", str(store), "--only_prepare", "true"]

    assert train(disc_images, tmp_path / "run", *words) == 2

    assert "manifest.json: is of another data set; choose another --store." in (
        capsys.readouterr().err
    )
    assert json.loads((store / "manifest.json").read_text()) == other
