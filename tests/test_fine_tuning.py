"""Runs that begin with a trained model's weights: `train --init`, `--freeze`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from plans import plan_of
from safetensors.torch import load_file

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.plan import write_plan
from inspire_med.compare import main as compare
from inspire_med.comparing.variants_file import read_variants
from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.inference.model import read_card
from inspire_med.predict import main as predict
from inspire_med.prepare import main as prepare
from inspire_med.train import main
from inspire_med.training import loop

SMALL = ["--precision", "32-true", "--validations", "1", "--data.workers", "0", "--max_steps", "2"]
STRIDES = "[[2,2,1],[2,2,2]]"
GLIOMA = [
    *[
        "--data.patch_size",
        "[16,16,8]",
        "--network.widths",
        "[4,8,8]",
        "--network.strides",
        STRIDES,
    ],
    *["--optimizer.ema", "0.5"],
]
POLYP = ["--data.image_size", "[32,32]", "--data.batch_size", "2", "--network.widths", "[4,8]"]
POLYP += ["--network.deep_supervision", "2"]
TASK = """
name: core
spatial_dims: 3
channels: [t2, contrast, flair]
regions: {core: [1, 2, 4], ET: [4]}
images: "{case}/{case}_{channel}.nii.gz"
label: "{case}/{case}_seg.nii.gz"
intensity: mri
spacing_mm: [1.0, 1.0, 2.0]
training: {data: {patch_size: [16, 16, 8]}}
"""
PLAN = plan_of(
    strides=((2, 2, 2),),
    kernel_sizes=((3, 3, 1), (3, 3, 3)),
    widths=(6, 12),
    stem_stride=2,
    norm="instance",
    augment="strong",
)


def train(manifest: Path, run: Path, *words: str) -> int:
    return main(["--manifest", str(manifest), "--run", str(run), *SMALL, *words])


def weights(run: Path, name: str = "last") -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints" / name / "weights.safetensors")


@pytest.fixture(scope="module")
def polyp_run(disc_images, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "polyp"
    assert train(disc_images, run, *POLYP) == 0
    return run


@pytest.fixture(scope="module")
def glioma_run(ball_volumes, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "glioma"
    assert train(ball_volumes, run, *GLIOMA) == 0
    return run


@pytest.fixture
def cores(ball_volumes, tmp_path) -> Path:
    """Manifest of a task of one's own on the same balls: three channels, one of another name."""
    folder = tmp_path / "cores"
    shutil.copytree(ball_volumes.parent, folder, ignore=shutil.ignore_patterns("*.json", "store"))
    for file in folder.rglob("*_t1ce.nii.gz"):
        file.rename(file.with_name(file.name.replace("t1ce", "contrast")))
    (tmp_path / "core.yaml").write_text(TASK)
    manifest = tmp_path / "cores.json"
    words = ["--task", str(tmp_path / "core.yaml"), "--source", str(folder), "--folds", "2"]
    assert prepare([*words, "--out", str(manifest)]) == 0
    return manifest


@pytest.mark.slow
@pytest.mark.parametrize("planned", [False, True])
def test_from_one_task_to_another(tmp_path, glioma_run, ball_volumes, cores, capsys, planned):
    run = tmp_path / "run"
    if planned:
        write_plan(tmp_path / "plan.yaml", PLAN, "of another network")
    plan = str(tmp_path / "plan.yaml") if planned else "none"
    capsys.readouterr()

    assert train(cores, run, "--init", str(glioma_run), "--plan", plan) == 0

    said = capsys.readouterr().err
    assert "init: network as the model's\n" in said
    assert (
        "init: channels: t2, flair by name; contrast from the mean of flair, t1, t1ce, t2" in said
    )
    assert "init: regions: ET by name; core untrained (the model has WT, TC, ET)" in said
    best = glioma_run / "checkpoints" / "best"
    sha = json.loads((best / "model.json").read_text())["sha256"]
    record = json.loads((run / "run.json").read_text())
    trained_on = Manifest.load(ball_volumes).hash
    history = {"trained_on": trained_on, "fold": 0, "before": None}
    assert record["init"] == {"model": str(best), "sha256": sha, **history}
    options = yaml.safe_load((run / "config.yaml").read_text())
    assert options["init"] == str(glioma_run)
    card = read_card(run / "checkpoints" / "last")
    assert card.network["widths"] == [4, 8, 8]
    assert card.network["strides"] == [[2, 2, 1], [2, 2, 2]]
    assert card.network["norm"] == "batch"
    assert options["data"]["augment"] == ("strong" if planned else "usual")
    assert options["network"]["deep_supervision"] == 3
    assert (card.network["in_channels"], card.network["out_channels"]) == (3, 2)
    words = ["--run", str(run), "--input", str(cores), "--fold", "0"]
    assert predict([*words, "--output", str(tmp_path / "masks")]) == 0
    assert len(list((tmp_path / "masks").glob("*.nii.gz"))) == 2


