"""Paint: grey values and masks made into RGB pixels, in colours most eyes can tell apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

RGB = tuple[int, int, int]
Size = tuple[int, int]  # rows, columns

# Okabe and Ito's palette (2008), brightened a little to stand on dark tissue; outermost first.
REGION_COLOURS: tuple[RGB, ...] = (
    (0, 200, 150),
    (245, 175, 30),
    (235, 90, 60),
    (100, 185, 245),
    (215, 130, 190),
    (245, 230, 80),
)
# Right, missed (only in the reference), spurious (only in the prediction).
ERROR_COLOURS: dict[str, RGB] = {
    "found": (245, 235, 110),
    "missed": (90, 170, 255),
    "spurious": (255, 110, 40),
}
_FILL = 0.30


def window(image: NDArray[Any]) -> tuple[float, float]:
    """Darkest and brightest value worth showing: 1st and 99.5th percentile of what is not zero."""
    sample = np.asarray(image, dtype=np.float32).ravel()
    sample = sample[:: max(1, sample.size // 200_000)]
    sample = sample[np.isfinite(sample) & (sample != 0)]
    if sample.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(sample, [1.0, 99.5])
    return float(low), float(max(high, low + 1e-6))


def to_rgb(flat: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """`(3, rows, columns)` or `(1, rows, columns)` -> `(rows, columns, 3)`, windowed to 0..255."""
    low, high = limits
    scaled = (np.asarray(flat, dtype=np.float32) - low) / (high - low)
    shown = np.rint(np.clip(np.nan_to_num(scaled), 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(np.moveaxis(shown, 0, -1), (*shown.shape[1:], 3)))


def canvas_size(shape: tuple[int, int], pixel_mm: tuple[float, float], side: int) -> Size:
    """Rows and columns of a picture with square pixels whose longer side is `side`."""
    height, width = shape[0] * pixel_mm[0], shape[1] * pixel_mm[1]
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def stretch(picture: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Resize an RGB picture to `size` rows and columns, smoothly."""
    image = Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(image)


def stretch_mask(mask: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    """Resize a mask to `size` with a smooth outline."""
    image = Image.fromarray(np.ascontiguousarray(mask).astype(np.uint8) * 255)
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR)) >= 128


def lay_over(
    picture: NDArray[np.uint8], masks: NDArray[np.bool_], colours: Sequence[RGB]
) -> NDArray[np.uint8]:
    """Lay each mask of `(n, rows, columns)` over the picture: a thin tint and a firm outline.

    Where masks overlap the later one's colour shows, so nested regions go from outer to inner.
    """
    tint = picture.astype(np.float32)
    for mask, colour in zip(masks, colours, strict=True):
        tint[mask] = colour
    painted = (1 - _FILL) * picture + _FILL * tint
    for mask, colour in zip(masks, colours, strict=True):
        painted[outline(mask)] = colour
    return np.rint(painted).astype(np.uint8)


def outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask that touch what is outside it."""
    if not mask.any():
        return mask
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def colours_for(count: int) -> list[RGB]:
    """A colour for each of `count` regions; beyond the palette it starts again."""
    return [REGION_COLOURS[number % len(REGION_COLOURS)] for number in range(count)]


def hex_colour(colour: RGB) -> str:
    """`(0, 200, 150)` -> `"#00c896"`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def errors(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Masks of what is missed and spurious in any region, and of what is right in all it is in.

    Args:
        reference: `(regions, *spatial)`.
        prediction: Likewise.
    """
    missed = np.any(reference & ~prediction, axis=0)
    spurious = np.any(prediction & ~reference, axis=0)
    found = np.any(reference & prediction, axis=0) & ~missed & ~spurious
    return {"found": found, "missed": missed, "spurious": spurious}
