import numpy as np
import pytest

from inspire_med.inference.doubt import Calibration, calibrated
from inspire_med.tuning.calibration import (
    BINS,
    Histogram,
    Said,
    curve,
    expected_error,
    fit,
    tried,
)


def drawn(temperature, bias=0.0, voxels=400_000):
    """Voxels whose chances are right, and what a network says that is off by this much."""
    random = np.random.default_rng(0)
    logits = random.normal(-1, 2, voxels)
    true = random.random(voxels) < 1 / (1 + np.exp(-logits))
    said = 1 / (1 + np.exp(-logits * temperature - bias))
    return true, said.astype(np.float32)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 2.0])
@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.6, 3.0])
def test_what_was_put_in_is_found(temperature, bias):
    found = fit(Histogram.of(*drawn(temperature, bias)))

    assert found.temperature == pytest.approx(temperature, rel=0.03)
    assert found.bias == pytest.approx(bias, abs=0.04)


def test_each_group_is_calibrated_by_the_others_alone():
    """Three cases of two networks: what one network's says of another is not its own."""
    cases = [Histogram.of(*drawn(*off)) for off in ((2.0, 0.0), (2.0, 0.0), (1.0, 1.5))]

    first, second = tried(cases, np.array([0, 0, 1]))

    assert first.calibration == fit(cases[2])
    assert second.calibration == fit(cases[0] + cases[1])
    assert first.histogram.inside.sum() == 2 * cases[0].inside.sum()


def test_the_error_is_how_far_what_was_said_is_from_what_came_true():
    said = np.array([0.001] * 90 + [0.35] * 4 + [0.85] * 6, np.float32)  # the first do not count
    true = np.array([False] * 90 + [True, False, False, False] + [True] * 3 + [False] * 3)

    found = expected_error([Said(Histogram.of(true, said))])

    assert found == pytest.approx((4 * 0.10 + 6 * 0.35) / 10, abs=2e-3)


def test_a_bias_that_no_temperature_mends_is_mended():
    true, said = drawn(1.0, 1.0)
    histogram = Histogram.of(true, said)

    assert expected_error([Said(histogram)]) > 0.1
    assert expected_error([Said(histogram, fit(histogram))]) < 0.005


def test_calibrated_probabilities_come_true():
    off = Calibration(2.0, 0.5)
    true, said = drawn(2.0, 0.5)

    before = curve([Said(Histogram.of(true, said))])
    after = curve([Said(Histogram.of(true, calibrated(said, off)))])

    def off(points):
        voxels = np.array([point["voxels"] for point in points])
        apart = [abs(point["said"] - point["true"]) for point in points]
        return float((voxels * apart).sum() / voxels.sum())

    assert off(before) > 0.05
    assert off(after) < 0.005


def test_the_curve_of_what_is_calibrated_is_that_of_calibrated_probabilities():
    off = Calibration(2.0, 0.5)
    true, said = drawn(2.0, 0.5)

    found = curve([Said(Histogram.of(true, said), off)])

    expected = curve([Said(Histogram.of(true, calibrated(said, off)))])
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
    without = fit(Histogram.of(true, said))

    background = np.full(10 * len(said), 0.015, np.float32)
    both = np.append(said, background)
    found = fit(Histogram.of(np.append(true, background > 1), both))

    assert found == without


@pytest.mark.parametrize("kind", [True, False])
def test_where_all_is_of_one_kind_nothing_is_fitted(kind):
    said = np.linspace(0, 1, 50, dtype=np.float32)

    assert fit(Histogram.of(np.full(50, kind), said)) == Calibration()


def test_the_curve_says_what_was_said_and_what_came_true():
    said = np.array([0.05] * 4 + [0.95] * 2, np.float32)
    true = np.array([False, False, False, True, True, True])

    low, high = curve([Said(Histogram.of(true, said))])

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
