"""Probabilities: the files that `predict --probabilities` writes, region by region."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.picture import opened_image
from inspire_med.imaging.volume import is_volume, open_volume

PROBABILITIES = "_prob"  # at the end of such a file's name, after its case id


@dataclass(frozen=True)
class Probabilities:
    """How likely each voxel belongs to each region.

    Attributes:
        maps: By region, `(*spatial)`, float32 in [0, 1].
        affine: Voxel to world in mm, or None for images.
        name: Where they came from, for messages.
    """

    maps: dict[str, NDArray[np.float32]]
    affine: NDArray[np.float64] | None
    name: str


def read_probabilities(path: Path, regions: Sequence[str]) -> Probabilities:
    """Read the probability of each region.

    Args:
        path: A volume, `<case id>_prob.nii.gz`, with the regions along its last axis; an image,
            `<case id>_prob.png`, of 8 bits where 255 stands for 1, has them one below the other. A
            volume with one region may lack the last axis.
        regions: Names of the regions, in the file's order.

    Raises:
        InputError: If the file is missing or unreadable, holds another number of regions, or
            values that are no probabilities.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; predict with --probabilities.")
    read = _of_volume if is_volume(path) else _of_image
    values, affine = read(path, regions)
    if values.ndim not in (3, 4) or values.shape[-1] != len(regions):
        raise InputError(
            f"{path}: shape {values.shape}, but {len(regions)} regions are expected along the "
            f"last axis ({', '.join(regions)}); predict again for these regions."
        )
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise InputError(
            f"{path}: values from {low:g} to {high:g} are no probabilities; write them between 0 "
            "and 1, without NaN."
        )
    maps = {name: values[..., place] for place, name in enumerate(regions)}
    return Probabilities(maps, affine, str(path))


def _of_volume(
    path: Path, regions: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    stored = open_volume(path)
    values = stored.read(np.float32)
    if len(regions) == 1 and values.ndim < 4:
        values = values[..., np.newaxis]
    return values, stored.affine


def _of_image(path: Path, regions: Sequence[str]) -> tuple[NDArray[np.float32], None]:
    with opened_image(path) as image:
        if image.mode != "L":
            raise InputError(
                f"{path}: an image of mode {image.mode}; give 8-bit grey, where 255 stands for 1."
            )
        maps = np.asarray(image, dtype=np.float32) / np.float32(255)
    if len(maps) % len(regions):
        raise InputError(
            f"{path}: {len(maps)} rows, but {len(regions)} maps of one height are expected one "
            f"below the other ({', '.join(regions)}); predict again for these regions."
        )
    return np.stack(np.split(maps, len(regions)), axis=-1), None
