import pytest
import torch
from torch import nn

from inspire_med.blocks.encoder import Encoder
from inspire_med.config import NetworkConfig
from inspire_med.networks import UNet, build_network, monai_encoder
from inspire_med.tasks.task import Preparation
from inspire_med.training.first_weights import (
    as_weights_want,
    freeze_encoder_norms,
    load_first_weights,
)

LITE0 = NetworkConfig(encoder="efficientnet-lite0", weights="imagenet")
RGB = ("red", "green", "blue")


def lite0(skip: str, in_channels: int = 3) -> UNet:
    network = build_network(
        {
            "spatial_dims": 2,
            "in_channels": in_channels,
            "out_channels": 1,
            "encoder": "efficientnet-lite0",
            "skip": skip,
        }
    )
    assert isinstance(network, UNet)
    return network


@pytest.mark.slow
@pytest.mark.parametrize("skip", ["inspire", "ssba@3", "ssba-light"])
def test_every_pass_starts_with_the_published_statistics(skip):
    network = lite0(skip)

    load_first_weights(network, LITE0, str)

    stages = network.encoder.stages[-1].state_dict()
    again = network.passes[0].get_submodule("stages")[-1].state_dict()
    assert float(stages["0._bn0.running_mean"].abs().max()) > 0.01
    assert all(torch.equal(value, again[name]) for name, value in stages.items())


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_it_says_what_the_encoder_starts_from(channels):
    said = []

    load_first_weights(lite0("concat", channels), LITE0, said.append)

    more = "; its first layer takes 1 channels in place of 3, each by their mean"
    assert said == [
        f"encoder efficientnet-lite0 starts from imagenet{more if channels == 1 else ''}"
    ]


@pytest.mark.parametrize(
    ("name", "remedy"), [("efficientnet-lite0", "imagenet"), ("resnet18", "FILE")]
)
def test_an_encoder_without_weights_is_named_aloud(name, remedy):
    said = []
    network = UNet(2, 3, 1, widths=(4, 8), skip="concat")

    load_first_weights(network, NetworkConfig(encoder=name), said.append)

    assert said == [
        f"WARNING: encoder {name} starts from RANDOM weights; give --network.weights {remedy}"
    ]


def test_the_u_nets_own_encoder_is_not_named():
    said = []

    load_first_weights(UNet(2, 3, 1, widths=(4, 8)), NetworkConfig(), said.append)

    assert said == []


def test_pictures_get_what_the_weights_know():
    found = as_weights_want(Preparation(intensity="rgb"), LITE0, RGB)

    assert found.intensity == "fixed"
    assert found.intensity_statistics["blue"] == {"mean": 127.0, "sd": 128.0}


@pytest.mark.parametrize(
    ("intensity", "config"),
    [
        ("mri", LITE0),
        ("ct", LITE0),
        ("none", LITE0),
        ("rgb", NetworkConfig()),
        ("rgb", NetworkConfig(encoder="efficientnet-lite0")),
        ("rgb", NetworkConfig(encoder="segresnet", weights="w.safetensors")),
    ],
)
def test_what_weights_say_nothing_of_stays_the_tasks(intensity, config):
    preparation = Preparation(intensity=intensity)

    assert as_weights_want(preparation, config, RGB) == preparation


def norms(module: nn.Module) -> int:
    return sum(isinstance(each, nn.BatchNorm2d) for each in module.modules())


def test_the_encoders_norms_are_frozen_in_every_pass_and_no_others():
    stages = monai_encoder("resnet18", 2, 3).stages[:3]
    network = UNet(2, 3, 1, skip="inspire", encoder=Encoder(list(stages), (64, 64, 128)))
    others = norms(network.top_down)
    assert norms(network.passes[0].get_submodule("stages"))

    freeze_encoder_norms(network)

    assert norms(network.encoder) == norms(network.passes[0].get_submodule("stages")) == 0
    assert norms(network.top_down) == others > 0
