import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
import torch
from PIL import Image
from torch.nn.functional import interpolate

from inspire_med.imaging.grid import Grid
from inspire_med.imaging.register import register_rigidly
from inspire_med.imaging.resample import (
    _blur_mm,
    resample_to,
    resize,
    resize_judged,
    resize_masks,
)

TILT = 0.2
TURN = np.array(
    [[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)], [0, np.sin(TILT), np.cos(TILT)]]
) @ np.array([[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]])


def grid(shape, spacing_mm, axes=None, middle_mm=(3.0, -5.0, 8.0)):
    """A grid with its middle at a point that no axis flip maps onto itself."""
    affine = np.eye(4)
    affine[:3, :3] = (np.diag([-1.0, 1, 1]) if axes is None else axes) * np.array(spacing_mm)
    affine[:3, 3] = np.array(middle_mm) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


def blobs(on, shift_mm=(0.0, 0.0, 0.0)):
    """Three unlike Gaussian blobs at fixed points of the patient, seen on a grid."""
    voxels = np.stack(np.meshgrid(*[np.arange(size) for size in on.shape], indexing="ij"), axis=-1)
    points = voxels @ on.affine[:3, :3].T + on.affine[:3, 3] - np.array(shift_mm)
    total = np.zeros(on.shape)
    for centre, width, height in (
        ((15, -5, 8), 8, 1.0),
        ((-12, 10, 12), 6, 0.7),
        ((0, -20, 0), 7, 0.5),
    ):
        total += height * np.exp(-((points - centre) ** 2).sum(-1) / (2 * width**2))
    return total.astype(np.float32)


@pytest.mark.parametrize(
    "fixed",
    [
        grid((40, 42, 20), (2.0, 2.0, 4.0)),
        grid((40, 42, 20), (2.0, 2.0, 4.0), TURN @ np.diag([-1.0, 1, 1])),
        grid((40, 42, 20), (2.0, 2.0, 4.0), TURN @ np.diag([-1.0, -1, 1])),
        grid((20, 42, 40), (4.0, 2.0, 2.0), TURN[:, [2, 1, 0]]),
    ],
    ids=["las", "oblique-las", "oblique-lps", "oblique-sagittal"],
)
def test_what_lies_at_one_point_of_the_patient_lands_there(fixed):
    moving = grid((90, 90, 18), (1.0, 1.0, 5.0), np.diag([1.0, -1, 1]))

    seen = resample_to(blobs(moving), moving, fixed)

    inside = blobs(fixed) > 0.05
    # Linear interpolation over 5 mm slices flattens a blob of 6 mm by a few per cent.
    np.testing.assert_allclose(seen[inside], blobs(fixed)[inside], atol=0.09)
    assert np.corrcoef(seen[inside], blobs(fixed)[inside])[0, 1] > 0.99


def test_its_own_grid_changes_nothing():
    own = grid((20, 22, 10), (2.0, 2.0, 4.0), TURN)

    np.testing.assert_allclose(resample_to(blobs(own), own, own), blobs(own), atol=1e-5)


def test_outside_of_the_moving_volume_is_zero():
    small, large = grid((10, 10, 10), (2.0, 2.0, 2.0)), grid((40, 40, 40), (2.0, 2.0, 2.0))

    seen = resample_to(np.ones(small.shape, np.float32), small, large)

    assert seen[0, 0, 0] == 0
    assert seen[20, 20, 20] == pytest.approx(1)


