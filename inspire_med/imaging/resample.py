"""Resample: values at other places than they were stored at, by one policy for everyone.

Images and probabilities: linear, smoothed first along axes whose voxels grow, or fine detail would
alias. Masks: the same, and a voxel belongs where at least half of it does, or half of what was
judged of it, so that a scribble is not lost among what nobody has judged. A finished label map
that `evaluate --resample` lays on its reference: nearest neighbour, so that no voxel gets a label
that it did not have. Volumes by SimpleITK, pictures by Pillow, nearest neighbours by nibabel: same
files, same answer, however many threads. NIfTI counts (i, j, k) in RAS+ millimetres, ITK in LPS+:
the turn is made here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from nibabel.processing import resample_from_to
from numpy.typing import NDArray
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid, same_grid
from inspire_med.imaging.labels import LabelMap
from inspire_med.imaging.orientation import Turn, orientation_of

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_JUDGED = 1 / 8  # of a voxel: a scribble of one voxel's width is a quarter of those twice as wide
_AT_ONCE = 2**21  # voxels that are resized at a time, so that a large volume is not held thrice


def resample_to(
    moving: NDArray[Any],
    moving_grid: Grid,
    fixed_grid: Grid,
    movement: sitk.Transform | None = None,
) -> NDArray[np.float32]:
    """Sample `moving` (i, j, k) at the voxel centres of `fixed_grid`, linearly; outside is zero.

    Args:
        moving: The volume.
        moving_grid: Where its voxels lie.
        fixed_grid: Where the result's voxels lie.
        movement: From fixed to moving points in LPS+ millimetres; None moves nothing.
    """
    image = to_itk(moving.astype(np.float32, copy=False), moving_grid)
    for axis, sigma_mm in enumerate(_blur_mm(moving_grid, fixed_grid)):
        if sigma_mm > 0 and moving.shape[axis] >= 4:  # the recursive filter needs four voxels
            image = sitk.RecursiveGaussian(image, sigma_mm, direction=axis)
    reference = sitk.Image([int(size) for size in fixed_grid.shape], sitk.sitkUInt8)
    place(reference, fixed_grid.affine)
    movement = movement or sitk.Transform()
    sampled = sitk.Resample(image, reference, movement, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return np.ascontiguousarray(sitk.GetArrayFromImage(sampled).T)


def nearest_to(labels: NDArray[Any], grid: Grid, wanted: Grid, outside: int = 0) -> NDArray[Any]:
    """Labels (i, j, k) of `grid` at the voxel centres of `wanted`, by the nearest neighbour."""
    source: Any = nib.Nifti1Image(labels.reshape(grid.shape), grid.affine)
    # grid-constant: a voxel reaches half its size beyond its centre, at the border too
    moved: Any = resample_from_to(
        source, (wanted.shape, wanted.affine), order=0, mode="grid-constant", cval=outside
    )
    return np.asarray(moved.dataobj).astype(labels.dtype)


def resize(values: NDArray[Any], size: Sequence[int]) -> NDArray[Any]:
    """Resize (channels, *spatial) to (channels, *size), linearly; voxels are cells.

    Pictures of 8 bits stay of 8 bits; everything else becomes float32. What has the size already
    comes back as it is.
    """
    if tuple(values.shape[1:]) == tuple(size):
        return values
    one = _resize_picture if len(size) == 2 else _resize_volume
    return np.stack([one(channel, tuple(size)) for channel in values])


def resize_masks(masks: NDArray[np.bool_], size: Sequence[int]) -> NDArray[np.uint8]:
    """Resize (regions, *spatial) to (regions, *size), 0 or 1: each region by itself, as `resize`.

    A voxel is 1 where at least half of it is. Pictures are resized with 8 bits, as images are.
    """
    if len(size) == 2:
        return (resize(masks.astype(np.uint8) * 255, size) >= 128).astype(np.uint8)
    return (resize(masks.astype(np.float32), size) >= 0.5).astype(np.uint8)


def resize_judged(
    masks: NDArray[np.bool_], judged: NDArray[np.bool_], size: Sequence[int]
) -> NDArray[np.uint8]:
    """As `resize_masks`, of masks that were drawn in places alone; what was judged comes last.

    A voxel is judged where at least an eighth of it is, and belongs where at least half of that
    does.

    Args:
        masks: (regions, *spatial).
        judged: (*spatial).
        size: Of the result, (regions + 1, *size).
    """
    stack = np.concatenate([masks & judged, judged[None]]).astype(np.float32)
    shares = resize(stack, size)
    known = shares[-1] >= _JUDGED
    inside = (shares[:-1] >= shares[-1] / 2) & known
    return np.concatenate([inside, known[None]]).astype(np.uint8)


def on_grid_of(reference: LabelMap, prediction: LabelMap) -> LabelMap:
    """Labels of `prediction` at the voxel centres of `reference`, nearest neighbour; 0 outside.

    Volumes meet where their affines put them; images show the same view at another size. A map
    already on the grid comes back as it is.

    Raises:
        InputError: If shapes differ, and nothing says where a volume lies.
    """
    if _on_one_grid(reference, prediction):
        return prediction
    if reference.affine is not None and prediction.affine is not None:
        labels = nearest_to(prediction.labels, _grid_of(prediction), _grid_of(reference))
        labels = labels.reshape(reference.labels.shape)
    elif len(reference.labels.shape) == len(prediction.labels.shape) == 2:
        height, width = reference.labels.shape
        picture = Image.fromarray(prediction.labels)
        labels = np.asarray(picture.resize((width, height), Image.Resampling.NEAREST))
    else:
        raise InputError(
            f"{prediction.name}: shape {prediction.labels.shape}, but its reference "
            f"{reference.name} has {reference.labels.shape}, and no affine says where it lies; "
            "write it on the case's own grid."
        )
    note = f"{prediction.name}: resampled onto its reference's grid, nearest neighbour."
    return replace(
        prediction,
        labels=labels,
        spacing_mm=reference.spacing_mm,
        affine=reference.affine,
        note=f"{prediction.note} {note}".strip(),
    )


def in_order_of(grid: Grid | None, stored: LabelMap) -> LabelMap:
    """The same voxels with their axes in the order of `grid`, where both lie in one place.

    Nothing is interpolated. What lies elsewhere, or nowhere, comes back as it is.
    """
    own = stored.grid
    if grid is None or own is None or len(grid.shape) != 3 or len(own.shape) != 3:
        return stored
    turn = Turn.to(orientation_of(grid.affine), own.affine)
    turned = turn.grid(own)
    if same_grid(own, grid) or not same_grid(turned, grid):
        return stored
    return replace(
        stored,
        labels=turn.apply(stored.labels),
        spacing_mm=turned.spacing_mm,
        affine=turned.affine,
        judged=None if stored.judged is None else turn.apply(stored.judged),
    )


def to_itk(values: NDArray[Any], grid: Grid) -> sitk.Image:
    """A volume (i, j, k) as SimpleITK's image where its grid puts it."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    place(image, grid.affine)
    return image


