"""Presets: the numbers of each task's network, in one place."""

from collections.abc import Sequence

from inspire_med.networks.unet import UNet

# Channels and regions: BraTS has T1, T1ce, T2, FLAIR and WT, TC, ET; ISLES has DWI, ADC and the
# lesion; a polyp image has red, green, blue and the polyp. Widths are chosen for two cores: about
# 3 million parameters for images, a quarter of that for volumes.
PRESETS: dict[str, dict[str, object]] = {
    "brats": {"spatial_dims": 3, "widths": [16, 32, 64, 128], "skip": "inspire", "steps": 2},
    "isles": {"spatial_dims": 3, "widths": [16, 32, 64, 128], "skip": "inspire", "steps": 2},
    "polyp": {"spatial_dims": 2, "widths": [24, 48, 96, 192, 256], "skip": "inspire", "steps": 2},
}


def brats_unet(
    skip: str = "inspire",
    *,
    in_channels: int = 4,
    out_channels: int = 3,
    widths: Sequence[int] = (16, 32, 64, 128),
    steps: int = 2,
) -> UNet:
    """Make the network for BraTS: four contrasts in, WT, TC and ET out."""
    return UNet(3, in_channels, out_channels, widths=widths, skip=skip, steps=steps)


def isles_unet(
    skip: str = "inspire",
    *,
    in_channels: int = 2,
    out_channels: int = 1,
    widths: Sequence[int] = (16, 32, 64, 128),
    steps: int = 2,
) -> UNet:
    """Make the network for ISLES: DWI and ADC in, the lesion out."""
    return UNet(3, in_channels, out_channels, widths=widths, skip=skip, steps=steps)


def polyp_unet(
    skip: str = "inspire",
    *,
    in_channels: int = 3,
    out_channels: int = 1,
    widths: Sequence[int] = (24, 48, 96, 192, 256),
    steps: int = 2,
) -> UNet:
    """Make the network for polyps: a colour image in, the polyp out."""
    return UNet(2, in_channels, out_channels, widths=widths, skip=skip, steps=steps)
