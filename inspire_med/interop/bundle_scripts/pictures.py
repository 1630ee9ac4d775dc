"""Pictures: opened as colours, resized and brought back."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from PIL import ExifTags, Image


def colours(image: Image.Image) -> Image.Image:
    """Red, green and blue of 8 bits.

    Raises:
        ValueError: If there are more bits, or EXIF data turn the picture: a mask may mean either.
    """
    if image.mode[0] in "IF":
        raise ValueError("a picture of more than 8 bits a colour; convert it to 8-bit RGB")
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        raise ValueError("a picture that its EXIF data turn or mirror; save it upright")
    return image.convert("RGB")


class Planesd(MapTransform):
    """Take the channels from the colours of a case's pictures.

    Args:
        keys: Pictures, each `(3, height, width)`.
        planes: Channel to the picture that it is of, and which of the colours.
    """

    def __init__(self, keys: Sequence[str], planes: Mapping[str, tuple[str, int]]) -> None:
        super().__init__(keys)
        self.planes = planes

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give each channel, `(1, height, width)`."""
        named = self.planes.items()
        taken = {name: data[key][index : index + 1] for name, (key, index) in named}
        if len({plane.shape for plane in taken.values()}) > 1:
            raise ValueError(f"case {data['case']}: its pictures differ in size")
        return {**data, **taken}


class ToSized(MapTransform, InvertibleTransform):
    """Resize pictures as Pillow does, with 8 bits, and what belongs to them back, with more.

    Args:
        keys: Pictures, each `(channels, height, width)`, 0 to 255.
        size: (height, width).
    """

    def __init__(self, keys: Sequence[str], size: Sequence[int]) -> None:
        super().__init__(keys)
        self.size = size

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give them with that size."""
        found = dict(data)
        for key in self.key_iterator(found):
            picture: MetaTensor = found[key]
            found[key] = _resized(picture, self.size, np.uint8)
            self.push_transform(found[key], extra_info={"size": tuple(picture.shape[1:])})
        return found

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Give them with the size that they had."""
        found = dict(data)
        for key in self.key_iterator(found):
            size = self.pop_transform(found[key])["extra_info"]["size"]
            found[key] = _resized(found[key], size, np.float32)
        return found


def _resized(picture: MetaTensor, size: Sequence[int], kind: type[np.generic]) -> MetaTensor:
    planes = picture.as_tensor().numpy().astype(kind)
    if planes.shape[1:] != tuple(size):
        way = Image.Resampling.BILINEAR
        sides = (size[1], size[0])
        planes = np.stack([np.asarray(Image.fromarray(each).resize(sides, way)) for each in planes])
    return MetaTensor(
        torch.from_numpy(planes.astype(np.float32)),
        meta=dict(picture.meta),
        applied_operations=list(picture.applied_operations),
    )
