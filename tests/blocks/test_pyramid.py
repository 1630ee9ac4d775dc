from functools import partial

import pytest
import torch
from torch import nn

from inspire_med.blocks.pyramid import (
    FeaturePyramid,
    TopDown,
    inspire_pyramid,
    released_pyramid,
    sketch_pyramid,
)
from inspire_med.blocks.resize import resize


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_takes_any_number_of_levels_of_any_size(dims, levels):
    channels = [3 + level for level in range(levels)]
    sizes = [[max(1, -(-side // 2**k)) for side in (21, 18, 13)[:dims]] for k in range(levels)]
    features = [torch.randn(1, c, *s) for c, s in zip(channels, sizes, strict=True)]

    maps = inspire_pyramid(dims, channels, 6, out_channels=4)(features)

    assert [list(m.shape) for m in maps] == [[1, 4, *s] for s in sizes]


@pytest.mark.parametrize("sizes", [[(12, 16, 9), (12, 8, 5), (6, 2, 5)], [(9, 7, 5), (3, 4, 3)]])
def test_levels_may_shrink_by_any_ratio_along_each_axis(dims, sizes):
    features = [torch.randn(2, 3, *size[:dims]) for size in sizes]
    pyramids = [inspire_pyramid(dims, [3] * len(sizes), 6), sketch_pyramid([3] * len(sizes), 6)]
    if dims == 2:
        pyramids.append(released_pyramid([3] * len(sizes), 6, out_channels=6))

    for pyramid in pyramids:
        maps = pyramid(features)
        sum(each.square().mean() for each in maps).backward()

        assert [each.shape for each in maps] == [(2, 6, *size[:dims]) for size in sizes]
        assert all(p.grad.isfinite().all() for p in pyramid.parameters() if p.grad is not None)


def test_without_output_layers_the_maps_keep_the_pyramids_width(dims, fine, coarse):
    maps = inspire_pyramid(dims, [3, 5], 6)([torch.randn(2, 3, *fine), torch.randn(2, 5, *coarse)])

    assert [m.shape[1] for m in maps] == [6, 6]


def test_a_level_is_the_linear_map_the_relu_and_ise_before_it_is_merged(dims, fine):
    pyramid = inspire_pyramid(dims, [3, 3], 4)
    x = torch.randn(1, 3, *fine)
    for parameter in pyramid.top_down.laterals[0].parameters():
        nn.init.normal_(parameter)
    lateral, _, ise = pyramid.top_down.laterals[0]

    expected = ise(lateral(x).relu())

    assert torch.equal(pyramid.top_down.laterals[0](x), expected)
    assert not torch.allclose(expected, lateral(x).relu())


@pytest.mark.parametrize("make", [partial(inspire_pyramid, 2), released_pyramid])
def test_weights_start_as_fpns_glorot_with_biases_of_zero(make):
    neck = make([90, 60], 30, out_channels=40)
    gain = 2**0.5 if isinstance(neck.top_down.laterals[0], nn.Sequential) else 1  # a ReLU follows
    laterals = [m[0] if isinstance(m, nn.Sequential) else m for m in neck.top_down.laterals]
    layers = [(layer, gain, layer.in_features + 30) for layer in laterals]
    layers += [(layer, 1, 9 * (30 + 40)) for layer in neck.outputs]

    for layer, factor, fans in layers:
        bound = factor * (6 / fans) ** 0.5  # Glorot and Bengio 2010, eq. 16
        assert 0.97 * bound < layer.weight.abs().max() <= bound
        assert not layer.bias.any()


def test_the_released_neck_is_180_wide_and_gives_256_channels():
    neck = released_pyramid([4, 4])

    assert [lateral.out_features for lateral in neck.top_down.laterals] == [180, 180]
    assert [output.out_channels for output in neck.outputs] == [256, 256]


def test_a_sketch_is_linear_laterals_summed_from_the_top_down(dims, fine, coarse):
    sketch = sketch_pyramid([3, 5], 4)
    c1, c2 = torch.randn(2, 3, *fine), torch.randn(2, 5, *coarse)
    low, high = sketch.laterals

    p1, p2 = sketch([c1, c2])

    assert torch.equal(p2, high(c2))
    torch.testing.assert_close(p1, low(c1) + resize(high(c2), fine))


def test_a_top_down_path_goes_on_from_coarser_maps(dims):
    sizes = [(21, 18, 13), (11, 9, 7), (6, 5, 4)]
    top_down = inspire_pyramid(dims, [3, 4, 5], 6).top_down
    features = [torch.randn(1, c, *s[:dims]) for c, s in zip((3, 4, 5), sizes, strict=True)]

    whole = top_down(features)

    for coarse in range(1, 4):
        above = top_down(features[3 - coarse :])
        assert all(map(torch.equal, above, whole[3 - coarse :]))
        assert all(map(torch.equal, top_down(features[: 3 - coarse], above), whole))


@pytest.mark.parametrize(("features", "coarser"), [(4, 0), (3, 1)])
def test_more_maps_than_levels_are_refused(features, coarser):
    maps = [torch.zeros(1)] * 4

    with pytest.raises(ValueError, match="zip"):
        TopDown([nn.Identity()] * 3, [nn.Identity()] * 2)(maps[:features], maps[:coarser])


def test_a_map_too_few_is_refused():
    with pytest.raises(ValueError, match="zip"):
        inspire_pyramid(2, [3, 3], 4)([torch.randn(1, 3, 8, 8)])


def test_rejects_a_merge_too_many():
    with pytest.raises(ValueError, match=r"laterals=2, merges=2: one lateral per level"):
        TopDown([nn.Identity(), nn.Identity()], [nn.Identity(), nn.Identity()])


def test_rejects_an_output_too_few():
    top_down = TopDown([nn.Identity(), nn.Identity()], [nn.Identity()])

    with pytest.raises(ValueError, match=r"outputs=1, levels=2: one output per level"):
        FeaturePyramid(top_down, [nn.Identity()])


@pytest.mark.parametrize("dims", [2, 3])
def test_maps_start_at_the_scale_of_the_features(dims):
    """As FPN's do: heads are made for that. With torch's own start they would have a quarter."""
    pyramid = inspire_pyramid(dims, (32, 48, 64), 24, out_channels=24)
    features = [torch.randn(2, c, *(size,) * dims) for c, size in ((32, 16), (48, 8), (64, 4))]

    for made in pyramid(features):
        assert 0.4 < made.std() < 2