@pytest.mark.slow
def test_the_first_step_finds_the_models_weights_and_extra_outputs(
    tmp_path, glioma_run, ball_volumes, monkeypatch
):
    found = {}

    def looks(experiment, *_):
        found.update({k: v.clone() for k, v in experiment.trained.supervised.state_dict().items()})
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "train_step", looks)
    words = ["--data.patch_size", "[16,16,8]", "--init", str(glioma_run)]

    assert train(ball_volumes, tmp_path / "run", *words) == 130

    stored = weights(glioma_run, "best")
    assert all(torch.equal(found[f"network.{name}"], value) for name, value in stored.items())
    state = load_file(glioma_run / "checkpoints" / "best" / "training.safetensors")
    heads = {name: value for name, value in state.items() if name.startswith("supervised.heads")}
    assert len(heads) == 4
    assert all(torch.equal(found[n.removeprefix("supervised.")], v) for n, v in heads.items())


@pytest.mark.slow
def test_a_run_that_has_begun_needs_its_model_no_more(tmp_path, polyp_run, disc_images, capsys):
    model, run = tmp_path / "model", tmp_path / "run"
    shutil.copytree(polyp_run / "checkpoints" / "best", model)
    words = ["--data.image_size", "[32,32]", "--data.batch_size", "2", "--init", str(model)]
    assert train(disc_images, run, *words) == 0
    before = json.loads((run / "run.json").read_text())["init"]
    learned = weights(run)
    shutil.rmtree(model)
    capsys.readouterr()

    assert main(["--run", str(run), "--max_steps", "3"]) == 0

    assert "init:" not in capsys.readouterr().err
    assert json.loads((run / "run.json").read_text())["init"] == before
    changed = weights(run)
    name = "head.weight"
    assert not torch.equal(learned[name], changed[name])
    assert float((learned[name] - changed[name]).abs().max()) < 0.01  # a step from where it was


@pytest.mark.slow
@pytest.mark.parametrize("skip", ["concat", "inspire"])
def test_a_frozen_encoder_stays_to_the_bit(tmp_path, disc_images, capsys, skip):
    old, run = tmp_path / "old", tmp_path / "run"
    assert train(disc_images, old, *POLYP, "--network.skip", skip) == 0
    words = ["--data.image_size", "[32,32]", "--data.batch_size", "2", "--freeze", "encoder"]
    words += ["--optimizer.weight_decay", "0.1", "--save_every_steps", "1"]

    assert train(disc_images, run, *words, "--init", str(old)) == 0

    before, after = weights(old, "best"), weights(run)
    frozen = {name for name in before if name.startswith(("encoder.", "passes.0.stages."))}
    assert any("running_var" in name for name in frozen)
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    others = [n for n in before.keys() - frozen if n.endswith(("weight", "running_mean"))]
    assert not any(torch.equal(before[name], after[name]) for name in others)
    assert "encoder frozen: " in capsys.readouterr().err
    assert yaml.safe_load((run / "config.yaml").read_text())["freeze"] == "encoder"
    state = load_file(run / "checkpoints" / "last" / "training.safetensors")
    learning = [n for n in before.keys() - frozen if "running" not in n and "tracked" not in n]
    held = [name for name in state if name.endswith("exp_avg")]
    extra = [name for name in state if name.startswith("supervised.")]
    assert len(held) == len(learning) + len(extra)


@pytest.mark.slow
def test_a_frozen_encoder_on_two_processes(tmp_path, polyp_run, disc_images):
    words = ["--data.image_size", "[32,32]", "--data.batch_size", "2", "--freeze", "encoder"]
    words += ["--init", str(polyp_run), "--devices", "2", *SMALL]
    words += ["--manifest", str(disc_images), "--run", str(tmp_path / "run")]

    # A program of its own, for each further process runs it once more.
    subprocess.run([sys.executable, "-m", "inspire_med.train", *words], check=True)

    before, after = weights(polyp_run, "best"), weights(tmp_path / "run")
    frozen = [name for name in before if name.startswith(("encoder.", "passes.0.stages."))]
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert not torch.equal(before["head.weight"], after["head.weight"])


@pytest.mark.slow
def test_the_encoder_learns_at_its_own_rate(tmp_path, polyp_run, disc_images):
    words = ["--data.image_size", "[32,32]", "--data.batch_size", "2", "--init", str(polyp_run)]

    assert train(disc_images, tmp_path / "run", *words, "--optimizer.encoder_lr", "1e-6") == 0

    before, after = weights(polyp_run, "best"), weights(tmp_path / "run")
    moved = {
        name: float((after[name] - before[name]).abs().max())
        for name in before
        if name.endswith("weight")
    }
    encoder = max(value for name, value in moved.items() if name.startswith("encoder."))
    assert encoder < 1e-7 < moved["head.weight"]


