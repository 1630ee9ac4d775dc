import json

import pytest
import torch
from monai.networks.nets import SegResNet
from torch import nn

from inspire_med.errors import InputError
from inspire_med.networks import MonaiNetwork, build_network
from inspire_med.networks.monai_network import monai_names

PLAIN = {"in_channels": 3, "out_channels": 2, "widths": [4, 8, 16]}
SIZES = {2: (37, 20), 3: (17, 20, 9)}


@pytest.mark.slow
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("name", "arguments", "multiple"),
    [
        ("SegResNet", {"init_filters": 8}, 8),
        ("BasicUNet", {"features": [4, 4, 8, 8, 8, 4]}, 1),
        ("BasicUNetPlusPlus", {"features": [4, 4, 8, 8, 8, 4]}, 1),  # answers with a list of one
        ("UNet", {}, 4),
        ("AttentionUnet", {}, 4),
        ("DynUNet", {}, 4),
    ],
)
def test_takes_images_of_any_size(dims, name, arguments, multiple):
    description = {"spatial_dims": dims, **PLAIN, "monai": name, "monai_arguments": arguments}

    network = build_network(json.loads(json.dumps(description)))

    assert isinstance(network, MonaiNetwork)
    assert network.multiples == (multiple,) * dims
    assert network(torch.randn(2, 3, *SIZES[dims])).shape == (2, 2, *SIZES[dims])


def test_is_monais_own_network_where_the_size_fits():
    torch.manual_seed(3)
    network = build_network({"spatial_dims": 2, **PLAIN, "monai": "SegResNet"}).eval()
    torch.manual_seed(3)
    theirs = SegResNet(spatial_dims=2, in_channels=3, out_channels=2).eval()
    image = torch.randn(1, 3, 16, 24)

    assert torch.equal(network(image), theirs(image))


def test_padding_is_cut_off_again():
    class Spread(nn.Module):
        def forward(self, image):
            assert image.shape[2:] == (8, 12)
            return image + 1

    image = torch.randn(1, 1, 3, 9)

    assert torch.equal(MonaiNetwork(Spread(), 2, (4, 4), (8, 4))(image), image + 1)


def test_is_made_of_the_widths_where_it_must_be_told():
    description = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1, "monai": "UNet"}
    small, large = (
        build_network({**description, "widths": widths}) for widths in ([4, 8], [8, 16])
    )

    count = [sum(p.numel() for p in network.parameters()) for network in (small, large)]
    assert count[0] < count[1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"monai": "SegRestNet"}, "'SegRestNet' is no network for segmentation; .*SegResNet"),
        ({"monai": "Unet"}, "'Unet' is no network for segmentation; did you mean UNet"),
        ({"monai": "xyz"}, "choose from AHNet, AttentionUnet"),
        ({"monai": 3}, "monai=3 must be a name"),
        ({"monai_arguments": {"init_filtrs": 4}}, "no 'init_filtrs'; did you mean init_filters"),
        ({"monai_arguments": {"zzzzz": 4}}, "SegResNet has no 'zzzzz'; it has init_filters"),
        ({"monai_arguments": {"in_channels": 4}}, "in_channels follows from the data; leave it"),
        ({"monai_arguments": [4]}, r"monai_arguments=\[4\] must be values by name"),
        (
            {"monai": "FlexibleUNet", "monai_arguments": {"pretrained": True}},
            "pretrained would fetch weights from elsewhere",
        ),
        ({"monai": "FlexibleUNet"}, "FlexibleUNet cannot be made .*'backbone'.*monai_arguments"),
        ({"monai": "DiffusionModelUNet"}, "DiffusionModelUNet cannot be made .*; "),
        ({"monai": "VQVAE"}, "VQVAE does not answer with one map of logits of the image's size"),
        ({"monai_arguments": {"init_filters": "many"}}, "SegResNet cannot be made"),
    ],
)  # fmt: skip
def test_refuses_what_it_cannot_make(change, sentence):
    with pytest.raises(InputError, match=sentence):
        build_network({"spatial_dims": 2, **PLAIN, "monai": "SegResNet", **change})


def test_names_monais_networks_for_segmentation():
    names = monai_names()

    assert {"UNet", "SegResNet", "SwinUNETR", "DynUNet"} <= set(names)
    assert "Unet" not in names  # another spelling
    assert "ResNet" not in names  # has no channels to give
