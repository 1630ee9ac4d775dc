"""Reading: a series opened like any other volume, and its voxels."""

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_rescale, get_decoder, pixel_array

from inspire_med.errors import InputError
from inspire_med.imaging.dicom.geometry import affine_of
from inspire_med.imaging.dicom.header import DicomFile, read_header
from inspire_med.imaging.dicom.planes import Plane
from inspire_med.imaging.dicom.series import volumes_of
from inspire_med.imaging.stored import Header, Stored, refuse_affine, refuse_promise, truncated

_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


def open_dicom(path: Path) -> Stored:
    """Open the volume that a file belongs to; several that it holds lie along a fourth axis.

    Raises:
        InputError: As `volumes_of` and `affine_of`; also if voxels are stored in a way that is not
            known, or a file is too small for what its header promises.
    """
    volumes = volumes_of(path)
    first = volumes[0].planes
    affine = affine_of(first)
    for other in volumes[1:]:
        if len(other.planes) != len(first) or not np.allclose(affine_of(other.planes), affine):
            raise InputError(
                f"{path}: holds volumes that lie on several grids ({volumes[0].name}, "
                f"{other.name}); export them as series of their own."
            )
    refuse_affine(path, affine)
    for file in {file for volume in volumes for file in volume.files}:
        _refuse_unreadable(read_header(file))
    rows, columns = first[0].size
    several = (len(volumes),) if len(volumes) > 1 else ()
    shape = (columns, rows, len(first), *several)
    header = Header(affine.tolist(), qform_code=1, sform_code=1, units=["mm", "unknown"])
    read = partial(_read, [volume.planes for volume in volumes], shape)
    return Stored(path, shape, affine, header, "float32", "mm", path, read)


def files_of_series(path: Path) -> tuple[Path, ...]:
    """All files of the volumes that a file belongs to, sorted along the slice normal.

    Raises:
        InputError: As `volumes_of`.
    """
    return tuple(dict.fromkeys(file for each in volumes_of(path) for file in each.files))


def _refuse_unreadable(file: DicomFile) -> None:
    """Refuse voxels that cannot be decoded, or cannot be as many, before any is."""
    native = file.transfer_syntax in _NATIVE
    if not native and not _is_decodable(file.transfer_syntax):
        raise InputError(
            f"{file.path}: its voxels are stored in the transfer syntax "
            f"{file.transfer_syntax or 'unsaid'}, which is not known here; export it uncompressed."
        )
    highest = max(plane.frame for plane in file.planes) + 1
    tile = file.planes[0].tile
    rows, columns = file.planes[0].size
    refuse_promise(
        file.path, rows * columns * (len(file.planes) if tile else highest), file.item_bytes,
        held=file.path.stat().st_size, packed=not native,
    )  # fmt: skip


def _is_decodable(syntax: str) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _read(
    volumes: Sequence[Sequence[Plane]], shape: tuple[int, ...], dtype: DTypeLike
) -> NDArray[Any]:
    values = np.empty((*shape[:3], len(volumes)), np.float32 if dtype is None else dtype)
    places: dict[Path, list[tuple[int, int, Plane]]] = {}
    for number, planes in enumerate(volumes):
        for place, plane in enumerate(planes):
            places.setdefault(plane.path, []).append((number, place, plane))
    for path, own in places.items():
        frames = _frames(path)
        for number, place, plane in own:
            values[:, :, place, number] = _cut(frames, plane).T
    return values.reshape(shape)


def _cut(frames: NDArray[Any], plane: Plane) -> NDArray[Any]:
    if plane.tile is None:
        return frames[plane.frame]
    (row, column), (rows, columns) = plane.tile, plane.size
    return frames[0, row : row + rows, column : column + columns]


def _frames(path: Path) -> NDArray[Any]:
    """A file's frames, (frame, row, column), with slope and intercept.

    Raises:
        InputError: If it is truncated or corrupt.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # padding after the voxels, odd values: all are checked
            content = dcmread(path)
            stored = pixel_array(content)
            stored = stored[None] if stored.ndim == 2 else stored
            groups = content.get("PerFrameFunctionalGroupsSequence")
            if not groups:
                return apply_rescale(stored, content)
            shared = content.get("SharedFunctionalGroupsSequence") or [Dataset()]
            return np.stack([
                apply_rescale(frame, _scaling(own, shared[0]))
                for frame, own in zip(stored, groups, strict=True)
            ])  # fmt: skip
    except (AttributeError, EOFError, KeyError, NotImplementedError, OSError, RuntimeError,
            TypeError, ValueError) as error:  # fmt: skip
        raise truncated(path, error) from None


def _scaling(own: Dataset, shared: Dataset) -> Dataset:
    """Slope and intercept of one frame; nothing where none are said."""
    said = own.get("PixelValueTransformationSequence") or shared.get(
        "PixelValueTransformationSequence"
    )
    return said[0] if said else Dataset()
