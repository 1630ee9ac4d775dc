"""Presets: the networks of the built-in tasks, ready to use."""

from inspire_med.networks.build import build_network
from inspire_med.networks.unet import UNet
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.isles import ISLES
from inspire_med.tasks.polyp import POLYP
from inspire_med.tasks.presets import PRESETS
from inspire_med.tasks.task import Shape


def brats_unet(skip: str = "inspire", *, in_channels: int = 4, out_channels: int = 3) -> UNet:
    """Make the network for BraTS: four contrasts in, WT, TC and ET out."""
    return _preset(BRATS.network, skip, in_channels, out_channels)


def isles_unet(skip: str = "inspire", *, in_channels: int = 2, out_channels: int = 1) -> UNet:
    """Make the network for ISLES: DWI and ADC in, the lesion out."""
    return _preset(ISLES.network, skip, in_channels, out_channels)


def polyp_unet(skip: str = "inspire", *, in_channels: int = 3, out_channels: int = 1) -> UNet:
    """Make the network for polyps: a colour image in, the polyp out."""
    return _preset(POLYP.network, skip, in_channels, out_channels)


def _preset(name: Shape, skip: str, in_channels: int, out_channels: int) -> UNet:
    channels = {"in_channels": in_channels, "out_channels": out_channels}
    network = build_network({**PRESETS[name], **channels, "skip": skip})
    assert isinstance(network, UNet)  # no preset is MONAI's
    return network
