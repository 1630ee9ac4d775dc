"""Augment: chains of changes for volumes and pictures, driven by the sample's own seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from torch import Tensor

from inspire_med.cases.acquisition import (
    BiasField,
    Blur,
    DropChannels,
    Gamma,
    LowResolution,
    WithinForeground,
)
from inspire_med.cases.changes import (
    Brightness,
    Change,
    Contrast,
    Distort,
    Flip,
    Gain,
    Noise,
    Sample,
    Saturation,
    Sometimes,
)


@dataclass(frozen=True)
class Augmentation:
    """A chain of changes whose random choices are a pure function of a seed.

    Args:
        chain: What is done, in this order.
    """

    chain: Sequence[Change]

    def __call__(self, sample: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
        """Give {"image", "target"} altered; the target stays 0 or 1."""
        altered: Sample = {name: sample[name] for name in ("image", "target")}
        random = np.random.default_rng(seed)
        for change in self.chain:
            altered = change(altered, random)
        return dict(altered)


def augmentation(
    shape: str, strength: str = "usual", drop_channels: float = 0.0
) -> Augmentation | None:
    """The augmentation of volumes or of pictures, or None.

    Args:
        shape: `volume`, `picture` or `none`.
        strength: `usual`, `strong` or `none`.
        drop_channels: Chance of each channel to be zeroed at the end.
    """
    chain = () if "none" in (shape, strength) else _CHAINS[shape, strength]
    if drop_channels:
        chain = (*chain, DropChannels(drop_channels))
    return Augmentation(chain) if chain else None


# Volumes have no shift of brightness: it would move the background from zero.
_CHAINS: Mapping[tuple[str, str], Sequence[Change]] = {
    ("volume", "usual"): (
        Flip(),
        Sometimes(0.15, Distort(angle=pi / 12, zoom=0.15)),  # costs more than all the others
        Sometimes(0.5, Gain(0.2)),
        Sometimes(0.05, Noise(0.1)),
    ),
    # Chances and strengths of nnU-Net's trainer (2.8.1), which bends nothing elastically, either;
    # the bias field is added to them.
    ("volume", "strong"): (
        Flip(),
        Sometimes(0.2, Distort(angle=pi / 6)),
        Sometimes(0.2, Distort(zoom=0.3)),
        WithinForeground(
            (
                Sometimes(0.1, Noise(0.1)),
                Sometimes(0.2, Blur(0.5, 1.0)),
                Sometimes(0.15, Gain(0.25)),
                Sometimes(0.15, Contrast(0.25)),
                Sometimes(0.25, LowResolution(0.5)),
                Sometimes(0.1, Gamma(0.7, 1.5, inverted=True)),
                Sometimes(0.3, Gamma(0.7, 1.5)),
                Sometimes(0.1, BiasField(0.3)),
            )
        ),
    ),
    ("picture", "usual"): (
        Flip(),
        # Short runs learn slower the more often a picture is bent.
        Sometimes(0.3, Distort(angle=pi / 8, zoom=0.2, shear=0.1, outside="reflection")),
        Sometimes(0.3, Contrast(0.2)),
        Sometimes(0.3, Brightness(0.2)),
    ),
    # Any angle and a quarter of zoom as in UACANet's training (Kim et al., ACM MM 2021); PraNet and
    # Polyp-PVT turn by up to 90 degrees. Their changes of colour are weaker or none.
    ("picture", "strong"): (
        Flip(),
        Sometimes(0.7, Distort(angle=pi, zoom=0.25, shear=0.1, outside="reflection")),
        Sometimes(0.5, Contrast(0.3)),
        Sometimes(0.5, Brightness(0.3)),
        Sometimes(0.5, Saturation(0.4)),
    ),
}