def place(image: sitk.Image, affine: NDArray[np.float64]) -> None:
    """Put an image of two or three axes where an affine, (4, 4) to RAS+ millimetres, puts it."""
    dims = image.GetDimension()
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    direction = RAS_TO_LPS @ affine[:3, :3] / spacing
    image.SetSpacing(spacing[:dims].tolist())
    image.SetDirection(direction[:dims, :dims].ravel().tolist())
    image.SetOrigin((RAS_TO_LPS @ affine[:3, 3])[:dims].tolist())


def _blur_mm(moving_grid: Grid, fixed_grid: Grid) -> list[float]:
    """Gaussian sigma for each axis of `moving` that widens its voxels to those of `fixed`."""
    moving_mm = np.linalg.norm(moving_grid.affine[:3, :3], axis=0)
    axes = moving_grid.affine[:3, :3] / moving_mm
    fixed_mm = np.abs(axes.T @ fixed_grid.affine[:3, :3]).max(axis=1)
    # A box of width w has the variance of a Gaussian of sigma w / sqrt(12).
    widened = np.clip(fixed_mm**2 - moving_mm**2, 0, None) / 12
    return [float(sigma) for sigma in np.sqrt(widened)]


def _resize_volume(volume: NDArray[Any], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Axis by axis, those first that shrink."""
    values = volume.astype(np.float32, copy=False)
    for axis in sorted(range(3), key=lambda axis: size[axis] / volume.shape[axis]):
        if values.shape[axis] != size[axis]:
            values = _resize_axis(values, axis, size[axis])
    return values


def _resize_axis(values: NDArray[np.float32], axis: int, side: int) -> NDArray[np.float32]:
    """Resize (i, j, k) along one axis, slab by slab along another."""
    voxels, across = values.shape[axis], int(axis == 0)
    width = voxels / side
    places = np.clip((np.arange(side) + 0.5) * width - 0.5, 0, voxels - 1)
    before = np.minimum(places.astype(np.intp), max(voxels - 2, 0))
    after = np.minimum(before + 1, voxels - 1)
    shares = np.expand_dims(places - before, [1, 2]).swapaxes(0, axis).astype(np.float32)
    resized = np.empty((*values.shape[:axis], side, *values.shape[axis + 1 :]), np.float32)
    thick = max(1, _AT_ONCE * values.shape[across] // values.size)
    for start in range(0, values.shape[across], thick):
        slab = (slice(None),) * across + (slice(start, start + thick),)
        part = _blurred(values[slab], axis, width)
        low, high = part.take(before, axis), part.take(after, axis)
        high -= low  # of a constant exactly 0
        high *= shares
        np.add(low, high, out=resized[slab])
    return resized


def _blurred(part: NDArray[np.float32], axis: int, width: float) -> NDArray[np.float32]:
    """Widen voxels of 1 to `width`, where they grow; see `_blur_mm`."""
    if width <= 1 or part.shape[axis] < 4:  # the recursive filter needs four voxels
        return part
    image = to_itk(part, Grid(part.shape, np.eye(4)))
    image = sitk.RecursiveGaussian(image, float(np.sqrt((width**2 - 1) / 12)), direction=axis)
    return sitk.GetArrayFromImage(image).T


def _resize_picture(plane: NDArray[Any], size: tuple[int, ...]) -> NDArray[Any]:
    plane = plane if plane.dtype == np.uint8 else plane.astype(np.float32)
    picture = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _on_one_grid(reference: LabelMap, prediction: LabelMap) -> bool:
    own, other = reference.grid, prediction.grid
    if own is None or other is None:
        return reference.labels.shape == prediction.labels.shape
    return same_grid(own, other)


def _grid_of(one: LabelMap) -> Grid:
    """Where a label map lies; a flat file is a volume of one slice."""
    assert one.affine is not None
    return Grid((*one.labels.shape, 1)[:3], one.affine)
