import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inspire_med.blocks.norm import InstanceNorm, freeze_batch_norms


def test_equals_torchs_instance_norm(dims, fine):
    ours = InstanceNorm(3)
    theirs = (torch.nn.InstanceNorm2d if dims == 2 else torch.nn.InstanceNorm3d)(3, affine=True)
    x = torch.randn(4, 3, *fine)

    torch.testing.assert_close(ours(x), theirs(x))  # both start with scale 1 and shift 0
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter)
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(x), theirs(x))


def test_what_is_exported_gives_the_same(dims, fine, monkeypatch):
    layer = InstanceNorm(3)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(4, 3, *fine)
    expected = layer(x)

    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    monkeypatch.setattr(F, "batch_norm", None)  # its number of items would be frozen

    torch.testing.assert_close(layer(x), expected)


def test_an_item_does_not_see_its_neighbours(dims, fine):
    layer = InstanceNorm(2)
    x = torch.randn(3, 2, *fine)

    torch.testing.assert_close(layer(x), torch.cat([layer(item[None]) for item in x]))


def test_training_and_evaluation_are_the_same(dims, fine):
    layer = InstanceNorm(2)
    x = torch.randn(2, 2, *fine)

    assert torch.equal(layer.train()(x), layer.eval()(x))


@pytest.mark.parametrize("channels", [1, 3])
def test_one_voxel_becomes_the_shift(dims, channels):
    layer = InstanceNorm(channels)
    torch.nn.init.normal_(layer.bias)

    y = layer(torch.randn(2, channels, *[1] * dims))

    expected = layer.bias.view(1, channels, *[1] * dims).expand(2, *[-1] * (dims + 1))
    torch.testing.assert_close(y, expected)


def test_gradients_are_those_of_finite_differences(dims):
    layer = InstanceNorm(2).double()
    x = torch.randn(2, 2, *[3] * dims, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(layer, (x,))


def test_frozen_batch_norms_go_by_what_they_had_gathered(dims):
    norm = (nn.BatchNorm2d, nn.BatchNorm3d)[dims - 2](1, eps=0.0)
    norm.running_mean.fill_(3.0)
    norm.running_var.fill_(4.0)
    module = nn.Sequential(nn.Sequential(norm), nn.ReLU())
    names = list(module.state_dict())
    freeze_batch_norms(module)

    output = module.train()(torch.full((1, 1, *[2] * dims), 7.0))

    assert (output == 2.0).all()  # (7 - 3) / sqrt(4), of a batch whose own variance is 0
    assert float(norm.running_mean) == 3.0
    assert list(module.state_dict()) == names
    assert [name for name, _ in module.named_parameters()] == ["0.0.weight", "0.0.bias"]


def test_frozen_batch_norms_still_scale_and_shift():
    module = nn.Sequential(nn.BatchNorm2d(2))
    freeze_batch_norms(module)

    module(torch.randn(2, 2, 3, 3)).square().sum().backward()

    assert all(p.grad is not None for p in module.parameters())
