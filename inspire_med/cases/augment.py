"""Augment: MONAI transforms for volumes and images, driven by the sample's own seed."""

from collections.abc import Callable, Mapping
from math import pi
from typing import Any

import torch
from monai.transforms.compose import Compose
from monai.transforms.intensity.dictionary import (
    RandGaussianNoised,
    RandScaleIntensityd,
    RandShiftIntensityd,
)
from monai.transforms.spatial.dictionary import RandAffined, RandFlipd
from torch import Tensor

BOTH = ("image", "target")
Step = Callable[[Any], Any]


class Augmentation:
    """A chain of MONAI transforms whose random choices are a pure function of a seed.

    Args:
        chain: Transforms on {"image", "target"}; channels first.
    """

    def __init__(self, chain: Compose) -> None:
        self.chain = chain

    def __call__(self, sample: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
        """Return an altered copy of {"image", "target"}; the target stays 0 or 1."""
        self.chain.set_random_state(seed=seed % 2**32)
        altered: Any = self.chain(dict(sample))
        return {name: _plain(altered[name]) for name in BOTH}


def augmentation(name: str) -> Augmentation | None:
    """The augmentation of that name, for volumes or for images; `none` is None.

    Volumes: mirroring, seldom a small rotation and zoom, contrast of each channel. No shift of
    brightness: it would move the background from zero.
    Images: mirroring, seldom rotation, zoom and shear, brightness and contrast of each colour.
    """
    steps = {"volume": _volume_steps, "picture": _picture_steps}
    return None if name == "none" else Augmentation(Compose(steps[name]()))


def _volume_steps() -> list[Step]:
    return [
        *(RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in range(3)),
        RandAffined(
            BOTH,
            prob=0.15,  # it costs 130 ms on four channels of 96^3, all other steps 10 to 20
            rotate_range=(pi / 12, pi / 12, pi / 12),
            scale_range=(0.15, 0.15, 0.15),
            mode=("bilinear", "nearest"),
            padding_mode="zeros",
        ),
        RandScaleIntensityd("image", factors=0.2, prob=0.5, channel_wise=True),
        RandGaussianNoised("image", prob=0.05, std=0.1),
    ]


def _picture_steps() -> list[Step]:
    return [
        *(RandFlipd(BOTH, prob=0.5, spatial_axis=axis) for axis in range(2)),
        RandAffined(
            BOTH,
            prob=0.3,  # short runs learn slower the more often a picture is bent
            rotate_range=pi / 8,
            scale_range=(0.2, 0.2),
            shear_range=(0.1, 0.1),
            mode=("bilinear", "nearest"),
            padding_mode="reflection",
        ),
        RandScaleIntensityd("image", factors=0.2, prob=0.3, channel_wise=True),
        RandShiftIntensityd("image", offsets=0.2, prob=0.3, channel_wise=True),
    ]


def _plain(value: Tensor) -> Tensor:
    """MONAI's MetaTensor back to a tensor that any collate function takes."""
    return torch.as_tensor(value).as_subclass(Tensor)
