"""Coordinates: two channels that tell a convolution where it is."""

import torch
from torch import Tensor


def prepend_coordinates(features: Tensor) -> Tensor:
    """Put x and y, each from -1 to 1 over the map, before the channels: [x, y, F].

    Args:
        features: `(batch, channels, height, width)`; a side of one pixel has coordinate -1.

    Returns:
        `(batch, 2 + channels, height, width)`.
    """
    height, width = features.shape[2:]
    x = torch.linspace(-1, 1, width, device=features.device, dtype=features.dtype)
    y = torch.linspace(-1, 1, height, device=features.device, dtype=features.dtype)
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    place = torch.stack([columns, rows]).expand(len(features), -1, -1, -1)
    return torch.cat([place, features], dim=1)
