import pytest
import torch
from safetensors.torch import save_file

from inspire_med.errors import InputError
from inspire_med.networks import UNet, monai_encoder, weights_of_encoder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "efficientnet-b0", "segresnet"])
@pytest.mark.parametrize("size", [(45, 39), (37, 33, 34)], ids=["2d", "3d"])
def test_stands_in_for_the_u_nets_own_encoder(name, size):
    network = UNet(len(size), 4, 2, skip="inspire", encoder=monai_encoder(name, len(size), 4))

    assert network.eval()(torch.randn(1, 4, *size)).shape == (1, 2, *size)


def test_levels_halve_the_image_one_after_another():
    features = monai_encoder("resnet18", 2, 3).eval()(torch.randn(1, 3, 64, 64))

    assert [f.shape[-1] for f in features] == [32, 16, 8, 4, 2]
    assert [f.shape[1] for f in features] == [64, 64, 128, 256, 512]


def test_resnet_takes_weights_by_torchvisions_names():
    names = set(monai_encoder("resnet18", 2, 3).weight_names.values())

    assert {"conv1.weight", "bn1.running_mean", "layer2.0.downsample.0.weight"} <= names


def stored(network: UNet) -> dict[str, torch.Tensor]:
    """Other weights for the network's encoder, under MONAI's names."""
    names = network.encoder.weight_names
    state = network.encoder.state_dict()
    return {names[n]: torch.full_like(v, 0.5) for n, v in state.items() if "batches" not in n}


def load(network: UNet, path) -> None:
    """Load the encoder's weights from a local file."""
    network.encoder.load_state_dict(weights_of_encoder(network.encoder, "any", str(path)).state)
    network.begin_passes_alike()


@pytest.fixture
def network() -> UNet:
    return UNet(2, 3, 1, skip="concat", encoder=monai_encoder("segresnet", 2, 3))


def test_loads_weights_from_a_local_file(network, tmp_path):
    save_file({**stored(network), "fc.weight": torch.ones(2)}, tmp_path / "w.safetensors")

    load(network, tmp_path / "w.safetensors")

    assert all((p == 0.5).all() for p in network.encoder.parameters())


def test_loads_the_encoder_of_a_checkpoint_into_every_pass(tmp_path):
    torch.manual_seed(1)
    source = UNet(2, 3, 1, widths=(4, 8, 8), skip="inspire")
    source(torch.randn(2, 3, 16, 16))  # moves the running statistics
    stored = {n: v for n, v in source.state_dict().items() if not n.startswith("passes.")}
    save_file({n: v.contiguous() for n, v in stored.items()}, tmp_path / "w.safetensors")
    network = UNet(2, 3, 1, widths=(4, 8, 8), skip="inspire")

    load(network, tmp_path / "w.safetensors")

    for name, value in network.encoder.state_dict().items():
        torch.testing.assert_close(value, source.encoder.state_dict()[name])
    second = network.passes[0].stages[0].state_dict()
    for name, value in source.encoder.stages[1].state_dict().items():
        torch.testing.assert_close(second[name], value)


def test_refuses_a_file_without_a_tensor(network, tmp_path):
    tensors = stored(network)
    del tensors["convInit.conv.weight"]
    save_file(tensors, tmp_path / "w.safetensors")

    with pytest.raises(InputError, match=r"has no tensor 'convInit\.conv\.weight'"):
        load(network, tmp_path / "w.safetensors")


def test_refuses_weights_of_another_width(network, tmp_path):
    tensors = {**stored(network), "convInit.conv.weight": torch.ones(8, 3, 3, 3)}
    save_file(tensors, tmp_path / "w.safetensors")

    with pytest.raises(InputError, match=r"shape \(8, 3, 3, 3\) where the encoder has \(16, 3"):
        load(network, tmp_path / "w.safetensors")


def test_refuses_a_missing_and_a_damaged_file(network, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"not weights")

    with pytest.raises(InputError, match="not a readable checkpoint, but damaged"):
        load(network, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="no such file"):
        load(network, tmp_path / "none.safetensors")
