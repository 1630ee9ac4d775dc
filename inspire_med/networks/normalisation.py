"""Normalisation: what an encoder's usual weights want of pictures."""

from inspire_med.blocks.efficientnet_lite import EFFICIENTNET_LITE
from inspire_med.imaging.normalisation import LITE, TORCHVISION, Normalisation
from inspire_med.networks.monai_encoder import EFFICIENTNETS, RESNETS


def normalisation_of(encoder: str) -> Normalisation | None:
    """What pictures must be brought to for the usual weights of an encoder.

    None, if there are none, leaves it to the task.
    """
    if encoder in EFFICIENTNET_LITE:
        return LITE
    return TORCHVISION if encoder in (*RESNETS, *EFFICIENTNETS) else None
