import numpy as np
import pytest

from inspire_med.inference.doubt import tempered
from inspire_med.tuning.calibration import BINS, Histogram, curve, fit_temperature


def drawn(temperature, voxels=400_000):
    """Voxels whose chances are right, and what a network says that is `temperature` too sure."""
    random = np.random.default_rng(0)
    logits = random.normal(-1, 2, voxels)
    true = random.random(voxels) < 1 / (1 + np.exp(-logits))
    said = 1 / (1 + np.exp(-logits * temperature))
    return true, said.astype(np.float32)


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.6, 3.0])
def test_the_temperature_that_was_put_in_is_found(temperature):
    histogram = Histogram.of(*drawn(temperature))

    assert fit_temperature(histogram) == pytest.approx(temperature, rel=0.03)


def test_tempered_probabilities_come_true():
    true, said = drawn(2.0)

    before = curve(Histogram.of(true, said))
    after = curve(Histogram.of(true, tempered(said, 2.0)))

    def off(points):
        voxels = np.array([point["voxels"] for point in points])
        apart = [abs(point["said"] - point["true"]) for point in points]
        return float((voxels * apart).sum() / voxels.sum())

    assert off(before) > 0.05
    assert off(after) < 0.005


def test_the_curve_after_a_temperature_is_that_of_tempered_probabilities():
    true, said = drawn(2.0)

    found = curve(Histogram.of(true, said), 2.0)

    expected = curve(Histogram.of(true, tempered(said, 2.0)))
    for point, other in zip(found, expected, strict=True):
        assert point["said"] == pytest.approx(other["said"], abs=2e-3)
        assert point["true"] == pytest.approx(other["true"], abs=2e-3)


def test_every_voxel_is_in_a_bin():
    said = np.array([0.0, 0.001, 0.5, 1.0, 1.0], np.float32)
    true = np.array([False, False, True, True, True])

    histogram = Histogram.of(true, said)

    assert histogram.inside.sum() == 3
    assert histogram.outside.sum() == 2
    assert histogram.inside[-1] == 2
    assert histogram.outside[0] == 1
    assert np.flatnonzero(histogram.inside + histogram.outside)[2] == BINS // 2
    assert (histogram + histogram).inside.sum() == 6


def test_background_that_is_nearly_sure_decides_nothing():
    true, said = drawn(2.0)
    without = fit_temperature(Histogram.of(true, said))

    background = np.full(10 * len(said), 0.015, np.float32)
    both = np.append(said, background)
    found = fit_temperature(Histogram.of(np.append(true, background > 1), both))

    assert found == without


@pytest.mark.parametrize("kind", [True, False])
def test_where_all_is_of_one_kind_nothing_is_fitted(kind):
    said = np.linspace(0, 1, 50, dtype=np.float32)

    assert fit_temperature(Histogram.of(np.full(50, kind), said)) == 1.0


def test_the_curve_says_what_was_said_and_what_came_true():
    said = np.array([0.05] * 4 + [0.95] * 2, np.float32)
    true = np.array([False, False, False, True, True, True])

    low, high = curve(Histogram.of(true, said))

    assert (low["voxels"], low["true"]) == (4, 0.25)
    assert low["said"] == pytest.approx(0.05, abs=1e-3)
    assert high["said"] == pytest.approx(0.95, abs=1e-3)
    assert (high["voxels"], high["true"]) == (2, 1.0)


def test_what_eight_bits_call_nothing_may_be_half_a_step():
    """A lesion in a pixel of 0 is a surprise, and not one beyond all bounds."""
    said = np.array([0.0, 1.0], np.float32)
    true = np.array([True, True])

    low, high = np.flatnonzero(Histogram.of(true, said, 1 / 510).inside)

    assert 0 < low < high < BINS - 1
    assert low + high == BINS - 1
