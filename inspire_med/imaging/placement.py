"""Placement: the way of a case from its file to what a network sees, and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import Box
from inspire_med.imaging.orientation import Turn
from inspire_med.imaging.resample import resize
from inspire_med.imaging.volume import Header

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Placement:
    """Axes are turned, a box is cut out and resized; all of it can be undone.

    Args:
        shape: Voxels along the file's axes: (i, j, k), or (height, width).
        turn: From the file's axes to the network's.
        box: (first, one past the last) that is kept, along each of the network's axes.
        size: Voxels of what the network sees.
        affine: The file's, from voxel to RAS+ millimetres; None of pictures.
        header: The file's, or of an image in memory where it lies; None of a picture's file and of
            arrays.
    """

    shape: tuple[int, ...]
    turn: Turn
    box: tuple[tuple[int, int], ...]
    size: tuple[int, ...]
    affine: NDArray[np.float64] | None = None
    header: Header | None = None

    @classmethod
    def of_picture(
        cls, shape: Sequence[int], size: Sequence[int] | None, header: Header | None = None
    ) -> "Placement":
        """Of a picture (height, width) that is resized to `size`; None keeps it as it is."""
        height, width = shape
        box = ((0, height), (0, width))
        seen = tuple(size or (height, width))
        return cls((height, width), Turn.none(2), box, seen, header=header)

    @classmethod
    def of_volume(
        cls,
        grid: Grid,
        turn: Turn,
        box: Box | None,
        spacing_mm: Sequence[float] | None,
        header: Header | None,
    ) -> "Placement":
        """Of a volume.

        Args:
            grid: The file's.
            turn: From its axes to the network's.
            box: What is kept, along the network's axes; None keeps all.
            spacing_mm: Voxel size along the network's axes to resample to; None keeps the file's.
            header: The file's.
        """
        view = turn.grid(grid)
        sides = box or tuple(slice(0, size) for size in view.shape)
        size = [side.stop - side.start for side in sides]
        if spacing_mm is not None:
            pairs = zip(size, view.spacing_mm, spacing_mm, strict=True)
            size = [max(1, round(count * old / new)) for count, old, new in pairs]
        ends = tuple((side.start, side.stop) for side in sides)
        return cls(grid.shape, turn, ends, tuple(size), grid.affine, header)

    @property
    def view(self) -> Grid | None:
        """Where the voxels that the network sees lie; None of pictures."""
        if self.affine is None:
            return None
        low = np.array([start for start, _ in self.box])
        widths = np.array([stop - start for start, stop in self.box]) / np.array(self.size)
        inside = np.diag([*widths, 1.0])
        inside[:3, 3] = low + (widths - 1) / 2
        return Grid(self.size, self.turn.grid(Grid(self.shape, self.affine)).affine @ inside)

    def forward(self, values: NDArray[Any]) -> NDArray[Any]:
        """From (channels, *file's spatial) to (channels, *what the network sees)."""
        return resize(self.cut(self.turn.apply(values)), self.size)

    def cut(self, values: NDArray[Any]) -> NDArray[Any]:
        """Cut the box out of (..., *spatial), whose axes are turned already."""
        return values[(..., *(slice(*ends) for ends in self.box))]

    def back(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """From (channels, *what the network sees) to the file's grid; zero outside of the box."""
        return self.put(self.resized(np.asarray(values, dtype=np.float32)))

    @property
    def resizes(self) -> bool:
        """Whether the network sees other voxels than the file has."""
        return self._kept != self.size

    def resized(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """From (channels, *what the network sees) to (channels, *voxels of the box)."""
        return resize(values, self._kept)

    def put(self, values: NDArray[T]) -> NDArray[T]:
        """From (channels, *voxels of the box) to the file's grid; zero outside of the box."""
        whole = np.zeros((len(values), *self.shape), values.dtype)
        self.cut(self.turn.apply(whole))[:] = values
        return whole

    @property
    def _kept(self) -> tuple[int, ...]:
        return tuple(stop - start for start, stop in self.box)

    def to_json(self) -> dict[str, Any]:
        """All fields, JSON-able."""
        affine = None if self.affine is None else self.affine.tolist()
        return {**asdict(self), "affine": affine}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Placement":
        """Rebuild from `to_json`."""
        turn, affine, header = content["turn"], content["affine"], content["header"]
        return cls(
            tuple(content["shape"]),
            Turn(tuple(turn["axes"]), tuple(turn["mirrored"])),
            tuple((start, stop) for start, stop in content["box"]),
            tuple(content["size"]),
            None if affine is None else np.array(affine),
            None if header is None else Header(**header),
        )
