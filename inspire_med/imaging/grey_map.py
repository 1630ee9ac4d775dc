"""Grey maps: predictions that were not thresholded, and the references they are held against."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.picture import alpha_alone, opened_image, refuse_half_tones

# White begins above this in the polyp evaluators: 128 itself is black there.
BLACK_UP_TO = 128


@dataclass(frozen=True)
class GreyMap:
    """One predicted map.

    Attributes:
        values: `(height, width)`, in [0, 1].
        name: Where it came from, for messages.
        note: What was decided about it, in one sentence; empty where nothing.
        thresholded: Whether the file holds two values alone, as a mask does.
    """

    values: NDArray[np.float64]
    name: str
    note: str = ""
    thresholded: bool = False


def read_grey_map(path: Path) -> GreyMap:
    """Read the first channel of an image: of 8 bits as p / 255, of 16 as p / 65535.

    Raises:
        InputError: As `opened_image` and `alpha_alone`; also if it is stored in another way.
    """
    with opened_image(path) as image:
        if image.mode.startswith("I"):
            values = _of_sixteen_bits(np.asarray(image), path)
            return GreyMap(values, str(path), thresholded=_of_two_values(values))
        _refuse_unless_of_eight_bits(image, path)
        alpha, said = alpha_alone(image, path)
        if alpha is not None:
            return GreyMap(alpha / 255, str(path), said, _of_two_values(alpha))
        pixels = np.asarray(image.convert("RGB"))
    first = pixels[..., 0]
    coloured = bool((pixels != first[..., np.newaxis]).any())
    note = f"{path.name}: a colour picture; its first channel is taken." if coloured else ""
    return GreyMap(first / 255, str(path), note, _of_two_values(first))


def read_official_mask(path: Path, above: int = BLACK_UP_TO) -> tuple[NDArray[np.bool_], str]:
    """Read a mask by an official rule, with what should be known about it.

    Args:
        path: The picture.
        above: The grey of 8 bits above which is foreground.

    Raises:
        InputError: As `opened_image` and `alpha_alone`; also if it is not of 8 bits, or too grey
            for a mask.
    """
    with opened_image(path) as image:
        _refuse_unless_of_eight_bits(image, path)
        alpha, said = alpha_alone(image, path)
        grey = np.asarray(image.convert("L")) if alpha is None else alpha
    refuse_half_tones(grey, path)
    top = int(grey.max())
    mask = grey > above
    if 0 < top <= above:
        said = (
            f"{said} {path.name}: its brightest value is {top}; foreground begins above "
            f"{above}, so this reference is empty by the official rule; save it as 0 and 255."
        ).strip()
    elif above < BLACK_UP_TO < top:
        dim = np.count_nonzero(mask & (grey <= BLACK_UP_TO)) / np.count_nonzero(mask)
        if dim:
            said = (
                f"{said} {path.name}: {dim:.1%} of its foreground is grey from {above + 1} to "
                f"{BLACK_UP_TO}, which counts by the official rule; save masks as 0 and 255."
            ).strip()
    return mask, said


def fitted(grey: GreyMap, shape: tuple[int, ...]) -> GreyMap:
    """A map at its reference's size, bilinear (averaging where it shrinks); a fitting one as it is.

    Args:
        grey: The map; its file is left alone.
        shape: (height, width) of the reference.
    """
    if grey.values.shape == shape:
        return grey
    height, width = shape
    # As levels of 255: whole levels survive Pillow's single precision unchanged.
    levels = Image.fromarray((grey.values * 255).astype(np.float32))
    resized = np.asarray(levels.resize((width, height), Image.Resampling.BILINEAR), np.float64)
    sizes = " to ".join(f"{rows}x{columns}" for rows, columns in (grey.values.shape, shape))
    note = f"{Path(grey.name).name}: resized from {sizes}, bilinear."
    values = np.clip(resized / 255, 0, 1)
    return replace(grey, values=values, note=f"{grey.note} {note}".strip())


def _of_two_values(values: NDArray[Any]) -> bool:
    low, high = values.min(), values.max()
    return bool(low < high and ((values == low) | (values == high)).all())


def _of_sixteen_bits(pixels: NDArray[Any], path: Path) -> NDArray[np.float64]:
    most = np.iinfo(np.uint16).max
    if pixels.min() < 0 or pixels.max() > most:
        raise InputError(f"{path}: values beyond 16 bits; save the map as a grey image of 8 bits.")
    return pixels / most


def _refuse_unless_of_eight_bits(image: Image.Image, path: Path) -> None:
    if image.mode.startswith("I") or image.mode == "F":
        raise InputError(
            f"{path}: stored with pixels of kind {image.mode}; save it as a grey image of 8 bits."
        )