def test_fine_detail_does_not_alias():
    fine, coarse = grid((80, 80, 8), (0.5, 0.5, 5.0)), grid((20, 20, 8), (2.0, 2.0, 5.0))
    noise = np.random.default_rng(0).standard_normal(fine.shape).astype(np.float32)

    seen = resample_to(noise, fine, coarse)

    # The mean of 16 samples has a quarter of their deviation; a plain sample has 0.5 to 1.
    assert seen[2:-2, 2:-2].std() < 0.4


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_white_noise_that_shrinks_has_about_the_deviation_of_means(factor):
    noise = np.random.default_rng(0).standard_normal((1, 96, 96, 96)).astype(np.float32)

    shrunk = resize(noise, (96 // factor,) * 3)

    # A mean of factor^3 voxels; without smoothing first, 0.35 for 4 and 1 for 3.
    assert 0.7 < shrunk.std() / factor**-1.5 < 1.1


def test_only_the_axis_that_shrinks_is_smoothed():
    noise = np.random.default_rng(0).standard_normal((1, 64, 12, 10)).astype(np.float32)

    shrunk = resize(noise, (16, 12, 10))

    assert 0.4 < shrunk.std() < 0.52  # of one axis: a quarter of the voxels, half the deviation
    doubled = resize(shrunk, (16, 24, 10))
    between = 0.25 * shrunk[:, :, :-1] + 0.75 * shrunk[:, :, 1:]
    np.testing.assert_allclose(doubled[:, :, 2:-1:2], between, atol=1e-5)


@pytest.mark.parametrize("size", [(18, 24, 10), (9, 13, 11), (27, 12, 5)])
def test_what_grows_is_as_torch_interpolates(size):
    values = np.random.default_rng(0).random((2, 9, 12, 5)).astype(np.float32)

    grown = resize(values, size)

    theirs = interpolate(torch.from_numpy(values)[None], size=size, mode="trilinear")[0]
    np.testing.assert_allclose(grown, theirs, atol=1e-5)


@pytest.mark.parametrize("size", [(18, 24), (9, 13), (31, 12)])
def test_a_plane_that_grows_is_as_torch_interpolates(size):
    values = np.random.default_rng(0).random((2, 9, 12)).astype(np.float32)

    grown = resize(values, size)

    theirs = interpolate(torch.from_numpy(values)[None], size=size, mode="bilinear")[0]
    np.testing.assert_allclose(grown, theirs, atol=1e-5)


def test_a_picture_stays_of_8_bits_and_is_resized_as_pillow_does_it():
    picture = np.random.default_rng(0).integers(0, 255, (21, 30, 3), dtype=np.uint8)
    theirs = Image.fromarray(picture).resize((12, 40), Image.Resampling.BILINEAR)

    ours = resize(np.moveaxis(picture, -1, 0), (40, 12))

    np.testing.assert_array_equal(ours, np.moveaxis(np.asarray(theirs), -1, 0))


def test_its_own_size_is_the_same_array():
    values = np.zeros((1, 4, 4), np.float32)

    assert resize(values, (4, 4)) is values


@pytest.mark.parametrize("size", [(7, 6, 5), (23, 21, 30), (5, 25, 1), (1, 1, 1)])
def test_a_constant_stays_one(size):
    np.testing.assert_allclose(resize(np.full((1, 11, 9, 3), 3.0), size), 3.0, rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_no_bit(threads):
    noise = np.random.default_rng(0).standard_normal((1, 40, 41, 42)).astype(np.float32)
    expected = resize(noise, (20, 60, 30))
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    try:
        np.testing.assert_array_equal(resize(noise, (20, 60, 30)), expected)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def test_a_voxel_is_in_a_mask_where_half_of_it_is():
    # Lines of 2 voxels made 1: the middle of 1 and 1, of 1 and 0, of 0 and 0.
    mask = np.array([1, 1, 1, 0, 0, 0], bool)
    line = np.broadcast_to(mask, (1, 5, 6))
    volume = np.broadcast_to(mask[:, None, None], (1, 6, 5, 5))

    assert resize_masks(line, (5, 3)).tolist() == [[[1, 1, 0]] * 5]
    assert resize_masks(volume, (3, 5, 5))[0, :, 0, 0].tolist() == [1, 1, 0]
    assert resize_masks(volume, (6, 5, 5)).dtype == np.uint8


def test_each_region_is_resized_by_itself():
    labels = np.random.default_rng(0).integers(0, 3, (8, 9, 7))
    masks = np.stack([labels == 1, labels == 2])

    both = resize_masks(masks, (5, 12, 7))

    for one, mask in zip(both, masks, strict=True):
        np.testing.assert_array_equal(one, resize_masks(mask[None], (5, 12, 7))[0])


def test_registration_takes_back_a_known_shift():
    fixed = grid((40, 42, 20), (2.0, 2.0, 4.0), TURN @ np.diag([-1.0, 1, 1]))
    moving = grid((60, 60, 20), (1.5, 1.5, 5.0))
    shifted = blobs(moving, shift_mm=(4.0, -3.0, 2.0))

    movement = register_rigidly(shifted, moving, blobs(fixed), fixed)
    seen = resample_to(shifted, moving, fixed, movement)

    before = resample_to(shifted, moving, fixed)
    assert np.abs(seen - blobs(fixed)).mean() < 0.4 * np.abs(before - blobs(fixed)).mean()
    # (4, -3, 2) in RAS is (-4, 3, 2) in ITK's LPS.
    moved = np.array(movement.TransformPoint((0.0, 0.0, 0.0)))
    np.testing.assert_allclose(moved, (-4, 3, 2), atol=1.0)


def test_registration_is_repeatable():
    fixed, moving = grid((30, 30, 16), (2.5, 2.5, 4.0)), grid((40, 40, 16), (2.0, 2.0, 5.0))
    shifted = blobs(moving, shift_mm=(3.0, 0.0, 0.0))

    first, second = (register_rigidly(shifted, moving, blobs(fixed), fixed) for _ in range(2))

    assert first.GetParameters() == second.GetParameters()


def test_a_voxel_is_blurred_by_what_it_lacks_to_the_one_it_becomes():
    # variances of boxes of 2 and 8 mm are 4/12 and 64/12; nothing is blurred to become finer
    sigmas_mm = _blur_mm(
        Grid((4, 4, 4), np.diag([2.0, 2.0, 5.0, 1.0])),
        Grid((4, 4, 4), np.diag([8.0, 1.0, 5.0, 1.0])),
    )

    assert sigmas_mm == pytest.approx([(60 / 12) ** 0.5, 0, 0])


class TestWhatWasJudged:
    def test_a_voxel_belongs_where_half_of_what_was_judged_of_it_does(self):
        """Cells of 2 x 2: three quarters judged, of which one is inside, or two; one; none."""
        judged = np.array([[1, 1, 1, 1, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0, 0, 0]], bool)
        inside = np.array([[1, 0, 1, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0, 0, 0]], bool)

        mask, known = resize_judged(inside[None, :, :, None], judged[..., None], (1, 4, 1))

        assert known.ravel().tolist() == [1, 1, 1, 0]
        assert mask.ravel().tolist() == [0, 1, 1, 0]

    @pytest.mark.parametrize("size", [(5, 7), (14, 5), (5, 9, 4), (8, 14, 6)])
    def test_where_all_was_judged_it_is_as_for_any_mask(self, size):
        masks = np.random.default_rng(0).random((2, 9, 12, 5)[: 1 + len(size)]) > 0.6

        *found, known = resize_judged(masks, np.ones(masks.shape[1:], bool), size)

        assert known.all()
        differing = np.mean(np.stack(found) != resize_masks(masks, size))
        assert differing < (0.02 if len(size) == 2 else 1e-9)  # pictures' masks have 8 bits


@pytest.mark.parametrize("size", [(7, 30, 12), (19, 5, 40), (13, 17, 8)])
def test_pieces_are_resized_as_the_whole(monkeypatch, size):
    volume = np.random.default_rng(0).normal(size=(1, 13, 17, 21)).astype(np.float32)
    whole = resize(volume, size)

    monkeypatch.setattr("inspire_med.imaging.resample._AT_ONCE", 300)

    np.testing.assert_array_equal(resize(volume, size), whole)


@pytest.mark.parametrize("size", [(7, 30, 12), (19, 5, 40)])
def test_axis_by_axis_is_as_all_at_once(size):
    volume = np.random.default_rng(0).normal(size=(13, 17, 21)).astype(np.float32)
    widths = np.array(volume.shape) / np.array(size)
    affine = np.diag([*widths, 1.0])
    affine[:3, 3] = (widths - 1) / 2

    at_once = resample_to(volume, Grid(volume.shape, np.eye(4)), Grid(size, affine))

    np.testing.assert_allclose(resize(volume[None], size)[0], at_once, atol=1e-5)
