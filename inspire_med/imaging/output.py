"""Output: masks and probabilities, written where their case lies."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from numpy.typing import NDArray
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.files import atomic_path
from inspire_med.imaging.grid import Grid
from inspire_med.imaging.masks import Regions, values_of
from inspire_med.imaging.placement import Placement
from inspire_med.imaging.probabilities import PROBABILITIES
from inspire_med.imaging.resample import place, to_itk
from inspire_med.imaging.volume import Volumes, write_volume, write_volumes

# Okabe and Ito (2008): told apart by colour-blind eyes too. The value 0 is black.
_OF_VALUES = (230, 159, 0, 86, 180, 233, 0, 158, 115, 240, 228, 66, 0, 114, 178, 213, 94, 0,
              204, 121, 167)  # fmt: skip
# A place for every value: Pillow cuts off the bits that a shorter palette does not need.
_COLOURS = ((0, 0, 0) + 37 * _OF_VALUES)[: 3 * 256]


def file_names(case: str, *, is_picture: bool) -> tuple[str, str]:
    """What the mask of a case is called in a folder of predictions, and what its probabilities."""
    ending = ".png" if is_picture else ".nii.gz"
    return f"{case}{ending}", f"{case}{PROBABILITIES}{ending}"


def refuse_clashes(cases: Iterable[str]) -> None:
    """Refuse ids of which two cannot have their files in one folder of predictions.

    Raises:
        InputError: If one ends as the file of another's probabilities does, or if two are told
            apart by capitals or by the way an accent is stored alone: some systems do not.
    """
    known: dict[str, str] = {}
    for case in cases:
        plain = unicodedata.normalize("NFC", case.casefold())
        if plain.endswith(PROBABILITIES):
            raise InputError(
                f"case {case}: its mask would have the name of the probabilities of "
                f"{case[: -len(PROBABILITIES)]}; rename its files."
            )
        other = known.setdefault(plain, case)
        if other != case:
            raise InputError(
                f"case {case}: its files would be those of {other} on a system that does not "
                "tell their names apart; rename one."
            )


def write_mask(
    path: Path, labels: NDArray[np.uint8], placement: Placement, regions: Regions
) -> None:
    """Write a label map on the case's own grid, as `read_labels` reads it.

    Args:
        path: Ends in .png for pictures, in .nii.gz or .nii for volumes.
        labels: (*the file's spatial), the set's own values.
        placement: The case's.
        regions: Region name to label values. A picture's mask is black and white where no value
            but 1 can occur; else its palette's numbers are the values, and viewers show colours.
    """
    if placement.affine is not None:
        grid = Grid(placement.shape, placement.affine)
        write_volume(path, labels.astype(np.uint8, copy=False), grid, placement.header)
    elif values_of(regions) <= {1}:
        _write_picture(path, Image.fromarray((labels > 0).astype(np.uint8) * 255))
    else:
        picture = Image.fromarray(labels.astype(np.uint8))
        picture.putpalette(_COLOURS)
        _write_picture(path, picture)


def write_probabilities(path: Path, maps: Volumes, placement: Placement) -> None:
    """Write each region's map, (*spatial): as 4-D NIfTI, the region last; pictures as 8-bit PNG.

    In a picture 255 stands for 1, and the maps of several regions stand one below the other.
    """
    if placement.affine is not None:
        write_volumes(path, maps, Grid(placement.shape, placement.affine), placement.header)
    else:
        together = np.concatenate([maps[index] for index in range(len(maps))])
        _write_picture(path, Image.fromarray(np.rint(together * 255).astype(np.uint8)))


def as_itk(labels: NDArray[np.uint8], placement: Placement) -> sitk.Image:
    """A label map (*the file's spatial) as SimpleITK's image, where its case lies.

    A picture has pixels of 1 and lies at 0, unless it came as an image that lay elsewhere.
    """
    if placement.affine is not None:
        return to_itk(labels, Grid(placement.shape, placement.affine))
    image = sitk.GetImageFromArray(labels)
    if placement.header is not None and placement.header.qform is not None:
        place(image, np.asarray(placement.header.qform))
    return image


def _write_picture(path: Path, picture: Image.Image) -> None:
    with atomic_path(path) as temporary:
        picture.save(temporary)
