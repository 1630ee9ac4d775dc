"""Mend picture: an image or mask at fault made right in memory, as far as its file says how."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from inspire_med.cases.checking.mend_volume import Mended
from inspire_med.errors import InputError
from inspire_med.imaging.picture import opened_as_stored, picture_size

_SAME_VIEW = 0.01  # two sizes of one view differ in their ratio of sides by rounding alone
_FULL_SCALE = 257  # of 16 bits to 8: PNG's white is 65535
_DARK = 16  # of 8 bits: a picture with nothing brighter was not stored on the full scale
_BEST = 100  # of JPEG's qualities


def mend_picture(path: Path, mask: Path | None) -> Mended:
    """An image that is upright and of 8 bits.

    A turn by a quarter is left out where the mask has the size of the pixels as they are stored:
    it was drawn on them.

    Args:
        path: Its file.
        mask: That of its mask.

    Raises:
        InputError: If there is no way that does not guess.
    """
    with opened_as_stored(path) as image:
        stored = (image.height, image.width)
        drawn = None if mask is None else upright_size(mask)
        picture, done = _upright(image, keep=drawn == stored)
        if picture.mode[0] == "I":
            picture = _of_eight_bits(np.asarray(picture), path)
            done.append("16 bits a pixel made 8")
        elif picture.mode[0] == "F":
            raise InputError(f"{path}: holds decimal numbers; convert it to 8-bit RGB.")
    return Mended(tuple(done), partial(_save, picture))


def mend_mask(path: Path, size: Sequence[int]) -> Mended:
    """A mask that is upright, of 8 bits and of its picture's size.

    Args:
        path: Its file.
        size: (height, width) of the mended picture.

    Raises:
        InputError: If there is no way that does not guess.
    """
    with opened_as_stored(path) as image:
        mask, done = _upright(image, keep=False)
        if mask.mode[0] == "I":
            values = np.unique(np.asarray(mask))
            if len(values) > 2 or values[0] != 0:
                raise InputError(f"{path}: more than 8 bits and two values; save it as 0 and 255.")
            mask = Image.fromarray((np.asarray(mask) > 0).astype(np.uint8) * 255)
            done.append("16 bits a pixel made 8")
        mask.load()
    height, width = size
    if (mask.height, mask.width) != (height, width):
        if abs(mask.width * height / (mask.height * width) - 1) > _SAME_VIEW:
            raise InputError(
                f"{path}: {mask.width} x {mask.height} is no other size of {width} x {height}; is "
                "it the mask of this image?"
            )
        mask = mask.resize((width, height), Image.Resampling.NEAREST)
        done.append(f"resampled to {width} x {height}, nearest neighbour")
    return Mended(tuple(done), partial(_save, mask))


def upright_size(path: Path) -> tuple[int, int]:
    """(height, width) once a file's tag is applied.

    Raises:
        InputError: As `picture_size`.
    """
    height, width = picture_size(path)
    with opened_as_stored(path) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return (width, height) if turned else (height, width)


def _upright(image: Image.Image, *, keep: bool) -> tuple[Image.Image, list[str]]:
    """The picture without its tag; turned by it, unless its pixels are to stay as they are."""
    turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    picture, done = image.copy(), list[str]()
    if turn >= 5 and keep:
        done.append("its EXIF turn left out, as its mask has the size of the pixels as stored")
    elif turn != 1:
        picture = ImageOps.exif_transpose(image)
        done.append("turned upright by its EXIF tag")
    picture.info.pop("exif", None)
    return picture, done


def _of_eight_bits(pixels: NDArray[Any], path: Path) -> Image.Image:
    scaled = np.rint(pixels / _FULL_SCALE).clip(0, 255).astype(np.uint8)
    if scaled.max() < _DARK:
        raise InputError(
            f"{path}: more than 8 bits, the brightest pixel at {pixels.max()}, so what is white is "
            "not known; convert it to 8-bit RGB."
        )
    return Image.fromarray(scaled)


def _save(picture: Image.Image, path: Path) -> None:
    if path.suffix.lower() in (".jpg", ".jpeg"):
        plain = picture if picture.mode in ("1", "L", "RGB", "CMYK") else picture.convert("RGB")
        plain.save(path, quality=_BEST, subsampling=0)
    else:
        picture.save(path)
