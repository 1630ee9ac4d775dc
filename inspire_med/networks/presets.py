"""Presets: the numbers of each task's network, in one place."""

from typing import Any

from inspire_med.networks.build import build_network
from inspire_med.networks.unet import UNet

# Widths are chosen for two cores: about 3 million parameters for images, a quarter of that for
# volumes. Batch norm learns faster than instance norm in runs of some hundred steps of two patches;
# with a batch of one, take instance norm. A polyp's edge is smooth: half the grid is fine enough,
# and a step costs about a quarter.
PRESETS: dict[str, dict[str, Any]] = {
    "brats": {"spatial_dims": 3, "widths": [16, 32, 64, 128], "norm": "batch"},
    "isles": {"spatial_dims": 3, "widths": [16, 32, 64, 128], "norm": "batch"},
    "polyp": {
        "spatial_dims": 2,
        "widths": [24, 48, 96, 192, 256],
        "stem_stride": 2,
        "norm": "batch",
    },
}


def brats_unet(skip: str = "inspire", *, in_channels: int = 4, out_channels: int = 3) -> UNet:
    """Make the network for BraTS: four contrasts in, WT, TC and ET out."""
    return _preset("brats", skip, in_channels, out_channels)


def isles_unet(skip: str = "inspire", *, in_channels: int = 2, out_channels: int = 1) -> UNet:
    """Make the network for ISLES: DWI and ADC in, the lesion out."""
    return _preset("isles", skip, in_channels, out_channels)


def polyp_unet(skip: str = "inspire", *, in_channels: int = 3, out_channels: int = 1) -> UNet:
    """Make the network for polyps: a colour image in, the polyp out."""
    return _preset("polyp", skip, in_channels, out_channels)


def _preset(task: str, skip: str, in_channels: int, out_channels: int) -> UNet:
    channels = {"in_channels": in_channels, "out_channels": out_channels}
    network = build_network({**PRESETS[task], **channels, "skip": skip})
    assert isinstance(network, UNet)  # no preset is MONAI's
    return network
