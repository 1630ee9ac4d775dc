"""Weights: an encoder's, from a local file."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from inspire_med.errors import InputError
from inspire_med.networks.unet import UNet


def load_encoder_weights(network: UNet, path: Path) -> None:
    """Load the encoder's weights from a safetensors file; what else the file holds is left.

    The names are those of the library the encoder comes from (for a ResNet torchvision's, such as
    `layer1.0.conv1.weight`), or those of a checkpoint of the same encoder.

    Raises:
        InputError: If the file is missing or unreadable, or lacks a tensor, or one has another
            shape. Nothing is loaded then.
    """
    try:
        stored = load_file(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path.") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error}).") from None
    loaded: dict[str, Tensor] = {}
    for name, value in network.encoder.state_dict().items():
        source = network.encoder.weight_names.get(name, name)
        if f"encoder.{name}" in stored:  # a checkpoint of this toolkit
            source = f"encoder.{name}"
        if source in stored:
            _check_shape(path, source, stored[source], value)
            loaded[name] = stored[source]
        elif source.endswith("num_batches_tracked"):
            loaded[name] = torch.zeros_like(value)
        else:
            raise InputError(f"{path}: has no tensor {source!r}; is it for another encoder?")
    network.encoder.load_state_dict(loaded)
    network.begin_passes_alike()


def _check_shape(path: Path, name: str, found: Tensor, wanted: Tensor) -> None:
    """Refuse a tensor of another shape."""
    if found.shape != wanted.shape:
        raise InputError(
            f"{path}: {name!r} has shape {tuple(found.shape)} where the encoder has "
            f"{tuple(wanted.shape)}; use weights made for this encoder and number of channels."
        )
