"""Resample: bring a volume onto another volume's grid, moved rigidly if asked, by SimpleITK.

NIfTI counts (i, j, k) in RAS+ millimetres, ITK (k, j, i) in LPS+: both turns are made here alone.
"""

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.imaging.grid import Grid

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_SAMPLED_SHARE = 0.05  # of voxels the registration looks at
_SEED = 20221  # its choice of voxels; the same files give the same movement


def resample_to(
    moving: NDArray[np.float32], moving_grid: Grid, fixed_grid: Grid, movement: sitk.Transform
) -> NDArray[np.float32]:
    """Sample `moving` (i, j, k) at the voxel centres of `fixed_grid`, linearly; outside is zero.

    Axes along which the new voxels are larger are smoothed first, or fine detail would alias.

    Args:
        moving: The volume.
        moving_grid: Where its voxels lie.
        fixed_grid: Where the result's voxels lie.
        movement: From fixed to moving points in LPS+ millimetres; `sitk.Transform()` moves nothing.
    """
    image = _to_itk(moving, moving_grid)
    for axis, sigma_mm in enumerate(_blur_mm(moving_grid, fixed_grid)):
        if sigma_mm > 0 and moving.shape[axis] >= 4:  # the recursive filter needs four voxels
            image = sitk.RecursiveGaussian(image, sigma_mm, direction=axis)
    reference = _empty_itk(fixed_grid)
    resampled = sitk.Resample(image, reference, movement, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return _from_itk(resampled)


def register_rigidly(
    moving: NDArray[np.float32],
    moving_grid: Grid,
    fixed: NDArray[np.float32],
    fixed_grid: Grid,
) -> sitk.Transform:
    """Find the rigid movement that lays `moving` over `fixed`, by mutual information.

    Starts from the headers' positions. Seeded sampling and rounding: same files, same answer.
    """
    fixed_image, moving_image = _to_itk(fixed, fixed_grid), _to_itk(moving, moving_grid)
    start = sitk.Euler3DTransform()
    start.SetCenter(_centre_of_mass_lps(fixed, fixed_grid))
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(_SAMPLED_SHARE, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 100)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([2.0, 0.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(fixed_image, moving_image)
    # Sums over threads differ in their last bits; a thousandth of a voxel does not matter.
    start.SetParameters([round(value, 5) for value in start.GetParameters()])
    return start


def _to_itk(data: NDArray[np.float32], grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(data.T))
    _place(image, grid)
    return image


def _empty_itk(grid: Grid) -> sitk.Image:
    image = sitk.Image([int(size) for size in grid.shape], sitk.sitkUInt8)
    _place(image, grid)
    return image


def _place(image: sitk.Image, grid: Grid) -> None:
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((_RAS_TO_LPS @ grid.affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin((_RAS_TO_LPS @ grid.affine[:3, 3]).tolist())


def _from_itk(image: sitk.Image) -> NDArray[np.float32]:
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T)


def _blur_mm(moving_grid: Grid, fixed_grid: Grid) -> list[float]:
    """Gaussian sigma for each axis of `moving` that widens its voxels to those of `fixed`."""
    moving_mm = np.linalg.norm(moving_grid.affine[:3, :3], axis=0)
    axes = moving_grid.affine[:3, :3] / moving_mm
    fixed_mm = np.abs(axes.T @ fixed_grid.affine[:3, :3]).max(axis=1)
    # A box of width w has the variance of a Gaussian of sigma w / sqrt(12).
    widened = np.clip(fixed_mm**2 - moving_mm**2, 0, None) / 12
    return [float(sigma) for sigma in np.sqrt(widened)]


def _centre_of_mass_lps(data: NDArray[np.float32], grid: Grid) -> list[float]:
    points = np.argwhere(data > data.mean())
    centre = points.mean(axis=0) if len(points) else (np.array(data.shape) - 1) / 2
    return (_RAS_TO_LPS @ (grid.affine[:3, :3] @ centre + grid.affine[:3, 3])).tolist()
