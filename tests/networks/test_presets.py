import pytest
import torch

from inspire_med.blocks.dims import BATCH_NORM
from inspire_med.blocks.norm import InstanceNorm
from inspire_med.networks import brats_unet, isles_unet, polyp_unet
from inspire_med.tasks.find import TASKS
from inspire_med.tasks.presets import PRESETS


@pytest.mark.parametrize("make", [brats_unet, isles_unet, polyp_unet])
def test_a_preset_is_its_description(make):
    network = make()
    preset = PRESETS[TASKS[make.__name__.removesuffix("_unet")].network]

    assert network.spatial_dims == preset["spatial_dims"]
    assert list(network.channels) == preset["widths"]
    assert network.steps == 2
    kinds = {type(module) for module in network.modules()}
    assert (InstanceNorm in kinds) == (preset["norm"] == "instance")
    assert (BATCH_NORM[network.spatial_dims] in kinds) == (preset["norm"] == "batch")


def test_brats_gives_three_regions_from_four_contrasts():
    assert brats_unet("concat").eval()(torch.randn(1, 4, 16, 16, 16)).shape == (1, 3, 16, 16, 16)
