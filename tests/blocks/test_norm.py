import torch

from inspire_med.blocks.norm import InstanceNorm


def test_equals_torchs_instance_norm(dims, fine):
    ours = InstanceNorm(3)
    theirs = (torch.nn.InstanceNorm2d if dims == 2 else torch.nn.InstanceNorm3d)(3, affine=True)
    for layer in (ours, theirs):
        torch.nn.init.constant_(layer.weight, 1.5)
        torch.nn.init.constant_(layer.bias, -0.5)
    x = torch.randn(4, 3, *fine)

    torch.testing.assert_close(ours(x), theirs(x))


def test_an_item_does_not_see_its_neighbours(dims, fine):
    layer = InstanceNorm(2)
    x = torch.randn(3, 2, *fine)

    torch.testing.assert_close(layer(x), torch.cat([layer(item[None]) for item in x]))


def test_training_and_evaluation_are_the_same(dims, fine):
    layer = InstanceNorm(2)
    x = torch.randn(2, 2, *fine)

    assert torch.equal(layer.train()(x), layer.eval()(x))


def test_one_voxel_becomes_the_shift(dims):
    layer = InstanceNorm(2)
    torch.nn.init.constant_(layer.bias, 0.25)

    assert torch.allclose(layer(torch.randn(1, 2, *[1] * dims)), torch.tensor(0.25))


def test_gradients_are_those_of_finite_differences(dims):
    layer = InstanceNorm(2).double()
    x = torch.randn(2, 2, *[3] * dims, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(layer, (x,))
