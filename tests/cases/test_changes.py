import numpy as np
import pytest
import torch
from drawing import drawn

from inspire_med.cases.changes import (
    Brightness,
    Contrast,
    Distort,
    Flip,
    Gain,
    Noise,
    Saturation,
    Sometimes,
)

STATISTICS = (127.0, 116.0, 104.0), (128.0, 58.0, 57.0)  # some mean and deviation of each channel


@pytest.mark.parametrize(
    "change", [Gain(0.2), Contrast(0.2), Brightness(0.2), Saturation(0.4), Noise(0.1)]
)
def test_a_change_of_colour_leaves_the_target_and_the_given_image(sample, change):
    before = sample["image"].clone()

    for altered in drawn(change, sample, 5):
        assert altered["target"] is sample["target"]
        assert altered["image"].dtype == torch.float32
        assert not torch.equal(altered["image"], before)

    assert torch.equal(sample["image"], before)


@pytest.mark.parametrize("change", [Gain(0.2), Contrast(0.2)])
def test_gain_multiplies_values_and_contrast_distances_from_the_mean(sample, change):
    if isinstance(change, Contrast):  # with a mean of zero they are the same
        axes = tuple(range(1, sample["image"].ndim))
        sample["image"] -= sample["image"].mean(axes, keepdim=True)
    factors = [altered["image"] / sample["image"] for altered in drawn(change, sample)]

    for factor in factors:
        flat = factor.flatten(1)
        torch.testing.assert_close(flat, flat[:, :1].expand_as(flat), rtol=1e-4, atol=1e-4)
    means = torch.stack([factor.flatten(1).median(1).values for factor in factors])
    assert 0.8 <= means.min() < 0.85
    assert 1.15 < means.max() <= 1.2
    assert (means[:, 0] - means[:, 1]).abs().max() > 0.1


def test_brightness_adds_one_number_to_each_channel(sample):
    added = [altered["image"] - sample["image"] for altered in drawn(Brightness(0.3), sample)]

    for each in added:
        assert each.flatten(1).std(1).max() < 1e-5
    deviations = sample["image"].flatten(1).std(1, correction=0)
    shares = torch.stack([each.flatten(1).mean(1) for each in added]) / deviations
    assert 0.25 < shares.abs().max() <= 0.3


@pytest.mark.parametrize("change", [Contrast(0.3), Brightness(0.3)])
def test_a_change_of_grey_levels_does_not_depend_on_how_they_are_standardised(sample, change):
    grey = {**sample, "image": 120 + 60 * sample["image"]}
    mean, deviation = (torch.tensor(v).view(3, *[1] * (grey["image"].ndim - 1)) for v in STATISTICS)
    prepared = {**grey, "image": (grey["image"] - mean) / deviation}

    for of_grey, of_prepared in zip(drawn(change, grey), drawn(change, prepared), strict=True):
        back = of_prepared["image"] * deviation + mean
        torch.testing.assert_close(back, of_grey["image"], rtol=1e-4, atol=1e-2)


def test_saturation_leaves_what_is_grey_and_the_mean_of_the_channels(sample):
    grey = {**sample, "image": sample["image"][:1].expand_as(sample["image"])}

    for of_grey, of_colour in zip(
        drawn(Saturation(0.4), grey), drawn(Saturation(0.4), sample), strict=True
    ):
        torch.testing.assert_close(of_grey["image"], grey["image"])
        torch.testing.assert_close(of_colour["image"].mean(0), sample["image"].mean(0))


def test_noise_has_at_most_the_deviation_that_is_named():
    sample = {"image": torch.zeros(1, 100, 100), "target": torch.zeros(1, 100, 100)}

    deviations = [altered["image"].std().item() for altered in drawn(Noise(0.1), sample)]

    assert 0.08 < max(deviations) < 0.103
    assert min(deviations) < 0.02


def test_every_mirror_image_comes_and_the_target_with_it(sample):
    sample["image"] = sample["target"].repeat(1, *[1] * (sample["image"].ndim - 1))
    dims = sample["image"].ndim - 1

    seen = drawn(Flip(), sample, 100)

    assert all(torch.equal(altered["image"], altered["target"]) for altered in seen)
    assert len({tuple(altered["image"].flatten().tolist()) for altered in seen}) == 2**dims


def test_distort_stays_within_what_is_named():
    random = np.random.default_rng(0)
    matrices = [Distort(angle=0.2, zoom=0.1).matrix(random, 2) for _ in range(100)]

    lengths = np.linalg.norm(matrices, axis=1)
    angles = np.array([np.arctan2(m[1, 0], m[0, 0]) for m in matrices])
    assert 0.9 <= lengths.min() < 0.91
    assert 1.09 < lengths.max() <= 1.1
    assert 0.19 < np.abs(angles).max() <= 0.2


def test_sometimes_is_as_often_as_it_says(sample):
    altered = drawn(Sometimes(0.3, Brightness(0.2)), sample, 1000)

    assert 250 < sum(each is not sample for each in altered) < 350
