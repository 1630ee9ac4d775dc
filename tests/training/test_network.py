import copy
from functools import partial

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


@pytest.fixture
def waiting():
    """A network whose second pass joins later."""
    network = UNet(2, 1, 1, widths=(2, 4), skip="ssba")
    network.hold_passes()
    return network


def test_every_size_is_tried_before_and_after_the_second_pass_joins(waiting, monkeypatch):
    tried = []

    def notes(image):
        tried.append((image.shape[2], waiting.passes_wait))
        return waiting(image)

    monkeypatch.setattr(torch, "compile", lambda module, **_: notes)
    before = copy.deepcopy(waiting.state_dict())
    sizes = [torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 12, 12)]

    assert compile_if_it_works(waiting, sizes, "32-true", switch="on", say=str) is notes

    assert tried == [(8, True), (12, True), (8, False), (12, False)]
    assert waiting.passes_wait
    assert all(torch.equal(before[name], value) for name, value in waiting.state_dict().items())


def test_a_compiler_that_fails_on_the_second_pass_is_done_without(waiting, monkeypatch):
    def fails_with_two(image):
        if not waiting.passes_wait:
            raise RuntimeError("not with two")
        return waiting(image)

    monkeypatch.setattr(torch, "compile", lambda module, **_: fails_with_two)
    said = []

    found = compile_if_it_works(
        waiting, [torch.zeros(2, 1, 8, 8)], "32-true", switch="on", say=said.append
    )

    assert found is waiting
    assert said == ["not compiled (not with two)"]
    assert waiting.passes_wait


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.slow
@pytest.mark.parametrize("recompute", [False, True])
def test_nothing_is_compiled_when_the_second_pass_joins(waiting, monkeypatch, recompute):
    # The graphs are made as ever, and run as they are: code for them would take a minute.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    if recompute:
        recompute_activations(waiting)
    plain, said = copy.deepcopy(waiting), []
    compiled = compile_if_it_works(
        waiting, [torch.zeros(2, 1, 8, 8)], "32-true", switch="on", say=said.append
    )
    # torch 2.13 does not compile what is recomputed; such a network runs as it is.
    assert said == ["compiled"] or (recompute and compiled is waiting)

    with torch._dynamo.config.patch(error_on_recompile=True):
        for _ in ("one pass", "two passes"):
            image = torch.randn(2, 1, 8, 8)
            torch.testing.assert_close(compiled(image), plain(image), rtol=1e-4, atol=1e-4)
            waiting.begin_passes()
            plain.begin_passes()


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
