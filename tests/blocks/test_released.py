import pytest
import torch
import torch.nn.functional as F

from inspire_med.blocks.deform import deform_conv2d
from inspire_med.blocks.pyramid import released_pyramid
from inspire_med.blocks.released import (
    ReleasedISE,
    SeparateNorm,
    SharedNorm,
    TanhGate,
    released_isa,
)


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


def randomise(module: torch.nn.Module) -> torch.nn.Module:
    """Random weights and running statistics, in evaluation mode: nothing cancels by chance."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return module.eval()


def test_isa_follows_the_releases_formula():
    block = randomise(released_isa(4, norm=SharedNorm))
    coarse, fine = torch.randn(2, 4, 5, 6), torch.randn(2, 4, 10, 12)

    def linear(layer, y):
        bias = 0 if layer.bias is None else layer.bias.view(1, -1, 1, 1)
        return F.conv2d(y, layer.weight[..., None, None]) + bias

    align, deform = block.align, block.align.deform
    u = F.silu(align.norm_up(F.conv_transpose2d(coarse, align.up.weight, stride=2)))
    u = F.silu(linear(align.lateral, u))
    r = block.enhance(fine)
    o = align.norm(linear(align.offset, torch.cat([r, 2 * u], dim=1)))
    pair = torch.cat([u, o], dim=1)
    offset = F.conv2d(pair, deform.conv_offset.weight, deform.conv_offset.bias, padding=1)
    g = F.silu(deform_conv2d(pair, offset, deform.weight))
    w = torch.tanh(linear(block.gate.linear, torch.cat([g, r], dim=1)))

    torch.testing.assert_close(block(coarse, fine), w * g + (1 - w) * r, atol=1e-5, rtol=1e-5)


def test_the_neck_merges_from_the_coarsest_level_down():
    # Laterals alone at the top; every finer level is ISA of the level above and its own lateral.
    neck = randomise(released_pyramid((3, 4, 5), 6, out_channels=2))
    features = [torch.randn(1, c, 4 * n, 4 * n) for c, n in ((3, 4), (4, 2), (5, 1))]
    laterals, merges = neck.top_down.laterals, neck.top_down.merges

    top = laterals[2](features[2])
    middle = merges[1](top, laterals[1](features[1]))
    finest = merges[0](middle, laterals[0](features[0]))

    for ours, p, output in zip(neck(features), (finest, middle, top), neck.outputs, strict=True):
        torch.testing.assert_close(ours, output(p))


def test_the_shared_norm_learns_from_the_mean_first_and_the_map_second():
    # momentum 0.1: 0 -> 0.1 * mean of the pooled path -> 0.9 * that + 0.1 * mean of the map.
    block = ReleasedISE(1, SharedNorm(1)).train()
    with torch.no_grad():
        block.attention.weight.fill_(2.0)
        block.lateral.weight.fill_(3.0)
    x = torch.tensor([1.0, 5.0]).view(2, 1, 1, 1).expand(2, 1, 2, 2)

    block(x)

    assert block.norm.norm.running_mean.item() == pytest.approx(0.9 * 0.1 * 6.0 + 0.1 * 9.0)


def test_the_mean_of_a_batch_of_one_is_normalised_by_the_running_statistics():
    norm = SharedNorm(2).train()
    bn = norm.norm
    bn.eps = 0.5
    with torch.no_grad():
        for values, numbers in (
            (bn.weight, [2.0, 3.0]),
            (bn.bias, [-1.0, 1.0]),
            (bn.running_mean, [1.0, 2.0]),
            (bn.running_var, [3.5, 8.5]),
        ):
            values.copy_(torch.tensor(numbers))
    mean = torch.tensor([5.0, 8.0]).view(1, 2, 1, 1)

    result = norm.pooled(mean)

    # 2 (5 - 1) / sqrt(3.5 + 0.5) - 1 = 3; 3 (8 - 2) / sqrt(8.5 + 0.5) + 1 = 7
    torch.testing.assert_close(result.flatten(), torch.tensor([3.0, 7.0]))
    assert bn.running_mean.tolist() == [1.0, 2.0]


def test_the_separate_norm_normalises_the_mean_over_all_its_channels():
    mean = torch.tensor([1.0, 2.0, 3.0, 6.0]).view(1, 4, 1, 1)

    result = SeparateNorm(4).pooled(mean)

    # mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
    expected = torch.tensor([-2.0, -1.0, 0.0, 3.0]) / 3.5**0.5
    torch.testing.assert_close(result.flatten(), expected, atol=1e-4, rtol=1e-4)


def test_the_gate_starts_without_bias():
    assert not TanhGate(4).linear.bias.any()


def test_equal_sizes_are_not_up_sampled():
    block = released_isa(4, norm=SeparateNorm)
    x = torch.randn(2, 4, 6, 6)

    block(x, x).sum().backward()

    assert block.align.up.weight.grad is None
