import copy

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel

from inspire_med.losses import LOSSES, SegmentationLoss
from inspire_med.networks import UNet
from inspire_med.training.ranks import highest_over_ranks, share_buffers, sum_over_ranks
from inspire_med.training.sync_batchnorm import synchronise

CPU = torch.device("cpu")


def test_ranks_agree_on_the_highest(on_ranks):
    answers = on_ranks(3, lambda rank, world: highest_over_ranks([rank, -rank, 0.1 * rank], CPU))
    assert answers == [[2.0, 0.0, 0.2]] * 3


def test_alone_the_highest_is_ones_own():
    assert highest_over_ranks([1.5, 0], CPU) == [1.5, 0]


def test_buffers_are_those_of_rank_0(on_ranks):
    def work(rank, world):
        norm = torch.nn.BatchNorm2d(2)
        norm.running_mean.fill_(rank + 1.0)
        share_buffers(norm)
        return norm.running_mean.tolist()

    assert on_ranks(2, work) == [[1.0, 1.0]] * 2


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shards", [[2, 2], [3, 1], [1, 1, 1, 1]], ids=str)
def test_the_loss_is_that_of_the_whole_batch(on_ranks, shards, name):
    logits = torch.randn(4, 2, 6, 5, dtype=torch.float64)
    target = (torch.rand(4, 2, 6, 5) > 0.7).double()
    target[:, 1] = 0  # an empty region
    whole = logits.clone().requires_grad_()
    expected = SegmentationLoss(name)([whole, whole[:, :, ::2, ::2]], target)
    expected.backward()

    def work(rank, world):
        own = logits.split(shards)[rank].clone().requires_grad_()
        loss = SegmentationLoss(name, total=sum_over_ranks)(
            [own, own[:, :, ::2, ::2]], target.split(shards)[rank]
        )
        loss.backward()
        return loss.item(), own.grad / world  # DDP averages over ranks

    ranks = on_ranks(len(shards), work)

    assert [loss for loss, _ in ranks] == pytest.approx([expected.item()] * len(shards), abs=1e-12)
    torch.testing.assert_close(torch.cat([g for _, g in ranks]), whole.grad, rtol=0, atol=1e-12)


def learn(network, image, target, criterion, steps):
    """Losses of some steps on one batch."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        loss = criterion(network(image), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.slow
@pytest.mark.parametrize("shards", [[2, 2], [3, 1], [1, 1, 1, 1]], ids=str)
@pytest.mark.parametrize("dims", [2, 3])
def test_fifty_steps_have_the_losses_of_one_process(on_ranks, dims, shards):
    network = UNet(dims, 2, 2, widths=(4, 8, 8), skip="inspire").double()
    image = torch.randn(4, 2, *(13, 11, 9)[:dims], dtype=torch.float64)
    target = (image.abs() > 1).double()
    expected = learn(copy.deepcopy(network), image, target, SegmentationLoss(), 50)

    def work(rank, world):
        own = copy.deepcopy(network)
        synchronise(own, CPU)
        model = DistributedDataParallel(own)
        criterion = SegmentationLoss(total=sum_over_ranks)
        return learn(model, image.split(shards)[rank], target.split(shards)[rank], criterion, 50)

    for losses in on_ranks(len(shards), work):
        assert losses == pytest.approx(expected, rel=1e-5)
    assert expected[-1] < 0.9 * expected[0]
