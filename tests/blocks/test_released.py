import pytest
import torch
import torch.nn.functional as F

from inspire_med.blocks.pyramid import released_pyramid
from inspire_med.blocks.released import ReleasedISE, SeparateNorm, SharedNorm, released_isa


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("c", [12, 180])
def test_has_the_releases_number_of_parameters(c):
    assert count(ReleasedISE(c, SharedNorm(c))) == 3 * c**2 + 4 * c
    assert count(released_isa(c, norm=SharedNorm)) == 28 * c**2 + 334 * c + 19


@pytest.mark.parametrize(("out_channels", "total"), [(256, 5_253_841), (64, 4_008_913)])
def test_the_neck_has_the_releases_number_of_parameters(out_channels, total):
    neck = released_pyramid((256, 512, 1024, 2048), 180, out_channels=out_channels)

    assert count(neck) == total


@pytest.mark.parametrize("norm", [SharedNorm, SeparateNorm])
def test_trains_with_batch_1_and_odd_sizes(norm):
    neck = released_pyramid((4, 6, 8), 12, out_channels=5, norm=norm)
    features = [torch.randn(1, 4, 25, 21), torch.randn(1, 6, 13, 11), torch.randn(1, 8, 7, 6)]

    maps = neck(features)
    sum(m.sum() for m in maps).backward()

    assert [tuple(m.shape[2:]) for m in maps] == [(25, 21), (13, 11), (7, 6)]
    assert all(p.grad.isfinite().all() for p in neck.parameters())


def test_ise_follows_the_releases_formula():
    block = ReleasedISE(3, SharedNorm(3)).eval()
    norm, out = block.norm.norm, block.norm_out
    for layer in (norm, out):
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 3, 4, 5)

    def linear(layer, y):
        return torch.einsum("oc,bchw->bohw", layer.weight, y)

    a = F.silu(norm(linear(block.attention, x.mean((2, 3), keepdim=True)))).sigmoid()
    y = F.silu(norm(linear(block.lateral, x))) + x * a
    torch.testing.assert_close(block(x), F.silu(out(linear(block.out, y))))


def test_equal_sizes_are_not_up_sampled():
    block = released_isa(4, norm=SeparateNorm)
    x = torch.randn(2, 4, 6, 6)

    block(x, x).sum().backward()

    assert block.align.up.weight.grad is None
