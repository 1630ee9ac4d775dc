"""Picture: image files opened with mistrust; colours and black-and-white masks read from them."""

import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from inspire_med.errors import InputError
from inspire_med.imaging.stored import reason_of, refuse_absent

COLOURS = ("red", "green", "blue")  # planes of a picture, in their order
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
MAX_PIXELS = 2**26
# Published masks are grey at the rim (JPEG noise, dark borders): half of white is the dividing
# line, as the polyp evaluators have it; "above zero" would enlarge areas by up to 44 %.
THRESHOLD = 128
_GREY_LIMIT = 0.1  # a mask with more of its pixels between black and white is none
_COLOURED = ("P", "PA", "RGBA", "CMYK", "YCbCr")


def is_picture(images: Mapping[str, Path]) -> bool:
    """Are the channels of a case the colours of an image rather than volumes?"""
    return next(iter(images.values())).suffix.lower() in IMAGE_SUFFIXES


@contextmanager
def opened_image(path: Path) -> Generator[Image.Image]:
    """An open image of bearable size that is the right way up; what goes wrong becomes a sentence.

    Raises:
        InputError: If the file is missing, empty, no image, truncated, or unreasonably large, or if
            its EXIF data turn it.
    """
    with opened_as_stored(path) as image:
        if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            raise InputError(
                f"{path}: its EXIF data turn or mirror it, and a mask may mean either way; save it "
                "upright, without that tag."
            )
        yield image


@contextmanager
def opened_as_stored(path: Path) -> Generator[Image.Image]:
    """An open image of bearable size, of which the header alone was read, turned or not.

    Pillow may decode a PNG to find its EXIF data.

    Raises:
        InputError: As `opened_image`, but for what EXIF says.
    """
    refuse_absent(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large headers, where MAX_PIXELS decides in one sentence, and of tags
            # that it cannot read; pixels that it cannot read are an error.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
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
            f"{path}: not a readable image ({reason_of(error)}); fetch or export it again."
        ) from None


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read an image as RGB, (height, width, 3), values 0-255.

    Raises:
        InputError: As `opened_image`; also if it has more than 8 bits a colour.
    """
    with opened_image(path) as image:
        if image.mode[0] in "IF":  # Pillow would make all of it white
            raise InputError(f"{path}: has more than 8 bits a colour; convert it to 8-bit RGB.")
        return np.asarray(image.convert("RGB"))


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) from the header alone.

    Raises:
        InputError: If the file is missing, empty, no image, or unreasonably large.
    """
    with opened_as_stored(path) as image:
        return image.height, image.width


def read_mask_image(path: Path) -> tuple[NDArray[np.uint8], str]:
    """Read a black-and-white mask as 0/1, (height, width), with what had to be decided about it.

    White from 128 on. A mask that holds only 0 and one darker value is taken as it is, and said; so
    is the alpha channel where it alone varies.

    Raises:
        InputError: As `opened_image` and `alpha_alone`; also if the file is coloured, not of 8
            bits, or too grey.
    """
    with opened_image(path) as image:
        alpha, said = alpha_alone(image, path)
        if alpha is None:
            pixels = np.asarray(image.convert("RGB") if image.mode in _COLOURED else image)
        else:
            pixels = alpha
    foreground, note = _black_and_white(_grey(pixels, path), path)
    return foreground.astype(np.uint8), f"{said} {note}".strip()


def read_index_image(path: Path) -> NDArray[Any]:
    """Read the class of each pixel, (height, width): its grey value, or its place in the palette.

    Raises:
        InputError: As `opened_image`; also if the file is coloured without a palette, or holds
            decimal numbers.
    """
    with opened_image(path) as image:
        pixels = np.asarray(image.convert("RGB") if image.mode in ("CMYK", "YCbCr") else image)
        if image.mode in ("PA", "LA"):
            pixels = pixels[..., 0]
    return _one_plane(pixels, path)


def alpha_alone(image: Image.Image, path: Path) -> tuple[NDArray[np.uint8] | None, str]:
    """The alpha channel of a mask where it alone varies, and a note; None where colours count.

    Args:
        image: Open.
        path: Where it came from.

    Raises:
        InputError: If colours and transparency tell two different masks.
    """
    if image.mode[0] in "IF" or not image.has_transparency_data:
        return None, ""
    pixels = np.asarray(image.convert("RGBA"))
    grey, alpha = pixels[..., 0], pixels[..., 3]
    opaque = alpha >= THRESHOLD
    if opaque.all():
        return None, ""
    if (pixels[..., :3] == pixels[0, 0, :3]).all():
        return alpha, f"{path.name}: only its alpha channel varies; it is taken as the mask."
    agree = any((opaque == white).all() for white in (grey >= THRESHOLD, grey > 0))
    if opaque.any() and not agree:
        raise InputError(
            f"{path}: its colours and its transparency tell two different masks; save the true "
            "one in black and white, without transparency."
        )
    return None, ""


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
            "begins; write masks as 0 and 255, or name the region of each value (--regions)."
        )
    refuse_half_tones(grey, path)
    return grey >= THRESHOLD, ""


def _grey(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    pixels = _one_plane(pixels, path)
    if pixels.dtype not in (np.dtype(bool), np.dtype(np.uint8)):
        raise InputError(f"{path}: stored as {pixels.dtype}; give an 8-bit mask of 0 and 255.")
    return pixels


def _one_plane(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """The plane that all colours repeat, (height, width)."""
    if pixels.ndim == 2:
        return pixels
    colours = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., :1]
    if (colours != colours[..., :1]).any():
        raise InputError(
            f"{path}: a colour picture, not a mask; save it in grey, foreground white, or name the "
            "region of each place in its palette (--regions)."
        )
    return colours[..., 0]
