import copy

import pytest
import torch

from inspire_med.networks import UNet
from inspire_med.training.recompute import recompute_activations


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
