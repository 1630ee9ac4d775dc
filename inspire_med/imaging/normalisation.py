"""Normalisation: what pictures were brought to when published weights were made."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Normalisation:
    """(x - mean) / sd of red, green and blue.

    Args:
        mean: Of each, 0 to 255.
        sd: Likewise.
    """

    mean: tuple[float, float, float]
    sd: tuple[float, float, float]

    def statistics(self, channels: Sequence[str]) -> dict[str, dict[str, float]]:
        """By channel, as `Preparation.intensity_statistics` has them.

        Three channels are red, green and blue in this order; of any other number each is taken
        for their mean.
        """
        colours = list(zip(self.mean, self.sd, strict=True))
        if len(channels) != len(colours):
            colours = [(sum(self.mean) / 3, sum(self.sd) / 3)] * len(channels)
        pairs = zip(channels, colours, strict=True)
        return {channel: {"mean": mean, "sd": sd} for channel, (mean, sd) in pairs}


# TensorFlow's efficientnet_lite_builder.py: MEAN_RGB = 127, STDDEV_RGB = 128.
LITE = Normalisation((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
# torchvision's and timm's, of ImageNet: 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225 of 1.
TORCHVISION = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
