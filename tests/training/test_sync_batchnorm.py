import copy

import pytest
import torch
from torch import nn

from inspire_med.networks import UNet
from inspire_med.training.sync_batchnorm import SyncBatchNorm, synchronise

NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
SHARDS = {"even-2": [2, 2], "uneven-2": [3, 1], "even-4": [1, 1, 1, 1], "uneven-4": [3, 2, 1, 1]}
CPU = torch.device("cpu")


def example(dims: int, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    size = (batch, 3, 5, 4, 3)[: dims + 2]
    offset = torch.arange(batch, dtype=torch.float64).view(-1, *[1] * (dims + 1))
    return torch.randn(size, dtype=torch.float64) + 3 * offset, torch.randn(
        size, dtype=torch.float64
    )


def passed(norm: nn.Module, image: torch.Tensor, direction: torch.Tensor) -> dict:
    """Two training passes, the second with gradients, and what they leave behind."""
    norm(image**2)
    image = image.clone().requires_grad_()
    output = norm(image)
    (output * direction).sum().backward()
    return {
        "output": output.detach(),
        "image": image.grad,
        "weight": norm.weight.grad,
        "bias": norm.bias.grad,
        **{name: value.clone() for name, value in norm.named_buffers()},
    }


@pytest.mark.slow
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("shards", SHARDS.values(), ids=SHARDS)
def test_equals_batch_norm_of_the_whole_batch(on_ranks, dims, shards):
    image, direction = example(dims, sum(shards))
    whole = NORM[dims](3).double()
    nn.init.normal_(whole.weight)
    nn.init.normal_(whole.bias)
    expected = passed(copy.deepcopy(whole), image, direction)

    def work(rank, world):
        holder = nn.Sequential(copy.deepcopy(whole))
        synchronise(holder, CPU)
        return passed(holder[0], image.split(shards)[rank], direction.split(shards)[rank])

    ranks = on_ranks(len(shards), work)

    for name in ("output", "image"):
        together = torch.cat([rank[name] for rank in ranks])
        torch.testing.assert_close(together, expected[name], rtol=0, atol=1e-6)
    for name in ("weight", "bias"):
        torch.testing.assert_close(
            sum(rank[name] for rank in ranks), expected[name], rtol=0, atol=1e-6
        )
    for rank in ranks:
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            torch.testing.assert_close(rank[name], expected[name], rtol=0, atol=1e-6)


def test_reduced_precision_and_channels_last(on_ranks):
    image = torch.randn(4, 3, 6, 5).to(memory_format=torch.channels_last)
    norm = nn.BatchNorm2d(3)
    expected = norm(image)

    def work(rank, world):
        holder = nn.Sequential(nn.BatchNorm2d(3))
        synchronise(holder, CPU)
        shard = image.chunk(2)[rank].bfloat16().requires_grad_()
        output = holder(shard)
        output.sum().backward()
        return output.detach().float(), shard.grad, output.dtype

    ranks = on_ranks(2, work)

    together = torch.cat([output for output, _, _ in ranks])
    torch.testing.assert_close(together, expected.detach(), rtol=0, atol=0.03)
    assert all(gradient.isfinite().all() for _, gradient, _ in ranks)
    assert {dtype for _, _, dtype in ranks} == {torch.bfloat16}


def test_a_rank_with_a_single_value_counts(on_ranks):
    image = torch.randn(2, 3, 1, 1, dtype=torch.float64)
    expected = nn.BatchNorm2d(3).double()(image)

    def work(rank, world):
        holder = nn.Sequential(nn.BatchNorm2d(3).double())
        synchronise(holder, CPU)
        return holder(image[rank : rank + 1]).detach()

    torch.testing.assert_close(torch.cat(on_ranks(2, work)), expected.detach(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_alone_it_is_batch_norm(training):
    image, direction = example(2, 3)
    norm = nn.BatchNorm2d(3).double().train(training)
    holder = nn.Sequential(copy.deepcopy(norm))
    synchronise(holder, CPU)

    expected, found = passed(norm, image, direction), passed(holder[0], image, direction)

    assert isinstance(holder[0], SyncBatchNorm)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_alone_a_single_value_passes():
    holder = nn.Sequential(nn.BatchNorm2d(3))
    synchronise(holder, CPU)
    image = torch.randn(1, 3, 1, 1)

    assert torch.equal(holder(image), image)


def test_names_parameters_and_sharing_stay():
    network = UNet(2, 3, 1, widths=(4, 8), skip="inspire", steps=2)
    names = list(network.state_dict())
    before = list(network.parameters())

    synchronise(network, CPU)

    assert list(network.state_dict()) == names
    after = list(network.parameters())
    assert len(after) == len(before)
    assert all(a is b for a, b in zip(after, before, strict=True))
    assert not any(type(module) is nn.BatchNorm2d for module in network.modules())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gets_torchs_own():
    holder = nn.Sequential(nn.BatchNorm2d(3)).cuda()
    synchronise(holder, torch.device("cuda"))
    assert isinstance(holder[0], nn.SyncBatchNorm)
