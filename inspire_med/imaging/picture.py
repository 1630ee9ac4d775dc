"""Picture: colour images as arrays."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.imaging.images import IMAGE_SUFFIXES, opened_image

COLOURS = ("red", "green", "blue")  # planes of a picture, in their order
_ORIENTATION = 274  # EXIF's number of the tag


def is_picture(images: Mapping[str, Path]) -> bool:
    """Are the channels of a case the colours of an image rather than volumes?"""
    return next(iter(images.values())).suffix.lower() in IMAGE_SUFFIXES


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read an image as RGB, (height, width, 3), values 0-255.

    Raises:
        InputError: If the file is missing, empty, no image, truncated, or unreasonably large, if it
            has more than 8 bits a colour, or if its EXIF data turn it.
    """
    with opened_image(path) as image:
        if image.mode[0] in "IF":  # Pillow would make all of it white
            raise InputError(f"{path}: has more than 8 bits a colour; convert it to 8-bit RGB.")
        if image.getexif().get(_ORIENTATION, 1) != 1:
            raise InputError(
                f"{path}: its EXIF data turn or mirror it, and a mask may mean either way; save it "
                "upright, without that tag."
            )
        return np.asarray(image.convert("RGB"))


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) from the header alone.

    Raises:
        InputError: As `read_picture`, as far as the header shows it.
    """
    with opened_image(path) as image:
        return image.height, image.width
