"""Images: picture files opened with the care a stranger's file needs, and masks among them."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MAX_PIXELS = 2**26
# Published masks are grey at the rim (JPEG noise, dark borders): half of white is the dividing
# line, as the polyp evaluators have it; "above zero" would enlarge areas by up to 44 %.
THRESHOLD = 128
_GREY_LIMIT = 0.1  # a mask with more of its pixels between black and white is none
_COLOURED = ("P", "PA", "RGBA", "CMYK", "YCbCr")


@contextmanager
def opened_image(path: Path) -> Generator[Image.Image]:
    """An open image of bearable size; what goes wrong inside becomes one sentence.

    Raises:
        InputError: If the file is missing, empty, no image, truncated, or unreasonably large.
    """
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
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else "cut short"
        raise InputError(
            f"{path}: not a readable image ({reason}); fetch or export it again."
        ) from None


def read_mask_image(path: Path) -> tuple[NDArray[np.uint8], str]:
    """Read a black-and-white mask as 0/1, (height, width), with what had to be decided about it.

    White from 128 on. A mask that holds only 0 and one darker value is taken as it is, and said.

    Raises:
        InputError: As `opened_image`; also if the file is coloured, not of 8 bits, or too grey.
    """
    with opened_image(path) as image:
        pixels = np.asarray(image.convert("RGB") if image.mode in _COLOURED else image)
    foreground, note = _black_and_white(_grey(pixels, path), path)
    return foreground.astype(np.uint8), note


def refuse_half_tones(grey: NDArray[np.uint8], path: Path) -> None:
    """Refuse what is grey where a mask is black or white.

    A picture of black and one other value is a mask, however dark that is.

    Args:
        grey: `(height, width)`, of 8 bits.
        path: Where it came from.

    Raises:
        InputError: If more than a tenth of the pixels lie about the middle.
    """
    half = np.mean((grey > THRESHOLD // 2) & (grey < 255 - THRESHOLD // 2))
    if half > _GREY_LIMIT and (grey[grey > 0] != grey.max()).any():
        raise InputError(
            f"{path}: {half:.0%} of its pixels are grey, probabilities or a photograph rather than "
            "a mask; threshold it to 0 and 255 first, or check that reference and prediction are "
            "not exchanged."
        )


def _black_and_white(grey: NDArray[Any], path: Path) -> tuple[NDArray[np.bool_], str]:
    """Foreground of a grey mask, and what had to be decided about it."""
    if grey.dtype == bool:
        return grey, ""
    top = int(grey.max())
    if (grey[grey > 0] == top).all():  # two values: 0/255, but also 0/128 and 0/1
        dark = 0 < top < THRESHOLD
        note = f"{path.name}: holds only 0 and {top}; {top} is taken as foreground." if dark else ""
        return grey > 0, note
    if top < THRESHOLD:
        raise InputError(
            f"{path}: several values, the brightest {top}, below {THRESHOLD} where foreground "
            "begins; write masks as 0 and 255."
        )
    refuse_half_tones(grey, path)
    return grey >= THRESHOLD, ""


def _grey(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    if pixels.ndim == 3:
        colours = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., :1]
        if (colours != colours[..., :1]).any():
            raise InputError(
                f"{path}: a colour picture, not a mask; give a grey one with foreground white."
            )
        pixels = colours[..., 0]
    if pixels.dtype not in (np.dtype(bool), np.dtype(np.uint8)):
        raise InputError(f"{path}: stored as {pixels.dtype}; give an 8-bit mask of 0 and 255.")
    return pixels
