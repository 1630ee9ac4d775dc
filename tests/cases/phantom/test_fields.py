import numpy as np
import pytest

from inspire_med.cases.phantom.fields import lowest, paint_ball, radius_field, smooth_noise


@pytest.mark.parametrize("shape", [(121, 97), (45, 37, 51)])
def test_noise_is_as_smooth_as_white_noise_under_a_gaussian(shape):
    field = smooth_noise(np.random.default_rng(0), shape, 3)

    assert field.shape == shape
    assert abs(field.mean()) < 1e-4
    assert abs(field.std() - 1) < 1e-4
    for axis in range(len(shape)):
        near, far = (np.moveaxis(field, axis, 0) for _ in range(2))
        # Of white noise under a Gaussian of deviation s: exp(-d^2 / (4 s^2)) at a distance d.
        for distance, expected in ((3, 0.779), (9, 0.105)):
            correlation = (near[distance:] * far[:-distance]).mean()
            assert abs(correlation - expected) < 0.12


def test_noise_has_a_width_along_each_axis():
    field = smooth_noise(np.random.default_rng(1), (60, 60), (1, 12))

    assert np.abs(np.diff(field, axis=0)).mean() > 4 * np.abs(np.diff(field, axis=1)).mean()


@pytest.mark.parametrize("count", [0, 1, 17, 24, 25, 99])
def test_the_lowest_are_that_many_and_no_other_is_lower(count):
    field = np.random.default_rng(2).permutation(35).reshape(5, 7).astype(np.float32)
    inside = np.zeros((5, 7), bool)
    inside[:, :5] = True

    found = lowest(field, inside, count)

    assert found.sum() == min(count, 25)
    assert not (found & ~inside).any()
    if 0 < count < 25:
        assert field[found].max() < field[inside & ~found].min()


def test_the_radius_is_one_on_the_surface():
    field = radius_field((9, 11), (4, 5), (2, 4))

    assert field[4, 5] == 0
    assert field[6, 5] == field[4, 1] == field[4, 9] == 1
    assert field[2, 9] == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("shape", [(61, 61), (41, 43, 39)])
def test_balls_stay_inside_and_have_about_their_volume(shape):
    inside = np.zeros(shape, bool)
    inside[: shape[0] // 2] = True
    volumes = []
    for seed in range(30):
        tissue = np.zeros(shape, np.uint8)
        paint_ball(tissue, inside, np.random.default_rng(seed), 3, np.full(len(shape), 6.0))
        assert set(np.unique(tissue)) == {0, 3}
        assert not tissue[~inside].any()
        volumes.append((tissue > 0).sum())
    whole = np.pi * 6**2 if len(shape) == 2 else 4 / 3 * np.pi * 6**3

    assert 0.5 * whole < np.mean(volumes) < 1.1 * whole  # some are cut off at the mask's end
