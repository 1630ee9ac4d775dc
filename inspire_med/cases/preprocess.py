"""Preprocess: a case's files to the arrays the network sees, with a record of the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.cases.align import aligned_volumes
from inspire_med.cases.case import Case
from inspire_med.cases.check import read_label
from inspire_med.cases.placement import grid_sentence, reference_channel
from inspire_med.cases.prepare_picture import picture_image, picture_target
from inspire_med.cases.prepare_volumes import volumes_image, volumes_record, volumes_target
from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid, same_grid
from inspire_med.imaging.images import read_mask_image
from inspire_med.imaging.masks import Regions
from inspire_med.imaging.picture import is_picture, read_picture
from inspire_med.imaging.volume import Header
from inspire_med.tasks.find import task_named


@dataclass(frozen=True)
class Prepared:
    """A case as the network sees it.

    Args:
        image: (channels, *spatial), float32, or a float16 memory map from the store.
        record: JSON-able; what `restore` and the writers need to come back to the file's grid.
        target: (regions, *spatial), 0 or 1, or None without a label.
    """

    image: NDArray[Any]
    record: dict[str, Any]
    target: NDArray[np.uint8] | None = None

    def image_tensor(self) -> torch.Tensor:
        """The whole image as a float32 tensor of its own memory."""
        return torch.from_numpy(np.array(self.image, dtype=np.float32))


@dataclass(frozen=True)
class Preprocessor:
    """How cases are prepared. The record makes all of it undoable.

    Args:
        spacing_mm: Voxel size to resample volumes to; None keeps the file's own.
        image_size: (height, width) to resize images to; None keeps the file's own.
        crop_to_foreground: Cut volumes to the box of what is not zero.
        grids_differ: Resample channels that lie on another grid (ISLES' FLAIR) instead of refusing.
        register: Also move such channels rigidly onto the reference, by mutual information.
    """

    spacing_mm: tuple[float, float, float] | None = None
    image_size: tuple[int, int] | None = None
    crop_to_foreground: bool = True
    grids_differ: bool = False
    register: bool = False

    @classmethod
    def for_task(
        cls,
        task: str,
        *,
        spacing_mm: tuple[float, float, float] | None = None,
        image_size: tuple[int, int] | None = None,
        register: bool = False,
    ) -> "Preprocessor":
        """The task's usual preparation."""
        usual = task_named(task).preparation
        return cls(
            spacing_mm=spacing_mm,
            image_size=image_size or usual.image_size,
            crop_to_foreground=usual.crop_to_foreground,
            grids_differ=bool(usual.resampled),
            register=register,
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Preprocessor":
        """Rebuild from `to_json`."""
        spacing, size = content["spacing_mm"], content["image_size"]
        return replace(
            cls(
                **{
                    name: content[name]
                    for name in ("crop_to_foreground", "grids_differ", "register")
                }
            ),
            spacing_mm=None if spacing is None else (spacing[0], spacing[1], spacing[2]),
            image_size=None if size is None else (size[0], size[1]),
        )

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        return asdict(self)

    def prepare(self, case: Case, channels: Sequence[str], regions: Regions) -> Prepared:
        """Read, align, crop, resample and normalise a case.

        Args:
            case: The case.
            channels: Channel names in the order of the network's input.
            regions: Region name to label values.

        Raises:
            InputError: If a file is broken, a channel is missing, or grids differ.
        """
        missing = [name for name in channels if name not in case.images and name not in case.filled]
        if missing:
            raise InputError(
                f"{case.id}: lacks the channel {missing[0]} that the network reads; add the file, "
                "or prepare the case with --fill_missing."
            )
        if is_picture(case.images):
            return self._prepare_picture(case, channels, regions)
        return self._prepare_volumes(case, channels, regions)

    def prepare_arrays(
        self,
        arrays: Mapping[str, NDArray[Any]],
        channels: Sequence[str],
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> Prepared:
        """Crop, resample and normalise what is in memory already.

        Args:
            arrays: Channel name to (i, j, k) volume, or to (height, width) plane of 0-255; all of
                one shape.
            channels: Channel names in the order of the network's input.
            spacing_mm: Voxel size of volumes.

        Raises:
            InputError: If the shapes differ, a voxel is not finite, or a plane is not one of 0-255.
        """
        shapes = {name: np.shape(arrays[name]) for name in channels}
        if len(set(shapes.values())) > 1:
            raise InputError(f"arrays: their shapes differ ({shapes}); resample them to one grid.")
        for name in channels:
            if not np.isfinite(arrays[name]).all():
                raise InputError(f"array {name}: holds NaN or infinite voxels; replace them.")
        shape = shapes[channels[0]]
        if len(shape) == 2:
            _refuse_other_range(arrays, channels)
            picture = np.stack([arrays[name] for name in channels], axis=-1).astype(np.uint8)
            planes = range(len(channels))
            return Prepared(*picture_image(picture, planes, self.image_size, "array"))
        volumes = {name: np.asarray(arrays[name], dtype=np.float32) for name in channels}
        brain = np.any([volume != 0 for volume in volumes.values()], axis=0)
        grid = Grid(shape, np.diag([*spacing_mm, 1.0]))
        record = self._record(brain, grid, None, "array")
        return Prepared(volumes_image(volumes, brain, channels, record), record)

    def _prepare_picture(self, case: Case, channels: Sequence[str], regions: Regions) -> Prepared:
        picture = read_picture(next(iter(case.images.values())))
        parts = case.components or {name: number for number, name in enumerate(case.images)}
        planes = [parts[name] for name in channels]
        image, record = picture_image(picture, planes, self.image_size, case.id)
        if case.label is None:
            return Prepared(image, record)
        mask, _ = read_mask_image(case.label)
        return Prepared(image, record, picture_target(mask, record, regions))

    def _prepare_volumes(self, case: Case, channels: Sequence[str], regions: Regions) -> Prepared:
        volumes, brain, own = aligned_volumes(
            case, channels, grids_differ=self.grids_differ, register=self.register
        )
        record = self._record(brain, own.grid, own.header, case.id)
        image = volumes_image(volumes, brain, channels, record)
        if case.label is None:
            return Prepared(image, record)
        values = sorted({0, *(value for group in regions.values() for value in group)})
        label, label_grid = read_label(case.label, values)
        if not same_grid(label_grid, own.grid):
            reference = case.images[reference_channel(case.images)]
            raise InputError(grid_sentence(case.label, label_grid, reference, own.grid))
        return Prepared(image, record, volumes_target(label, record, regions))

    def _record(
        self, brain: NDArray[np.bool_], grid: Grid, header: Header | None, name: str
    ) -> dict[str, Any]:
        return volumes_record(
            brain, grid, header, name, crop=self.crop_to_foreground, spacing_mm=self.spacing_mm
        )


def _refuse_other_range(arrays: Mapping[str, NDArray[Any]], channels: Sequence[str]) -> None:
    """Refuse planes that a cast to 8 bits would make black or wrap around."""
    low = min(float(np.min(arrays[name])) for name in channels)
    high = max(float(np.max(arrays[name])) for name in channels)
    shares = high <= 1 and any(np.asarray(arrays[name]).dtype.kind == "f" for name in channels)
    if low < 0 or high > 255 or shares:
        raise InputError(f"arrays: a picture of {low:g} to {high:g}; give colours of 0 to 255.")
