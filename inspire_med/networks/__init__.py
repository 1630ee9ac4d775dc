"""Networks: the blocks made into segmentation networks. All of them give logits."""

from inspire_med.blocks.efficientnet_lite import EFFICIENTNET_LITE, efficientnet_lite
from inspire_med.blocks.encoder import Encoder, unet_encoder
from inspire_med.networks.build import build_network
from inspire_med.networks.monai_encoder import ENCODERS, monai_encoder
from inspire_med.networks.monai_network import MonaiNetwork
from inspire_med.networks.normalisation import normalisation_of
from inspire_med.networks.presets import brats_unet, isles_unet, polyp_unet
from inspire_med.networks.skips import Skip, compose_skip
from inspire_med.networks.supervision import DeepSupervision
from inspire_med.networks.unet import UNet
from inspire_med.networks.weights import weights_of_encoder

__all__ = [
    "EFFICIENTNET_LITE",
    "ENCODERS",
    "DeepSupervision",
    "Encoder",
    "MonaiNetwork",
    "Skip",
    "UNet",
    "brats_unet",
    "build_network",
    "compose_skip",
    "efficientnet_lite",
    "isles_unet",
    "monai_encoder",
    "normalisation_of",
    "polyp_unet",
    "unet_encoder",
    "weights_of_encoder",
]
