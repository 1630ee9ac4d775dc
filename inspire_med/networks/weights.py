"""Weights: an encoder's first ones, published or from a local file."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from inspire_med.blocks.encoder import Encoder
from inspire_med.errors import InputError
from inspire_med.networks.weight_names import namings
from inspire_med.published import imagenet_weights
from inspire_med.weight_files import further_layers, read_tensors

PUBLISHED = "imagenet"
_HEAD = "features.8."  # torchvision's classifiers of EfficientNets begin among the features


class Fitted(NamedTuple):
    """The state of an encoder, and for how many channels of an image it was stored."""

    state: dict[str, Tensor]
    channels: int


def weights_of_encoder(encoder: Encoder, name: str, weights: str) -> Fitted:
    """The state of an encoder from weights that are published or lie in a local file.

    Args:
        encoder: Says which tensors are wanted.
        name: The encoder's name.
        weights: "imagenet", or a local file: safetensors, or a .pth of plain tensors.

    Raises:
        InputError: As `read_tensors`, `Published.verified` and `fitted`.
    """
    published = weights == PUBLISHED
    path = imagenet_weights(name).verified() if published else Path(weights)
    return fitted(read_tensors(path), encoder, path)


def fitted(stored: Mapping[str, Tensor], encoder: Encoder, path: Path) -> Fitted:
    """The state of an encoder from what a file holds; what else it holds is left.

    The names are those of the library the encoder comes from, or of another that has the same
    encoder (`weight_names.namings`), or of a checkpoint of this toolkit. A first convolution of
    another number of channels is adapted: all channels get the mean over those that are stored,
    times their number over the own one, so that equal channels in give the same out.

    Args:
        stored: Tensors by name.
        encoder: Says which names and shapes are wanted.
        path: Where they come from, for the message.

    Raises:
        InputError: Names the first tensor that is missing, has another shape, or is of a layer
            that the encoder does not have.
    """
    wanted = encoder.state_dict()
    own = {name: encoder.weight_names.get(name, name) for name in wanted}
    names = max(namings(own), key=lambda way: sum(name in stored for name in way.values()))
    first = next(name for name, value in wanted.items() if value.dim() > 2)
    state: dict[str, Tensor] = {}
    channels = 0
    for name, value in wanted.items():
        source = names[name]
        if source in stored:
            tensor = stored[source]
            if name == first and tensor.dim() > 2:
                channels = tensor.shape[1]
                tensor = _for_channels(tensor, value.shape[1])
            _refuse_other_shape(path, source, tensor, value)
            state[name] = tensor
        elif source.endswith("num_batches_tracked"):
            state[name] = torch.zeros_like(value)
        else:
            raise InputError(f"{path}: has no tensor {source!r}; is it for another encoder?")
    for name in further_layers(stored, set(names.values())):
        if not name.startswith(_HEAD):
            raise InputError(
                f"{path}: has {name!r}, which the encoder has not; use weights made for this "
                "encoder."
            )
    return Fitted(state, channels)


def _for_channels(kernel: Tensor, channels: int) -> Tensor:
    """A first convolution's kernel (out, in, *sides) for another number of channels in."""
    if kernel.shape[1] == channels:
        return kernel
    mean = kernel.mean(1, keepdim=True) * (kernel.shape[1] / channels)
    return mean.repeat_interleave(channels, 1)


def _refuse_other_shape(path: Path, name: str, found: Tensor, wanted: Tensor) -> None:
    """Refuse a tensor of another shape."""
    if found.shape != wanted.shape:
        raise InputError(
            f"{path}: {name!r} has shape {tuple(found.shape)} where the encoder has "
            f"{tuple(wanted.shape)}; use weights made for this encoder."
        )
