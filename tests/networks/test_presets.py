import pytest
import torch

from inspire_med.networks import PRESETS, brats_unet, build_network, isles_unet, polyp_unet


@pytest.mark.parametrize("make", [brats_unet, isles_unet, polyp_unet])
def test_the_function_and_the_description_make_the_same_network(make):
    network = make()
    description = {
        **PRESETS[make.__name__.removesuffix("_unet")],
        "in_channels": network.in_channels,
        "out_channels": network.out_channels,
    }

    described = build_network(description)

    assert {n: v.shape for n, v in network.state_dict().items()} == {
        n: v.shape for n, v in described.state_dict().items()
    }
    assert network.steps == described.steps


def test_brats_gives_three_regions_from_four_contrasts():
    assert brats_unet("concat").eval()(torch.randn(1, 4, 16, 16, 16)).shape == (1, 3, 16, 16, 16)
