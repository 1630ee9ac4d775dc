import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric.plugins.precision import MixedPrecision
from lightning_fabric.plugins.precision import Precision as FullPrecision
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from inspire_med.errors import InputError
from inspire_med.files import sha256
from inspire_med.inference.model import ModelCard, read_model
from inspire_med.networks import DeepSupervision, build_network
from inspire_med.tasks.polyp import POLYP
from inspire_med.tasks.task import Preparation
from inspire_med.training.checkpoint import (
    Progress,
    Trained,
    load_checkpoint,
    precision_of_run,
    save_best,
    save_checkpoint,
)

NETWORK = {
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": 1,
    "widths": [4, 8, 8],
    "skip": "inspire",
    "steps": 2,
}
CARD = ModelCard(
    task=POLYP,
    channels=("red", "green", "blue"),
    regions={"polyp": (1,)},
    network=NETWORK,
    preparation=Preparation(image_size=(32, 32)),
    patch_size=(32, 32),
    precision="32-true",
)


def make_trained(seed: int = 0, *, averaged: bool = False) -> Trained:
    torch.manual_seed(seed)
    network = build_network(NETWORK)
    supervised = DeepSupervision(network, 2)
    optimizer = torch.optim.AdamW(supervised.parameters(), lr=1e-2)
    return Trained(
        CARD,
        network,
        supervised,
        optimizer,
        average=make_average(network) if averaged else None,
        scaling=FullPrecision(),
        manifest_hash="a" * 64,
        config={"fold": 0, "seed": 0, "optimizer": {"lr": 1e-3}},
    )


def make_average(network: torch.nn.Module) -> AveragedModel:
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=True)


def take_step(trained: Trained) -> float:
    image = torch.rand(2, 3, 32, 32)
    loss = sum((logits - 1).square().mean() for logits in trained.supervised(image))
    trained.optimizer.zero_grad()
    loss.backward()
    trained.optimizer.step()
    if trained.average is not None:
        trained.average.update_parameters(trained.network)
    return loss.item()


def test_the_next_step_is_the_same_to_the_bit(tmp_path):
    trained = make_trained()
    take_step(trained)
    save_checkpoint(tmp_path, trained, Progress(step=1, elapsed_s=2.5))
    expected = [take_step(trained) for _ in range(3)]

    restored = make_trained(seed=7)
    progress = load_checkpoint(tmp_path, restored)

    assert progress == Progress(step=1, elapsed_s=2.5)
    assert [take_step(restored) for _ in range(3)] == expected


def test_an_average_of_the_weights_predicts_and_the_weights_go_on_learning(tmp_path):
    trained = make_trained(averaged=True)
    for _ in range(3):
        take_step(trained)
    save_checkpoint(tmp_path, trained, Progress(step=3))
    average = {k: v.clone() for k, v in trained.average.module.state_dict().items()}
    expected = [take_step(trained) for _ in range(2)]

    _, predictor = read_model(tmp_path / "last")
    restored = make_trained(seed=7, averaged=True)
    load_checkpoint(tmp_path, restored)

    for name, value in predictor.state_dict().items():
        torch.testing.assert_close(value, average[name], rtol=0, atol=0)
    assert [take_step(restored) for _ in range(2)] == expected
    for a, b in zip(restored.average.parameters(), trained.average.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_the_loss_scaler_comes_back(tmp_path):
    scaler = torch.amp.GradScaler("cpu", init_scale=512.0)
    trained = replace(make_trained(), scaling=MixedPrecision("16-mixed", "cpu", scaler))
    save_checkpoint(tmp_path, trained, Progress(step=1))

    fresh = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu"))
    load_checkpoint(tmp_path, replace(make_trained(), scaling=fresh))

    assert fresh.state_dict()["scale"] == 512.0


def test_there_is_nothing_to_load_in_a_fresh_run(tmp_path):
    assert load_checkpoint(tmp_path / "checkpoints", make_trained()) is None


def test_the_last_two_are_kept(tmp_path):
    trained = make_trained()
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, trained, Progress(step=step))

    steps = {
        folder.name: json.loads((folder / "training.json").read_text())["progress"]["step"]
        for folder in tmp_path.iterdir()
    }
    assert steps == {"last": 3, "previous": 2}


