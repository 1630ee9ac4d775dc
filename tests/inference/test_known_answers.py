"""Networks whose answer is known voxel by voxel."""

import itertools
import math

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from torch import nn

from inspire_med.inference.sliding_window import ONE, region_probabilities
from inspire_med.inference.windows import Windows

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


def probabilities(network, image, window, *, regions=1, overlap=0.5, **settings):
    size = image.shape[1:]
    answer = np.full((regions, *size), 9, np.uint16)
    windows = Windows.over(size, window, overlap)
    region_probabilities(network.eval(), image, windows, answer, precision="32-true", **settings)
    return answer / ONE


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x)))


@pytest.mark.parametrize(("size", "window"), SIZES)
@pytest.mark.parametrize("flips", [False, True])
def test_a_network_that_answers_with_the_image_gives_it_back(size, window, flips):
    image = torch.randn(1, *size)

    found = probabilities(Kernel(len(size)), image, window, flips=flips)

    assert found.shape == (1, *size)
    np.testing.assert_allclose(found, sigmoid(image), atol=2e-5)


@pytest.mark.parametrize("size", [(7, 5), (5, 6, 7)])
def test_mirrored_views_are_turned_back_before_they_are_averaged(size):
    image = torch.randn(1, *size)

    found = probabilities(Kernel(len(size), shift=1), image, (8,) * len(size), flips=True)

    # Half of the views shift one way and half the other; the other axes change nothing.
    around = np.pad(image.numpy(), [(0, 0)] * len(size) + [(1, 1)])
    np.testing.assert_allclose(found, sigmoid((around[..., :-2] + around[..., 2:]) / 2), atol=2e-5)


def test_the_mean_over_views_is_of_logits():
    image = torch.tensor([[[0.0, 4.0, 0.0]]])

    found = probabilities(Kernel(2, shift=1), image, (8, 8), flips=True)

    np.testing.assert_allclose(found[0, 0], sigmoid([2.0, 0.0, 2.0]), atol=1e-5)


def test_every_view_is_seen_once():
    network = Positions()

    found = probabilities(network, torch.randn(1, 2, 3, 4), (8, 8, 8), flips=True)

    assert network.seen == [(2, 3, 4)] * 8
    np.testing.assert_allclose(found, sigmoid(1.5), atol=1e-5)  # the mean of 0, 1, 2, 3


def gaussian(side):
    return np.exp(-(((np.arange(side) - (side - 1) / 2) / (side / 8)) ** 2) / 2)


@pytest.mark.parametrize(("overlap", "starts"), [(0.5, (0, 4, 8)), (0.25, (0, 4, 8)), (0, (0, 8))])
def test_windows_are_blended_by_gaussian_weights(overlap, starts):
    network = Positions()

    found = probabilities(network, torch.randn(1, 4, 16), (4, 8), overlap=overlap)

    total, weight = np.zeros(16), np.zeros(16)
    for start in starts:
        total[start : start + 8] += gaussian(8) * np.arange(8)
        weight[start : start + 8] += gaussian(8)
    assert network.seen == [(4, 8)] * len(starts)
    np.testing.assert_allclose(found[0], np.tile(sigmoid(total / weight), (4, 1)), atol=1e-5)


@pytest.mark.parametrize(
    ("size", "window"), [((17, 25), (9, 9)), ((17, 11, 13), (9, 5, 7)), ((8, 11, 13), (9, 5, 7))]
)
def test_windows_are_blended_as_monai_does(size, window):
    """A second implementation, given our weights: its own stop falling at a thousandth."""
    torch.manual_seed(0)
    network = (nn.Conv2d if len(size) == 2 else nn.Conv3d)(1, 2, 5, padding=2).eval()
    image = torch.randn(1, *size)

    ours = probabilities(network, image, window, regions=2)

    padded = tuple(min(pair) for pair in zip(size, window, strict=True))  # MONAI would pad
    weights = torch.from_numpy(math.prod(np.ix_(*map(gaussian, padded))))
    with torch.no_grad():
        theirs = sliding_window_inference(
            image[None], padded, 1, network, 0.5, roi_weight_map=weights
        )
    np.testing.assert_allclose(ours, theirs[0].sigmoid().numpy(), atol=2e-5)


@pytest.mark.parametrize("value", [0.0, -1.3])
def test_where_there_is_nothing_no_network_is_asked(value):
    network = Positions()
    image = torch.full((2, 8, 32), value)
    image[1, 3, 30] = 1.0  # in one channel, in the last window alone

    found = probabilities(network, image, (8, 8), overlap=0)

    assert network.seen == [(8, 8)]
    assert (found[..., :24] == 0).all()
    assert (found[..., 25:] > 0.5).all()


def test_an_image_that_fits_the_window_is_seen_as_it_is():
    network = Positions()

    probabilities(network, torch.randn(1, 3, 5), (8, 8))

    assert network.seen == [(3, 5)]


def test_each_region_has_its_own_probability():
    network = nn.Conv2d(2, 3, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [-1, 1]])[..., None, None])
        network.bias.zero_()
    image = torch.randn(2, 5, 6)

    found = probabilities(network, image, (8, 8), regions=3)

    expected = [image[0], image[1], image[1] - image[0]]
    for region, logits in itertools.zip_longest(found, expected):
        np.testing.assert_allclose(region, sigmoid(logits), atol=2e-5)
