"""Picture: colour images and their masks, decoded with the checks a stranger's file needs."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.files import atomic_path

MAX_PIXELS = 2**26
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")
THRESHOLD = 128  # released masks are grey at the rim (JPEG noise); `> 0` grows areas by up to 44 %
GREY_LIMIT = 0.1  # a mask with more of its pixels between black and white than this is a photograph


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read an image as RGB, (height, width, 3), values 0-255.

    Raises:
        InputError: If the file is missing, empty, no image, truncated, or unreasonably large.
    """
    with _opened(path) as image:
        return np.asarray(image.convert("RGB"))


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) from the header alone.

    Raises:
        InputError: As `read_picture`, as far as the header shows it.
    """
    with _opened(path) as image:
        return image.height, image.width


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Read a mask as 0/1, (height, width).

    White from 128 on. A mask whose brightest value is under 128 must hold two values at most (0/1
    masks, palettes), and the brighter one is the foreground.

    Raises:
        InputError: As `read_picture`; also if the file is no black-and-white mask.
    """
    with _opened(path) as image:
        grey = np.asarray(image.convert("L"))
    values = np.unique(grey)
    if 0 < values[-1] < THRESHOLD:
        if len(values) > 2:
            raise InputError(
                f"{path}: its brightest pixel is {values[-1]} and it holds {len(values)} values, "
                "so it is no mask; store masks as 0 and 255."
            )
        return (grey == values[-1]).astype(np.uint8)
    grey_share = float(np.mean((grey > THRESHOLD // 2) & (grey < 255 - THRESHOLD // 2)))
    if grey_share > GREY_LIMIT and len(values) > 2:
        raise InputError(
            f"{path}: {grey_share:.0%} of its pixels are grey, so it is no mask; store masks as 0 "
            "and 255."
        )
    return (grey >= THRESHOLD).astype(np.uint8)


def write_grey_picture(path: Path, grey: NDArray[np.uint8]) -> None:
    """Write grey values (height, width) as an 8-bit PNG."""
    with atomic_path(path) as temporary:
        Image.fromarray(grey).save(temporary)


@contextmanager
def _opened(path: Path) -> Generator[Image.Image]:
    """An open image of bearable size; what goes wrong inside becomes one sentence."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; fetch or export it again.")
    try:
        with warnings.catch_warnings():
            # Pillow warns of large headers; MAX_PIXELS decides, in one sentence.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InputError(
                        f"{path}: {image.width} x {image.height} pixels are more than the "
                        f"{MAX_PIXELS} that are read; scale it down."
                    )
                yield image
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: not a readable image ({str(error).rstrip('.')}); fetch or export it again."
        ) from None
