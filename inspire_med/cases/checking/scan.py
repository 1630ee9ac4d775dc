"""Scan: one volume's file read to its end, and what is kept of it without its voxels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.cases.align import lie_alike
from inspire_med.cases.checking.agreement import agreement, lattice, values_at
from inspire_med.cases.checking.background import dark_in, share_around
from inspire_med.cases.twins import fingerprint_of_volume
from inspire_med.errors import InputError
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.orientation import Turn, orientation_of
from inspire_med.imaging.volume import Volume, open_volume, read_volume


@dataclass(frozen=True)
class Scan:
    """What is known of one channel's file.

    Args:
        path: The file.
        grid: Where its voxels lie.
        stored_as: The type that its numbers are stored as, such as int16.
        unit: Of the lengths in its header, as the file has them: mm, meter, micron or unknown.
        fingerprint: What its image is known by.
        agreement: With the case's reference, as `agreement` has it; None where nothing can be said.
    """

    path: Path
    grid: Grid
    stored_as: str
    unit: str
    fingerprint: frozenset[bytes]
    agreement: float | None = None

    @property
    def orientation(self) -> str:
        """Of its axes, such as LPS."""
        return orientation_of(self.grid.affine)


class Reading:
    """The channels of one case as they are read one after another; no two are held at once.

    Attributes:
        scans: What was read so far, by channel; the first is the reference.
    """

    def __init__(self) -> None:
        self.scans: dict[str, Scan] = {}
        self._places: NDArray[np.float64] | None = None
        self._of_reference: NDArray[np.float32] | None = None
        self._dark: NDArray[np.bool_] | None = None

    def read(self, channel: str, path: Path, component: int | None) -> Grid:
        """Read a channel's file to its end and keep what it shows.

        Raises:
            InputError: As `read_volume`; also if it is constant.
        """
        volume = read_scan(channel, path, component)
        self._darken(volume)
        stored = open_volume(path)
        self.scans[channel] = Scan(
            path,
            volume.grid,
            stored.kind,
            stored.unit,
            fingerprint_of_volume(volume),
            self._agreement(volume),
        )
        return volume.grid

    def outside(self, labels: NDArray[np.integer], grid: Grid) -> float:
        """Share of the labelled voxels around what the channels on their grid show."""
        turned = Turn.to("RAS", grid.affine).apply(labels) > 0
        if self._dark is None or self._dark.shape != turned.shape:
            return 0.0
        return share_around(turned, self._dark)

    def _darken(self, volume: Volume) -> None:
        dark = Turn.to("RAS", volume.grid.affine).apply(dark_in(volume.values))
        reference = next(iter(self.scans.values()), None)
        if self._dark is None or reference is None:
            self._dark = dark
        elif lie_alike(volume.grid, reference.grid) and dark.shape == self._dark.shape:
            self._dark &= dark

    def _agreement(self, volume: Volume) -> float | None:
        if self._places is None or self._of_reference is None:
            self._places = lattice(volume.grid)
            self._of_reference = values_at(self._places, volume.values, volume.grid)
            return None
        own = values_at(self._places, volume.values, volume.grid)
        return agreement(self._of_reference, own)


def read_scan(channel: str, path: Path, component: int | None) -> Volume:
    """Read a channel's file to its end.

    Raises:
        InputError: As `read_volume`; also if it is constant.
    """
    volume = read_volume(path, component)
    low, high = float(volume.values.min()), float(volume.values.max())
    if low == high:
        value = "zero" if low == 0 else f"{low:g}"
        raise InputError(
            f"{path}: every voxel of {channel} is {value}; export it again, or leave the file out "
            "and pass --fill_missing."
        )
    return volume
