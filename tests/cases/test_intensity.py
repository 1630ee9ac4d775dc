import numpy as np
import pytest

from inspire_med.cases.intensity import normalise, spread_sample, statistics_of, z_score_within
from inspire_med.tasks.task import Preparation

EVERYWHERE = np.ones((4, 4), bool)


def test_brain_has_mean_0_and_deviation_1_and_background_stays_exactly_0():
    random = np.random.default_rng(0)
    brain = np.zeros((10, 10, 10), bool)
    brain[2:8, 2:8, 2:8] = True
    volume = np.where(brain, random.uniform(100, 900, brain.shape), 0).astype(np.float32)

    scaled = z_score_within(volume, brain)

    assert (scaled[~brain] == 0).all()
    assert abs(scaled[brain].mean()) < 1e-5
    assert abs(scaled[brain].std() - 1) < 1e-5


def test_small_negative_values_are_tissue():
    volume = np.array([[[0, -3, 5, 100]]], np.float32)

    scaled = z_score_within(volume, volume != 0)

    assert scaled[0, 0, 0] == 0
    assert scaled[0, 0, 1] < scaled[0, 0, 2] < scaled[0, 0, 3]


def test_a_unit_does_not_matter():
    volume = np.random.default_rng(0).uniform(1, 5, (6, 6, 6)).astype(np.float32)
    brain = np.ones(volume.shape, bool)

    np.testing.assert_allclose(
        z_score_within(volume, brain), z_score_within(volume * 1000, brain), atol=1e-4
    )


def test_nothing_inside_gives_zeros():
    volume = np.zeros((3, 3, 3), np.float32)

    assert (z_score_within(volume, volume != 0) == 0).all()


def test_a_constant_brain_gives_zeros():
    volume = np.full((3, 3, 3), 7, np.float32)

    assert (z_score_within(volume, volume != 0) == 0).all()


def test_each_colour_of_a_picture_has_mean_0_and_deviation_1():
    picture = np.random.default_rng(0).integers(0, 200, (20, 30, 3)).astype(np.uint8)
    picture[..., 0] //= 3

    scaled = normalise(np.moveaxis(picture, -1, 0), "rgb", EVERYWHERE, Preparation(intensity="rgb"))

    assert scaled.shape == (3, 20, 30)
    np.testing.assert_allclose(scaled.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=(1, 2)), 1, atol=1e-4)


def test_a_picture_of_one_colour_is_not_divided_by_nothing():
    picture = np.full((3, 4, 4), 9, np.uint8)

    assert (normalise(picture, "rgb", EVERYWHERE, Preparation(intensity="rgb")) == 0).all()


def test_none_leaves_values_as_they_are():
    values = np.arange(32).reshape(2, 4, 4)

    scaled = normalise(values, "ab", EVERYWHERE, Preparation(intensity="none"))

    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, values)


def test_each_channel_of_ct_has_its_own_statistics():
    values = np.array([[[-5.0, 0.0, 8.0]], [[1.0, 2.0, 3.0]]])
    statistics = {
        "a": {"low": -4.0, "high": 6.0, "mean": 1.0, "sd": 2.0},
        "b": {"low": 0.0, "high": 9.0, "mean": 2.0, "sd": 0.0},  # a constant: not divided by 0
    }
    settings = Preparation(intensity="ct", intensity_statistics=statistics)

    scaled = normalise(values, ("a", "b"), EVERYWHERE[:1, :3], settings)

    assert scaled.tolist() == [[[-2.5, -0.5, 2.5]], [[-1.0, 0.0, 1.0]]]


def test_fixed_statistics_are_those_given():
    values = np.array([[[0, 127, 255]], [[10, 20, 30]]], np.uint8)
    statistics = {"a": {"mean": 127.0, "sd": 128.0}, "b": {"mean": 20.0, "sd": 5.0}}
    settings = Preparation(intensity="fixed", intensity_statistics=statistics)

    scaled = normalise(values, ("a", "b"), EVERYWHERE[:1, :3], settings)

    assert scaled.dtype == np.float32
    assert scaled.tolist() == [[[-127 / 128, 0.0, 1.0]], [[-2.0, 0.0, 2.0]]]


def test_statistics_are_those_of_all_cases_together():
    found = statistics_of([{"a": np.arange(0, 100)}, {"a": np.arange(100, 201)}, {}])

    assert found["a"]["mean"] == 100
    assert found["a"]["sd"] == pytest.approx(np.sqrt((201**2 - 1) / 12))
    assert found["a"]["low"] == pytest.approx(1.0)
    assert found["a"]["high"] == pytest.approx(199.0)


@pytest.mark.parametrize("length", [0, 1, 5, 6, 100])
def test_a_sample_is_spread_over_all_values(length):
    sample = spread_sample(np.arange(length), 5)

    assert len(sample) == min(length, 5)
    if length:
        assert (sample[0], sample[-1]) == (0, length - 1)
    if length == 100:
        assert sample.tolist() == [0, 25, 50, 74, 99]
