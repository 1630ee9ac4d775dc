import copy

import pytest
import torch

from inspire_med.config import NetworkConfig, TrainConfig
from inspire_med.errors import InputError
from inspire_med.networks import UNet
from inspire_med.training import network as network_module
from inspire_med.training.network import _supervised, compile_if_it_works, recompute_activations


@pytest.fixture
def network():
    return UNet(2, 1, 1, widths=(4, 8), skip="concat")


def test_a_run_that_has_begun_needs_its_first_weights_no_more(tmp_path, network, monkeypatch):
    wanted = NetworkConfig(encoder="resnet18", weights=str(tmp_path / "gone"), deep_supervision=1)
    config = TrainConfig(tmp_path / "manifest.json", tmp_path, network=wanted)
    with pytest.raises(InputError, match="gone"):
        _supervised(config, network, str)
    monkeypatch.setattr(network_module, "card_of_run", lambda folder: "a card")

    assert _supervised(config, network, str).training


@pytest.mark.parametrize("switch", ["auto", "off"])
def test_a_cpu_network_stays_as_it_is(network, switch):
    said = []
    found = compile_if_it_works(
        network, [torch.zeros(2, 1, 16, 16)], "32-true", switch=switch, say=said.append
    )
    assert found is network
    assert not said


def test_a_compiler_that_fails_is_said_and_done_without(network, monkeypatch):
    def fails(image):
        raise RuntimeError("no compiler here\nand much more")

    monkeypatch.setattr(torch, "compile", lambda module, **_: fails)
    said = []

    found = compile_if_it_works(
        network, [torch.zeros(2, 1, 16, 16)], "32-true", switch="on", say=said.append
    )

    assert found is network
    assert said == ["not compiled (no compiler here)"]


def test_the_trial_leaves_no_trace(network, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda module, **_: module)
    before = copy.deepcopy(network.state_dict())

    compile_if_it_works(
        network, [torch.zeros(2, 1, 16, 16)], "32-true", switch="on", say=lambda _: None
    )

    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


# torch's compiler uses what torch itself has given up.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.slow
def test_compiled_it_gives_the_same(network):
    said = []
    images = [torch.randn(2, 1, *size) for size in ((16, 16), (24, 32), (32, 16))]
    compiled = compile_if_it_works(
        network,
        [torch.zeros_like(image) for image in images],
        "32-true",
        switch="on",
        say=said.append,
    )

    for image in images:
        torch.testing.assert_close(compiled(image), network(image), rtol=1e-4, atol=1e-4)
    assert said == ["compiled"]


def test_every_size_is_tried_before_the_run(network, monkeypatch):
    def fails_at_the_second(image):
        if image.shape[2] == 24:
            raise RuntimeError("not at this size")
        return network(image)

    monkeypatch.setattr(torch, "compile", lambda module, **_: fails_at_the_second)
    said = []
    sizes = [torch.zeros(2, 1, 16, 16), torch.zeros(2, 1, 24, 24)]

    found = compile_if_it_works(network, sizes, "32-true", switch="on", say=said.append)

    assert found is network
    assert said == ["not compiled (not at this size)"]


@pytest.mark.slow
@pytest.mark.parametrize("skip", ["concat", "inspire"])
@pytest.mark.parametrize("size", [(13, 11), (9, 7, 5)], ids=["2d", "3d"])
def test_nothing_changes_but_memory(size, skip):
    network = UNet(len(size), 1, 1, widths=(4, 8, 8), skip=skip)
    saving = copy.deepcopy(network)
    recompute_activations(saving)
    image = torch.randn(2, 1, *size)

    results = []
    for one in (network, saving):
        output = one(image)
        output.square().mean().backward()
        results.append((output, [p.grad for p in one.parameters()], one.state_dict()))

    (output, gradients, state), (other, other_gradients, other_state) = results
    assert torch.equal(output, other)
    assert all(torch.equal(a, b) for a, b in zip(gradients, other_gradients, strict=True))
    assert list(state) == list(other_state)
    assert all(torch.equal(state[name], other_state[name]) for name in state)


def kept_bytes(network, image) -> int:
    """Bytes of distinct storages that the graph keeps for the backward pass."""
    storages = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = network(image)
    assert output.requires_grad
    return sum(storages.values())


def test_less_is_kept():
    network = UNet(2, 1, 1, widths=(4, 8, 8), skip="concat")
    image = torch.randn(2, 1, 64, 64)
    before = kept_bytes(network, image)

    recompute_activations(network)

    assert kept_bytes(network, image) < before / 2