def test_best_is_replaced_and_nothing_is_left_over(tmp_path):
    trained = make_trained()
    save_best(tmp_path, trained, Progress(step=1))
    save_best(tmp_path, trained, Progress(step=2))

    assert [folder.name for folder in tmp_path.iterdir()] == ["best"]
    record = json.loads((tmp_path / "best" / "training.json").read_text())
    assert record["progress"]["step"] == 2


@pytest.mark.parametrize("name", ["weights.safetensors", "model.json", "training.safetensors"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path, caplog, name):
    trained = make_trained()
    save_checkpoint(tmp_path, trained, Progress(step=1))
    save_checkpoint(tmp_path, trained, Progress(step=2))
    flip_a_byte(tmp_path / "last" / name)

    progress = load_checkpoint(tmp_path, make_trained(seed=7))

    assert progress is not None
    assert progress.step == 1
    assert f"last/{name}: damaged" in caplog.text


def test_a_damaged_checkpoint_does_not_take_the_place_of_a_good_one(tmp_path):
    trained = make_trained()
    for step in (1, 2):
        save_checkpoint(tmp_path, trained, Progress(step=step))
    flip_a_byte(tmp_path / "last" / "weights.safetensors")

    save_checkpoint(tmp_path, trained, Progress(step=3))
    flip_a_byte(tmp_path / "last" / "weights.safetensors")

    progress = load_checkpoint(tmp_path, make_trained())
    assert progress is not None
    assert progress.step == 1


def test_if_all_are_damaged_the_run_is_refused(tmp_path):
    save_checkpoint(tmp_path, make_trained(), Progress(step=1))
    flip_a_byte(tmp_path / "last" / "weights.safetensors")

    with pytest.raises(InputError, match="weights.safetensors: damaged .* use another checkpoint"):
        load_checkpoint(tmp_path, make_trained())


def test_a_missing_file_is_named(tmp_path):
    save_checkpoint(tmp_path, make_trained(), Progress(step=1))
    (tmp_path / "last" / "weights.safetensors").unlink()

    with pytest.raises(InputError, match="weights.safetensors: missing"):
        load_checkpoint(tmp_path, make_trained())


def test_another_data_set_is_refused(tmp_path):
    trained = make_trained()
    save_checkpoint(tmp_path, trained, Progress(step=1))

    with pytest.raises(InputError, match="trained on the data set aaaaaaaaaaaa, but the manifest"):
        load_checkpoint(tmp_path, replace(trained, manifest_hash="b" * 64))


def test_another_network_is_refused_with_the_difference(tmp_path):
    trained = make_trained()
    save_checkpoint(tmp_path, trained, Progress(step=1))
    card = replace(CARD, network={**NETWORK, "skip": "concat"})

    with pytest.raises(InputError, match="network.skip = inspire, but concat is asked for"):
        load_checkpoint(tmp_path, replace(trained, card=card))


def test_a_run_of_an_older_version_goes_on_with_the_same_preparation(tmp_path):
    trained = replace(make_trained(), card=replace(CARD, preparation=POLYP.preparation))
    save_checkpoint(tmp_path, trained, Progress(step=3))
    content = json.loads((tmp_path / "last" / "model.json").read_text())
    content["preprocess"] = {"image_size": content.pop("preparation")["image_size"]}
    (tmp_path / "last" / "model.json").write_text(json.dumps(content))
    record = json.loads((tmp_path / "last" / "training.json").read_text())
    record["sha256"]["model.json"] = sha256(tmp_path / "last" / "model.json")
    (tmp_path / "last" / "training.json").write_text(json.dumps(record))

    progress = load_checkpoint(tmp_path, trained)

    assert progress is not None
    assert progress.step == 3


def test_another_recipe_is_refused_with_the_way_out(tmp_path):
    trained = make_trained()
    save_checkpoint(tmp_path / "run" / "checkpoints", trained, Progress(step=1))
    other = replace(trained, config={**trained.config, "optimizer": {"lr": 1e-2}})

    with pytest.raises(InputError) as caught:
        load_checkpoint(tmp_path / "run" / "checkpoints", other)

    assert str(caught.value) == (
        f"{tmp_path}/run/checkpoints/last: was trained with optimizer.lr = 0.001, but 0.01 is "
        f"asked for; `inspire-med train --run {tmp_path}/run` alone goes on as it was; or choose "
        "another --run."
    )


def test_volumes_as_they_are_stored_cannot_be_gone_on_with_in_one_orientation(tmp_path):
    as_stored = replace(CARD, preparation=Preparation(image_size=(32, 32), orientation=None))
    turned = replace(CARD, preparation=Preparation(image_size=(32, 32), orientation="RAS"))
    save_checkpoint(tmp_path, replace(make_trained(), card=as_stored), Progress(step=1))

    with pytest.raises(InputError, match="as they are stored, and this one turns them all one way"):
        load_checkpoint(tmp_path, replace(make_trained(), card=turned))


def test_the_precision_of_a_run_is_known_before_it_is_built(tmp_path):
    assert precision_of_run(tmp_path) is None
    save_checkpoint(tmp_path, make_trained(), Progress(step=1))
    save_checkpoint(tmp_path, make_trained(), Progress(step=2))
    assert precision_of_run(tmp_path) == "32-true"

    (tmp_path / "last" / "model.json").write_text("{")
    assert precision_of_run(tmp_path) == "32-true"


def test_other_channels_are_refused(tmp_path):
    trained = make_trained()
    save_checkpoint(tmp_path, trained, Progress(step=1))
    card = replace(CARD, channels=("blue", "green", "red"))

    with pytest.raises(InputError, match="channels = "):
        load_checkpoint(tmp_path, replace(trained, card=card))


def test_a_checkpoint_is_a_model(tmp_path):
    trained = make_trained()
    take_step(trained)
    save_best(tmp_path, trained, Progress(step=1))
    image = torch.rand(1, 3, 32, 32)

    card, network = read_model(tmp_path / "best")

    assert card == CARD
    expected = copy.deepcopy(trained.network).eval()
    assert torch.equal(network(image), expected(image))


def late(averaged: bool) -> Trained:
    """A run whose second pass has not begun, after a step."""
    trained = make_trained(averaged=averaged)
    for network in {trained.network, trained.predictor}:
        network.hold_passes()
    take_step(trained)
    return trained


def begin(trained: Trained) -> None:
    for network in trained.waiting:
        network.begin_passes()


@pytest.mark.parametrize("averaged", [False, True])
def test_a_model_predicts_with_the_passes_that_it_was_saved_with(tmp_path, averaged):
    trained, image = late(averaged), torch.rand(1, 3, 32, 32)

    save_best(tmp_path, trained, Progress(step=1))
    once = read_model(tmp_path / "best")
    begin(trained)
    take_step(trained)
    save_best(tmp_path, trained, Progress(step=2))
    twice = read_model(tmp_path / "best")

    assert [network.passes_wait for _, network in (once, twice)] == [True, False]
    assert [card.network.get("passes_wait") for card, _ in (once, twice)] == [True, None]
    assert torch.equal(twice[1](image), copy.deepcopy(trained.predictor).eval()(image))


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("begun", [False, True])
def test_a_late_second_pass_goes_on_to_the_bit(tmp_path, averaged, begun):
    trained = late(averaged)
    if begun:
        begin(trained)
        take_step(trained)
    save_checkpoint(tmp_path, trained, Progress(step=1))
    other = late(averaged)
    load_checkpoint(tmp_path, other)

    assert len(other.waiting) == (0 if begun else 1 + averaged)
    begin(trained)
    begin(other)
    for _ in range(2):
        torch.manual_seed(5)
        expected = take_step(trained)
        torch.manual_seed(5)
        assert take_step(other) == expected


def test_the_weights_of_shared_passes_are_written_once(tmp_path):
    trained = make_trained()
    save_best(tmp_path, trained, Progress(step=1))

    stored = load_file(tmp_path / "best" / "weights.safetensors")

    written = sum(t.numel() for n, t in stored.items() if "running" not in n and "num_" not in n)
    assert written == sum(p.numel() for p in trained.network.parameters())
    assert any(n.startswith("passes.0.") and n.endswith("running_mean") for n in stored)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
