"""Networks: the blocks made into segmentation networks. All of them give logits."""

from inspire_med.networks.build import build_network
from inspire_med.networks.encoder import Encoder, unet_encoder
from inspire_med.networks.monai_encoder import ENCODERS, monai_encoder
from inspire_med.networks.monai_network import MonaiNetwork
from inspire_med.networks.presets import brats_unet, isles_unet, polyp_unet
from inspire_med.networks.skips import Skip, compose_skip
from inspire_med.networks.supervision import DeepSupervision
from inspire_med.networks.unet import UNet
from inspire_med.networks.weights import load_encoder_weights

__all__ = [
    "ENCODERS",
    "DeepSupervision",
    "Encoder",
    "MonaiNetwork",
    "Skip",
    "UNet",
    "brats_unet",
    "build_network",
    "compose_skip",
    "isles_unet",
    "load_encoder_weights",
    "monai_encoder",
    "polyp_unet",
    "unet_encoder",
]
