import numpy as np

from inspire_med.cases.normalise import scale_picture, z_score_within


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

    scaled = scale_picture(picture)

    assert scaled.shape == (3, 20, 30)
    np.testing.assert_allclose(scaled.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=(1, 2)), 1, atol=1e-4)


def test_a_picture_of_one_colour_is_not_divided_by_nothing():
    assert np.isfinite(scale_picture(np.full((4, 4, 3), 9, np.uint8))).all()
