import pytest
import torch
from torch import nn

from inspire_med.blocks.pyramid import FeaturePyramid, TopDown, inspire_pyramid


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_takes_any_number_of_levels_of_any_size(dims, levels):
    channels = [3 + level for level in range(levels)]
    sizes = [[max(1, -(-side // 2**k)) for side in (21, 18, 13)[:dims]] for k in range(levels)]
    features = [torch.randn(1, c, *s) for c, s in zip(channels, sizes, strict=True)]

    maps = inspire_pyramid(dims, channels, 6, out_channels=4)(features)

    assert [list(m.shape) for m in maps] == [[1, 4, *s] for s in sizes]


def test_without_output_layers_the_maps_keep_the_pyramids_width(dims, fine, coarse):
    maps = inspire_pyramid(dims, [3, 5], 6)([torch.randn(2, 3, *fine), torch.randn(2, 5, *coarse)])

    assert [m.shape[1] for m in maps] == [6, 6]


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
