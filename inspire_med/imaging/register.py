"""Register: the rigid movement that lays one scan of a patient over another, by SimpleITK."""

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.imaging.grid import Grid
from inspire_med.imaging.resample import RAS_TO_LPS, to_itk

_SAMPLED_SHARE = 0.05  # of voxels the registration looks at
_SEED = 20221  # its choice of voxels; the same files give the same movement


def register_rigidly(
    moving: NDArray[np.float32],
    moving_grid: Grid,
    fixed: NDArray[np.float32],
    fixed_grid: Grid,
) -> sitk.Transform:
    """Find the rigid movement that lays `moving` over `fixed`, by mutual information.

    Starts from the headers' positions. Seeded sampling and rounding: same files, same answer.
    """
    fixed_image, moving_image = to_itk(fixed, fixed_grid), to_itk(moving, moving_grid)
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


def _centre_of_mass_lps(data: NDArray[np.float32], grid: Grid) -> list[float]:
    points = np.argwhere(data > data.mean())
    centre = points.mean(axis=0) if len(points) else (np.array(data.shape) - 1) / 2
    return (RAS_TO_LPS @ (grid.affine[:3, :3] @ centre + grid.affine[:3, 3])).tolist()
