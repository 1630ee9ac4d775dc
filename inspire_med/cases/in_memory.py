"""In memory: a case whose channels are arrays or SimpleITK's images, prepared as its files are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray

from inspire_med.cases.align import align
from inspire_med.cases.layouts.found import FoundCase
from inspire_med.cases.prepare import Prepared, prepare_aligned, prepare_planes
from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.itk import affine_of, header_of, refuse_colours
from inspire_med.imaging.stored import Header
from inspire_med.imaging.volume import Volume
from inspire_med.tasks.task import Preparation


def prepare_arrays(
    arrays: Mapping[str, NDArray[Any]],
    channels: Sequence[str],
    affine: NDArray[np.float64],
    preparation: Preparation,
) -> Prepared:
    """Turn, crop, resample and normalise arrays.

    Args:
        arrays: Channel name to (i, j, k) volume, or to (height, width) plane of 0-255; all of one
            shape. Channels that are not there are zero.
        channels: Channel names in the order of the network's input.
        affine: Of volumes, from voxel to RAS+ millimetres.
        preparation: How.

    Raises:
        InputError: If the shapes differ, a voxel is not finite, or a plane is not one of 0-255.
    """
    arrays = {name: np.asarray(arrays[name]) for name in channels if name in arrays}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise InputError(f"arrays: their shapes differ ({shapes}); resample them to one grid.")
    if len(next(iter(shapes.values()))) == 2:
        return _planes(arrays, channels, preparation, None, "array")
    volumes = {
        name: Volume(array, Grid(array.shape, affine), None) for name, array in arrays.items()
    }
    return _volumes(volumes, channels, preparation, "array")


def prepare_images(
    images: Mapping[str, sitk.Image], channels: Sequence[str], preparation: Preparation
) -> Prepared:
    """Turn, align, crop, resample and normalise SimpleITK's images.

    Args:
        images: Channel name to image of one number a voxel, of three axes, or of two and 0-255.
            Channels that are not there are zero.
        channels: Channel names in the order of the network's input.
        preparation: How.

    Raises:
        InputError: If grids differ, an image holds colours or vectors, a voxel is not finite, or a
            plane is not one of 0-255.
    """
    volumes: dict[str, Volume] = {}
    for name in (name for name in channels if name in images):
        image = images[name]
        refuse_colours(_called("image", name), image)
        values = sitk.GetArrayFromImage(image)
        if image.GetDimension() == 3:
            values = values.T  # SimpleITK's arrays count (z, y, x)
        affine = affine_of(image)
        volumes[name] = Volume(values, Grid(values.shape, affine), header_of(affine))
    first = next(iter(volumes.values()))
    if len(first.grid.shape) == 3:
        return _volumes(volumes, channels, preparation, "image")
    for name, volume in volumes.items():
        if volume.grid.shape != first.grid.shape:
            raise InputError(
                f"image {name}: of {volume.grid.shape} pixels where another channel is of "
                f"{first.grid.shape}; resample it to that grid."
            )
    planes = {name: volume.values for name, volume in volumes.items()}
    return _planes(planes, channels, preparation, first.header, "image")


def _volumes(
    volumes: Mapping[str, Volume], channels: Sequence[str], preparation: Preparation, kind: str
) -> Prepared:
    case = FoundCase("", "", {name: _called(kind, name) for name in volumes})

    def read(channel: str) -> Volume:
        volume = volumes[channel]
        _refuse_not_finite(volume.values, f"{kind} {channel}")
        return replace(volume, values=np.ascontiguousarray(volume.values, dtype=np.float32))

    aligned = align(case, channels, preparation, read)
    return Prepared(*prepare_aligned(aligned, channels, preparation))


def _planes(
    planes: Mapping[str, NDArray[Any]],
    channels: Sequence[str],
    preparation: Preparation,
    header: Header | None,
    kind: str,
) -> Prepared:
    for name, plane in planes.items():
        _refuse_not_finite(plane, f"{kind} {name}")
    _refuse_other_range(list(planes.values()), f"{kind}s")
    empty = np.zeros_like(next(iter(planes.values())))
    stacked = np.stack([planes.get(name, empty) for name in channels]).astype(np.uint8)
    return Prepared(*prepare_planes(stacked, channels, preparation, header))


def _called(kind: str, channel: str) -> Path:
    """What a sentence names in place of a file."""
    return Path(f"{kind} {channel}")


def _refuse_not_finite(values: NDArray[Any], name: str) -> None:
    if not np.isfinite(values).all():
        raise InputError(f"{name}: holds NaN or infinite voxels; replace them.")


def _refuse_other_range(planes: Sequence[NDArray[Any]], name: str) -> None:
    """Refuse planes that a cast to 8 bits would make black or wrap around."""
    low = min(float(np.min(plane)) for plane in planes)
    high = max(float(np.max(plane)) for plane in planes)
    shares = high <= 1 and any(plane.dtype.kind == "f" for plane in planes)
    if low < 0 or high > 255 or shares:
        raise InputError(f"{name}: a picture of {low:g} to {high:g}; give colours of 0 to 255.")