@pytest.mark.slow
def test_another_network_begins_with_what_fits(tmp_path, polyp_run, disc_images, capsys):
    words = ["--data.image_size", "[32,32]", "--data.batch_size", "2", "--init", str(polyp_run)]
    capsys.readouterr()

    assert train(disc_images, tmp_path / "run", *words, "--network.skip", "concat") == 0

    said = capsys.readouterr().err
    assert "init: network other than the model's in skip\n" in said
    assert "of the model left out: " in said
    assert read_card(tmp_path / "run" / "checkpoints" / "last").network["widths"] == [4, 8]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--init", "nowhere"], "--init: {here}/nowhere is no folder; give a run or a model's"),
        (["--init", "empty"], "empty: no trained model in it"),
        (["--freeze", "encoder"], "--freeze: the encoder would keep random weights; give --init"),
        (
            ["--init", "empty", "--network.encoder", "resnet18", "--network.weights", "w.pth"],
            "--init, --network.weights: a run begins with the weights of a model or of a file",
        ),
        (
            ["--init", "empty", "--freeze", "encoder", "--optimizer.encoder_lr", "0.1"],
            "--optimizer.encoder_lr: 0.1 does nothing for an encoder that is frozen",
        ),
        (
            [*["--init", "empty", "--freeze", "encoder"], *["--network.monai", "SegResNet"]],
            "--freeze: encoder does nothing for MONAI's SegResNet",
        ),
    ],
)
def test_a_wrong_beginning_is_one_sentence_and_exit_2(
    tmp_path, disc_images, capsys, monkeypatch, words, sentence
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    deep = ["--network.deep_supervision", "1"]

    assert train(disc_images, tmp_path / "run", *words, *deep) == 2

    error = capsys.readouterr().err
    assert sentence.format(here=tmp_path) in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_model_that_does_not_do_is_one_sentence_and_exit_2(
    tmp_path, polyp_run, glioma_run, ball_volumes, disc_images, capsys
):
    damaged, folds, run = tmp_path / "damaged", tmp_path / "cv", tmp_path / "run"
    shutil.copytree(polyp_run, damaged)
    file = damaged / "checkpoints" / "best" / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    for fold in ("fold0", "fold1"):
        shutil.copytree(polyp_run, folds / fold)
    pictures = ["--data.image_size", "[32,32]"]
    wide = ["--network.widths", "[5,7]"]
    refused = {
        "is a model for pictures, and brats is of volumes": [ball_volumes, polyp_run],
        "is a model for volumes, and polyp is of pictures": [disc_images, glioma_run, *pictures],
        "weights.safetensors: damaged": [disc_images, damaged, *pictures],
        "holds 2 models, one a fold": [disc_images, folds, *pictures],
        "fit this network, whose layers are others": [disc_images, polyp_run, *pictures, *wide],
    }
    for sentence, (manifest, model, *words) in refused.items():
        capsys.readouterr()
        assert train(manifest, run, "--init", str(model), *words) == 2
        error = capsys.readouterr().err.splitlines()
        assert sentence in error[-1], error
        assert not run.exists() or not any(run.glob("checkpoints/*"))
        shutil.rmtree(run, ignore_errors=True)


@pytest.mark.slow
def test_a_model_that_has_seen_what_is_validated_on_is_refused_unless_allowed(
    tmp_path, polyp_run, disc_images, capsys
):
    words = ["--init", str(polyp_run), "--data.image_size", "[32,32]", "--data.batch_size", "2"]
    run = tmp_path / "run"

    assert train(disc_images, run, *words, "--fold", "1") == 2

    error = capsys.readouterr().err.strip()
    assert "has learned from cases of fold 1 of this data set, on which it would be" in error
    assert error.endswith("or pass --allow_leak init, which is then said.")
    assert not run.exists()
    assert train(disc_images, run, *words, "--fold", "1", "--allow_leak", "init") == 0
    assert "init: WARNING: the model has learned from cases that" in capsys.readouterr().err
    assert main(["--run", str(run), "--max_steps", "3", "--allow_leak", "null"]) == 0


@pytest.mark.slow
def test_a_variant_that_begins_with_a_model_has_its_network(tmp_path, polyp_run, disc_images):
    file = tmp_path / "variants.yaml"
    file.write_text(
        f"scratch: {{}}\ntuned: {{init: {polyp_run}, freeze: encoder}}\n"
        f"plain: {{init: {polyp_run}, network.skip: concat}}\n"
    )
    config = TrainConfig(disc_images, tmp_path, network=NetworkConfig(widths=(6, 8, 8)))

    scratch, tuned, plain = (variant.of(config) for variant in read_variants(file))

    assert (scratch.init, scratch.freeze, scratch.network) == (None, None, config.network)
    assert (tuned.init, tuned.freeze) == (polyp_run, "encoder")
    assert (tuned.network.widths, tuned.network.skip) == ((4, 8), "inspire")
    assert (plain.network.widths, plain.network.skip) == ((4, 8), "concat")
    assert tuned.network.deep_supervision == 2


def test_a_variant_of_a_model_that_is_not_there_is_named(tmp_path, disc_images, capsys):
    file = tmp_path / "variants.yaml"
    file.write_text("scratch: {}\ntuned: {init: nowhere}\n")
    words = ["--manifest", str(disc_images), "--run", str(tmp_path / "cmp"), *SMALL]

    assert compare([*words, "--variants", str(file)]) == 2

    assert "variant tuned: --init: nowhere is no folder" in capsys.readouterr().err
