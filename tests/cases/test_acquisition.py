import numpy as np
import pytest
import torch
from drawing import drawn
from torch.nn.functional import interpolate

from inspire_med.cases.acquisition import (
    BiasField,
    Blur,
    DropChannels,
    Gamma,
    LowResolution,
    WithinForeground,
)
from inspire_med.cases.changes import Brightness, Sometimes

CHANGES = [
    Gamma(0.5, 2.0),
    Gamma(0.5, 2.0, inverted=True),
    Blur(0.5, 1.0),
    LowResolution(0.5),
    BiasField(0.3),
    DropChannels(0.5),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_a_change_leaves_the_target_and_the_given_image(sample, change):
    before = sample["image"].clone()

    altered = drawn(change, sample, 20)

    for each in altered:
        assert each["target"] is sample["target"]
        assert each["image"].dtype == torch.float32
        assert each["image"].shape == before.shape
        assert torch.isfinite(each["image"]).all()
    assert any(not torch.equal(each["image"], before) for each in altered)
    assert torch.equal(sample["image"], before)


@pytest.mark.parametrize(("inverted", "bent"), [(False, [0, 0.25, 1]), (True, [0, 0.75, 1])])
def test_gamma_is_a_power_of_the_share_with_the_mean_and_deviation_of_before(inverted, bent):
    channel = torch.tensor([[[-1.0, 1.0, 3.0]]])  # shares 0, 0.5, 1; squared 0.25, from above 0.75
    bent = np.array(bent)
    expected = (bent - bent.mean()) / bent.std() * channel.numpy().std() + 1

    class Square:
        def random(self):
            return 0.9

        def uniform(self, low, high):
            assert (low, high) == (1.0, 2.0)
            return 2.0

    altered = Gamma(0.5, 2.0, inverted=inverted)({"image": channel, "target": channel}, Square())

    np.testing.assert_allclose(altered["image"][0, 0], expected, atol=1e-6)


def test_gamma_leaves_a_channel_of_one_value():
    sample = {"image": torch.full((1, 4, 4), 3.0), "target": torch.zeros(1, 4, 4)}

    assert torch.equal(drawn(Gamma(0.5, 2.0), sample, 1)[0]["image"], sample["image"])


def test_blur_spreads_a_point_as_a_gaussian_does(sample):
    size = (21,) * (sample["image"].ndim - 1)
    point = torch.zeros(1, *size)
    point[(0, *[10] * len(size))] = 1
    spread = drawn(Blur(0.8, 0.8), {"image": point, "target": point}, 20)
    blurred = next(each["image"][0] for each in spread if (each["image"] != point).any())

    line = blurred.sum(tuple(range(1, len(size))))
    weights = torch.exp(-((torch.arange(21) - 10.0) ** 2) / (2 * 0.8**2))
    weights[(torch.arange(21) - 10).abs() > 2] = 0  # cut at three deviations
    torch.testing.assert_close(line, weights / weights.sum(), atol=1e-4, rtol=0)


def test_about_half_of_the_channels_are_altered(sample):
    for change in (Blur(0.5, 1.0), LowResolution(0.5)):
        altered = [
            not torch.equal(before, after)
            for each in drawn(change, sample, 100)
            for before, after in zip(sample["image"], each["image"], strict=True)
        ]
        assert 0.4 < np.mean(altered) < 0.6


def test_low_resolution_keeps_every_second_value_at_a_half():
    line = torch.tensor([[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]] * 2])

    class Half:
        def random(self):
            return 0.9

        def uniform(self, low, high):
            return low

    altered = LowResolution(0.5)({"image": line, "target": line}, Half())

    # nearest-exact keeps 1, 3, 5, 7, which lie between two voxels each: 0.5, 2.5, 4.5 and 6.5.
    expected = [1.0, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.0]
    torch.testing.assert_close(altered["image"][0, 0], torch.tensor(expected))


def test_bias_is_smooth_positive_and_no_more_than_named(sample):
    for altered in drawn(BiasField(0.3), sample, 10):
        field = torch.log(altered["image"] / sample["image"])
        assert field.abs().max() <= 0.3 + 1e-5
        knots = interpolate(
            field[None],
            size=[3] * (field.ndim - 1),
            mode="bilinear" if field.ndim == 3 else "trilinear",
            align_corners=True,
        )
        assert knots.abs().max() > 0.05
        steps = field.diff(dim=1).abs()
        assert steps.max() <= 0.6 / ((field.shape[1] - 1) / 2) + 1e-5  # from -0.3 to 0.3 in a half
    zero = {**sample, "image": torch.zeros_like(sample["image"])}
    assert (drawn(BiasField(0.3), zero, 1)[0]["image"] == 0).all()


def test_what_shows_in_no_channel_stays_zero(sample):
    sample["image"][:, 0] = 0
    sample["image"][1:, 1] = 0

    (altered,) = drawn(WithinForeground((Brightness(0.5),)), sample, 1)

    assert (altered["image"][:, 0] == 0).all()
    assert (altered["image"][:, 1] != 0).all()
    assert drawn(WithinForeground((Sometimes(0, Brightness(0.5)),)), sample, 1)[0] is sample


def test_channels_are_dropped_as_often_as_named_and_never_all(sample):
    kept = np.array(
        [
            [bool(channel.any()) for channel in each["image"]]
            for each in drawn(DropChannels(0.5), sample, 400)
        ]
    )

    assert kept.any(1).all()
    # Of three, all go by chance in 1/8 of the samples; then one of them comes back.
    assert np.mean(~kept) == pytest.approx(0.5 - 1 / 24, abs=0.05)
    assert (kept.mean(0) > 0.4).all()


def test_the_channel_that_stays_is_one_that_shows(sample):
    sample["image"][:2] = 0

    for altered in drawn(DropChannels(0.9), sample, 30):
        assert torch.equal(altered["image"], sample["image"])


def test_what_is_not_dropped_is_left_as_it_is(sample):
    for altered in drawn(DropChannels(0.5), sample, 20):
        for before, after in zip(sample["image"], altered["image"], strict=True):
            assert torch.equal(after, before) or not after.any()
