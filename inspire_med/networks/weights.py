"""Weights: an encoder's first ones, published or from a local file."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from inspire_med.errors import InputError
from inspire_med.networks.encoder import Encoder
from inspire_med.networks.published import Normalisation, imagenet_weights
from inspire_med.networks.unet import UNet
from inspire_med.weight_files import read_tensors

PUBLISHED = "imagenet"


def normalisation_of(encoder: str, weights: str) -> Normalisation | None:
    """What pictures must be brought to for these weights; None leaves it to the task.

    Raises:
        InputError: If there are no such published weights.
    """
    return imagenet_weights(encoder).normalisation if weights == PUBLISHED else None


def load_weights_of_encoder(network: UNet, encoder: str, weights: str) -> None:
    """Load the encoder's weights into every pass of a network.

    Args:
        network: Its encoder gets them.
        encoder: The encoder's name.
        weights: "imagenet", or a local file: safetensors, or a .pth of plain tensors.

    Raises:
        InputError: As `read_tensors` and `Published.verified`, or if a tensor is missing or has
            another shape. Nothing is loaded then.
    """
    published = weights == PUBLISHED
    path = imagenet_weights(encoder).verified() if published else Path(weights)
    network.encoder.load_state_dict(fitted(read_tensors(path), network.encoder, path))
    network.begin_passes_alike()


def fitted(stored: Mapping[str, Tensor], encoder: Encoder, path: Path) -> dict[str, Tensor]:
    """The state of an encoder from what a file holds; what else it holds is left.

    The names are those of the library the encoder comes from (for a ResNet torchvision's, such as
    `layer1.0.conv1.weight`), or those of a checkpoint of the same encoder.

    Args:
        stored: Tensors by name.
        encoder: Says which names and shapes are wanted.
        path: Where they come from, for the message.

    Raises:
        InputError: Names the first tensor that is missing or has another shape.
    """
    loaded: dict[str, Tensor] = {}
    for name, value in encoder.state_dict().items():
        source = encoder.weight_names.get(name, name)
        if f"encoder.{name}" in stored:  # a checkpoint of this toolkit
            source = f"encoder.{name}"
        if source in stored:
            _refuse_other_shape(path, source, stored[source], value)
            loaded[name] = stored[source]
        elif source.endswith("num_batches_tracked"):
            loaded[name] = torch.zeros_like(value)
        else:
            raise InputError(f"{path}: has no tensor {source!r}; is it for another encoder?")
    return loaded


def _refuse_other_shape(path: Path, name: str, found: Tensor, wanted: Tensor) -> None:
    """Refuse a tensor of another shape."""
    if found.shape != wanted.shape:
        raise InputError(
            f"{path}: {name!r} has shape {tuple(found.shape)} where the encoder has "
            f"{tuple(wanted.shape)}; use weights made for this encoder and number of channels."
        )
