"""Encoders that start from weights, from the command line on."""

import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file

from inspire_med.files import sha256
from inspire_med.networks import UNet, monai_encoder
from inspire_med.predict import main as predict
from inspire_med.train import main
from inspire_med.weight_files import read_tensors

LITE0 = ["--network.encoder", "efficientnet-lite0", "--network.weights", "imagenet"]


def train(manifest, run, *words):
    common = ["--manifest", str(manifest), "--run", str(run), "--data.workers", "0"]
    small = ["--data.batch_size", "2", "--validations", "1", "--network.deep_supervision", "1"]
    return main([*common, *small, "--precision", "32-true", *words])


def trained(run):
    return load_file(run / "checkpoints" / "last" / "weights.safetensors")


@pytest.mark.slow
def test_the_card_tells_what_the_weights_want_and_predict_follows(
    tmp_path, disc_images, monkeypatch
):
    words = ["--data.image_size", "[48,40]", *LITE0, "--max_steps", "1"]
    assert train(disc_images, tmp_path / "run", *words) == 0

    model = tmp_path / "run" / "checkpoints" / "last"
    preparation = json.loads((model / "model.json").read_text())["preparation"]
    assert preparation["intensity"] == "fixed"
    assert preparation["intensity_statistics"]["green"] == {"mean": 127.0, "sd": 128.0}
    given = inputs_of_predict(monkeypatch, tmp_path / "run", disc_images, tmp_path / "masks")
    files = sorted(disc_images.parent.glob("images/*.png"))
    assert len(given) == len(files) == 6
    for image, file in zip(given, files, strict=True):
        picture = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None]
        torch.testing.assert_close(image, (picture - 127.0) / 128.0)


def inputs_of_predict(monkeypatch, run, manifest, output):
    """Predict, and answer with what the network was given."""
    given, forward = [], UNet.forward

    def heard(network, image):
        given.append(image)
        return forward(network, image)

    monkeypatch.setattr(UNet, "forward", heard)
    words = ["--run", str(run), "--input", str(manifest), "--output", str(output)]
    assert predict([*words, "--precision", "32-true"]) == 0
    return given


@pytest.mark.slow
@pytest.mark.parametrize("skip", ["concat", "inspire"])
def test_frozen_norms_keep_the_published_statistics(tmp_path, disc_images, skip):
    words = [*LITE0, "--network.freeze_norm", "true", "--network.skip", skip, "--max_steps", "2"]
    assert train(disc_images, tmp_path, "--data.image_size", "[32,32]", *words) == 0

    from inspire_med.published import IMAGENET

    published = read_tensors(IMAGENET["efficientnet-lite0"].verified())
    found = trained(tmp_path)
    mean = "stages.1.0._bn1.running_mean"
    assert torch.equal(found[f"encoder.{mean}"], published["_blocks.1._bn1.running_mean"])
    gamma = found["encoder.stages.1.0._bn1.weight"]
    assert not torch.equal(gamma, published["_blocks.1._bn1.weight"])
    if skip == "inspire":
        second = found["passes.0.stages.0.0._bn1.running_mean"]
        assert torch.equal(second, published["_blocks.1._bn1.running_mean"])


@pytest.mark.slow
def test_an_encoders_rate_of_next_to_nothing_leaves_its_weights(tmp_path, disc_images):
    words = ["--data.image_size", "[32,32]", *LITE0, "--optimizer.encoder_lr", "1e-9"]
    assert train(disc_images, tmp_path, *words, "--max_steps", "2") == 0

    from inspire_med.published import IMAGENET

    published = read_tensors(IMAGENET["efficientnet-lite0"].verified())
    stem = trained(tmp_path)["encoder.stages.0.1.weight"]
    torch.testing.assert_close(stem, published["_conv_stem.weight"], rtol=0, atol=1e-7)


@pytest.mark.slow
def test_a_run_of_an_older_version_goes_on(tmp_path, disc_images):
    network = UNet(2, 3, 1, skip="concat", encoder=monai_encoder("segresnet", 2, 3))
    names = network.encoder.weight_names
    state = {names[n]: value for n, value in network.encoder.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    run = tmp_path / "run"
    words = ["--network.encoder", "segresnet", "--network.weights", str(tmp_path / "w.safetensors")]
    words += ["--data.image_size", "[32,32]", "--network.skip", "concat"]
    assert train(disc_images, run, *words, "--max_steps", "1") == 0
    make_older(run)

    assert main(["--run", str(run), "--max_steps", "2"]) == 0

    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "step"] == [1, 2]


def make_older(run):
    """Write a run as it was before `weights`, its companions, `augment` and the card's hash."""

    def older(options):
        network, optimizer = options["network"], options["optimizer"]
        network["encoder_weights"] = network.pop("weights")
        del network["freeze_norm"], optimizer["encoder_lr"]
        options["data"]["augment"] = True
        return options

    file = run / "config.yaml"
    file.write_text(yaml.safe_dump(older(yaml.safe_load(file.read_text())), sort_keys=False))
    for record in run.glob("checkpoints/*/training.json"):
        card = record.with_name("model.json")
        said = json.loads(card.read_text())
        del said["manifest_hash"]
        card.write_text(json.dumps(said))
        content = json.loads(record.read_text())
        older(content["config"])
        content["sha256"]["model.json"] = sha256(card)
        record.write_text(json.dumps(content))


def test_volumes_are_not_for_an_encoder_of_images(tmp_path, ball_volumes, capsys):
    words = ["--data.patch_size", "[16,16,16]", *LITE0]

    assert train(ball_volumes, tmp_path / "run", *words) == 2

    assert "is for images alone" in capsys.readouterr().err
