"""Networks whose answer is known voxel by voxel."""

import itertools

import numpy as np
import pytest
import torch
from monai.data.utils import compute_importance_map
from torch import nn

from inspire_med.inference.sliding_window import region_probabilities

SIZES = [
    ((13, 11), (8, 8)),  # odd; larger than the window on both axes
    ((5, 19), (8, 6)),  # smaller than the window on one axis
    ((7, 7), (8, 8)),  # one window
    ((13, 11, 9), (8, 6, 4)),
    ((5, 12, 9), (8, 8, 8)),
    ((5, 6, 7), (8, 8, 8)),
]


class Kernel(nn.Module):
    """A convolution with a hand-made kernel: logits are the image, shifted along the last axis."""

    def __init__(self, spatial_dims: int, shift: int = 0) -> None:
        super().__init__()
        convolution = nn.Conv2d if spatial_dims == 2 else nn.Conv3d
        self.convolution = convolution(1, 1, 3, padding=1, bias=False)
        with torch.no_grad():
            self.convolution.weight.zero_()
            self.convolution.weight[(0, 0, *[1] * (spatial_dims - 1), 1 - shift)] = 1

    def forward(self, x):
        return self.convolution(x)


class Positions(nn.Module):
    """Logits that count along the last axis of the window, whatever the image is."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.seen = []

    def forward(self, x):
        self.seen.append(tuple(x.shape[2:]))
        return torch.zeros_like(x[:, :1]) + self.scale * torch.arange(x.shape[-1])


def probabilities(network, image, window, **settings):
    return region_probabilities(
        network.eval(), image, window, precision="32-true", **settings
    ).numpy()


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x)))


@pytest.mark.parametrize(("size", "window"), SIZES)
@pytest.mark.parametrize("flips", [False, True])
def test_a_network_that_answers_with_the_image_gives_it_back(size, window, flips):
    image = torch.randn(1, *size)

    found = probabilities(Kernel(len(size)), image, window, flips=flips)

    assert found.shape == (1, *size)
    np.testing.assert_allclose(found, sigmoid(image), atol=1e-5)


@pytest.mark.parametrize("size", [(7, 5), (5, 6, 7)])
def test_mirrored_views_are_turned_back_before_they_are_averaged(size):
    image = torch.randn(1, *size)

    found = probabilities(Kernel(len(size), shift=1), image, (8,) * len(size), flips=True)

    # Half of the views shift one way and half the other; the other axes change nothing.
    around = np.pad(image.numpy(), [(0, 0)] * len(size) + [(1, 1)])
    np.testing.assert_allclose(found, sigmoid((around[..., :-2] + around[..., 2:]) / 2), atol=1e-5)


def test_the_mean_over_views_is_of_logits():
    image = torch.tensor([[[0.0, 4.0, 0.0]]])

    found = probabilities(Kernel(2, shift=1), image, (8, 8), flips=True)

    np.testing.assert_allclose(found[0, 0], sigmoid([2.0, 0.0, 2.0]), atol=1e-6)


def test_every_view_is_seen_once():
    network = Positions()

    found = probabilities(network, torch.zeros(1, 2, 3, 4), (8, 8, 8), flips=True)

    assert network.seen == [(2, 3, 4)] * 8
    np.testing.assert_allclose(found, sigmoid(1.5), atol=1e-6)  # the mean of 0, 1, 2, 3


@pytest.mark.parametrize(("overlap", "starts"), [(0.5, (0, 4, 8)), (0.25, (0, 6, 8))])
def test_windows_overlap_and_are_blended_by_gaussian_weights(overlap, starts):
    network = Positions()

    found = probabilities(network, torch.zeros(1, 4, 16), (4, 8), overlap=overlap)

    weights = np.asarray(compute_importance_map((4, 8), mode="gaussian", sigma_scale=0.125))
    total, weight = np.zeros((4, 16)), np.zeros((4, 16))
    for start in starts:
        total[:, start : start + 8] += weights * np.arange(8)
        weight[:, start : start + 8] += weights
    assert network.seen == [(4, 8)] * len(starts)
    np.testing.assert_allclose(found[0], sigmoid(total / weight), atol=1e-4)


def test_windows_overlap_by_half_unless_said_otherwise():
    network = Positions()
    image = torch.zeros(1, 4, 16)

    assert np.array_equal(
        probabilities(network, image, (4, 8)), probabilities(network, image, (4, 8), overlap=0.5)
    )


def test_an_image_that_fits_the_window_is_seen_as_it_is():
    network = Positions()

    probabilities(network, torch.zeros(1, 3, 5), (8, 8))

    assert network.seen == [(3, 5)]


def test_each_region_has_its_own_probability():
    network = nn.Conv2d(2, 3, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 1]])[..., None, None])
        network.bias.zero_()
    image = torch.randn(2, 5, 6)

    found = probabilities(network, image, (8, 8))

    expected = [image[0], image[1], image[1] - image[0]]
    for region, logits in itertools.zip_longest(found, expected):
        np.testing.assert_allclose(region, sigmoid(logits), atol=1e-5)
