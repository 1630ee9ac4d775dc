import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses

from inspire_med.imaging.grid import Grid
from inspire_med.imaging.resample import register_rigidly, resample_to

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

    seen = resample_to(blobs(moving), moving, fixed, sitk.Transform())

    inside = blobs(fixed) > 0.05
    # Linear interpolation over 5 mm slices flattens a blob of 6 mm by a few per cent.
    np.testing.assert_allclose(seen[inside], blobs(fixed)[inside], atol=0.09)
    assert np.corrcoef(seen[inside], blobs(fixed)[inside])[0, 1] > 0.99


def test_its_own_grid_changes_nothing():
    own = grid((20, 22, 10), (2.0, 2.0, 4.0), TURN)

    np.testing.assert_allclose(
        resample_to(blobs(own), own, own, sitk.Transform()), blobs(own), atol=1e-5
    )


def test_outside_of_the_moving_volume_is_zero():
    small, large = grid((10, 10, 10), (2.0, 2.0, 2.0)), grid((40, 40, 40), (2.0, 2.0, 2.0))

    seen = resample_to(np.ones(small.shape, np.float32), small, large, sitk.Transform())

    assert seen[0, 0, 0] == 0
    assert seen[20, 20, 20] == pytest.approx(1)


def test_fine_detail_does_not_alias():
    fine, coarse = grid((80, 80, 8), (0.5, 0.5, 5.0)), grid((20, 20, 8), (2.0, 2.0, 5.0))
    noise = np.random.default_rng(0).standard_normal(fine.shape).astype(np.float32)

    seen = resample_to(noise, fine, coarse, sitk.Transform())

    # The mean of 16 samples has a quarter of their deviation; a plain sample has 0.5 to 1.
    assert seen[2:-2, 2:-2].std() < 0.4


def test_registration_takes_back_a_known_shift():
    fixed = grid((40, 42, 20), (2.0, 2.0, 4.0), TURN @ np.diag([-1.0, 1, 1]))
    moving = grid((60, 60, 20), (1.5, 1.5, 5.0))
    shifted = blobs(moving, shift_mm=(4.0, -3.0, 2.0))

    movement = register_rigidly(shifted, moving, blobs(fixed), fixed)
    seen = resample_to(shifted, moving, fixed, movement)

    before = resample_to(shifted, moving, fixed, sitk.Transform())
    assert np.abs(seen - blobs(fixed)).mean() < 0.4 * np.abs(before - blobs(fixed)).mean()
    # (4, -3, 2) in RAS is (-4, 3, 2) in ITK's LPS.
    moved = np.array(movement.TransformPoint((0.0, 0.0, 0.0)))
    np.testing.assert_allclose(moved, (-4, 3, 2), atol=1.0)


def test_registration_is_repeatable():
    fixed, moving = grid((30, 30, 16), (2.5, 2.5, 4.0)), grid((40, 40, 16), (2.0, 2.0, 5.0))
    shifted = blobs(moving, shift_mm=(3.0, 0.0, 0.0))

    first, second = (register_rigidly(shifted, moving, blobs(fixed), fixed) for _ in range(2))

    assert first.GetParameters() == second.GetParameters()
