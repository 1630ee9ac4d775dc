from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.plugins.precision import MixedPrecision

from inspire_med.config import DataConfig
from inspire_med.training.step import out_of_memory, train_step


@pytest.fixture
def overflowing():
    """A network in fp16 whose loss is finite and whose gradient never is."""
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    fp16 = MixedPrecision("16-mixed", "cpu", scaler)
    fabric = Fabric(accelerator="cpu", plugins=[fp16, LightningEnvironment()])
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1))
    model, optimizer = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=0.1))
    experiment = SimpleNamespace(
        fabric=fabric,
        config=SimpleNamespace(
            optimizer=SimpleNamespace(clip_norm=1.0), data=SimpleNamespace(accumulate=1)
        ),
        trained=SimpleNamespace(network=network, average=None, scaling=fabric.strategy.precision),
        criterion=lambda logits, target: (0 * logits).abs().sqrt().sum(),
        on_device=lambda tensor: tensor,
        scaled=lambda tensor: tensor,
        describe_step=lambda: [{"id": "case", "k": 0, "start": [0, 0]}],
    )
    batch = {"image": torch.randn(2, 1, 4, 4), "target": torch.zeros(2, 1, 4, 4)}
    loader = SimpleNamespace(next=lambda: batch)
    return network, scaler, lambda: train_step(experiment, model, optimizer, loader)


def test_in_fp16_an_overflow_is_a_skipped_step_once_the_scale_cannot_be_the_reason(overflowing):
    network, scaler, step = overflowing
    weights = [parameter.clone() for parameter in network.parameters()]

    records = [step() for _ in range(5)]

    assert ["skipped" in record for record in records] == [False, False, True, True, True]
    assert scaler.get_scale() < 1
    assert all(torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True))


def test_in_fp16_a_skipped_step_leaves_the_running_statistics(overflowing):
    network, _, step = overflowing
    step(), step()
    before = network[1].running_mean.clone()

    assert "skipped" in step()

    assert torch.equal(network[1].running_mean, before)


@pytest.mark.parametrize(
    ("scales", "remedy"),
    [
        ((0.75, 1.0), "lower it or --data.patch_size, or give --data.accumulate 2 or --network.re"),
        ((1.0, 1.25), "lower it, --data.patch_size or the largest of --data.scales, or give"),
    ],
)
def test_memory_that_ran_out_is_said_with_what_to_lower(monkeypatch, scales, remedy):
    whole = SimpleNamespace(total_memory=8 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: whole)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7 * 2**30)
    experiment = SimpleNamespace(
        config=SimpleNamespace(data=DataConfig(batch_size=4, scales=scales)),
        fabric=SimpleNamespace(device="cuda", world_size=1),
        image_shapes=[(4, 3, 32, 32), (4, 3, 64, 64)],
    )

    sentence = str(out_of_memory(experiment))

    assert sentence.startswith(
        "--data.batch_size: 4 x 3 x 64 x 64 found no room on the GPU (7.0 of"
    )
    assert remedy in sentence
