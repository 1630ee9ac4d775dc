import numpy as np
import pytest

from inspire_med.cases.phantom.scanner import Scanner, add_ghost, add_spike

PLAIN = {"site": "here", "contrast": 1, "bias": 0, "noise": 0, "slice_mm": 0, "spoilt": 0}


def receive(scan: np.ndarray, **values: float) -> np.ndarray:
    return Scanner(**(PLAIN | values)).receive(scan, (1, 1, 2), np.random.default_rng(0))


def test_a_plain_scanner_changes_nothing():
    scan = np.random.default_rng(0).random((9, 8, 7), dtype=np.float32)

    np.testing.assert_array_equal(receive(scan), scan)


def test_contrast_is_an_exponent():
    np.testing.assert_allclose(Scanner(**(PLAIN | {"contrast": 2})).signal((0.5, 3)), (0.25, 9))


def test_a_thick_slice_sums_up_its_neighbours():
    scan = np.zeros((5, 5, 9), np.float32)
    scan[:, :, 4] = 6

    thick = receive(scan, slice_mm=6)  # three slices of 2 mm

    np.testing.assert_allclose(thick[2, 2], (0, 0, 0, 2, 2, 2, 0, 0, 0), atol=1e-6)


def test_bias_is_smooth_and_of_its_strength():
    scan = np.ones((101, 99, 53), np.float32)

    logs = np.log(receive(scan, bias=0.3))

    assert logs.std() == pytest.approx(0.3, abs=0.01)
    assert np.abs(np.diff(logs, axis=0)).max() < 0.05


def test_a_ghost_is_a_second_fainter_patient():
    scan = np.zeros((4, 20, 3), np.float32)
    scan[:, 10] = 10

    ghost = add_ghost(scan, np.random.default_rng(0)) - scan

    (column,) = np.flatnonzero(ghost[0, :, 0])
    assert column not in (9, 10, 11)
    assert 1 <= ghost[0, column, 0] <= 2.5
    assert np.count_nonzero(ghost) == 12


def test_a_spike_is_one_point_more_in_k_space():
    scan = np.full((16, 18, 14), 100, np.float32)

    stripes = add_spike(scan, np.random.default_rng(0)) - scan

    power = np.abs(np.fft.fftn(stripes)) ** 2
    assert 5 < np.abs(stripes).max() <= 20
    assert np.sort(power.ravel())[-16:].sum() > 0.5 * power.sum()


def test_spoilt_scans_are_the_share_that_was_asked_for():
    scan = np.ones((6, 20, 6), np.float32)
    scanner, random = Scanner(**(PLAIN | {"spoilt": 0.3})), np.random.default_rng(0)

    spoilt = [
        not np.array_equal(scanner.receive(scan, (1, 1, 1), random), scan) for _ in range(400)
    ]

    assert np.mean(spoilt) == pytest.approx(0.3, abs=0.07)
