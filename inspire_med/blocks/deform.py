"""Deformable convolution in pure torch (2-D, stride 1), and the release's "pack" of it."""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def deform_conv2d(x: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    """Convolve `x` where every kernel point is displaced by its own offset; outside is zero.

    y(p) = Σ_k W_k x(p + p_k + offset_k(p)), bilinear, with p_k the points of the zero-padded
    kernel of odd sides.

    Args:
        x: `(batch, in_channels, height, width)`.
        offset: `(batch, 2 * points, height, width)` in pixels; for each point, row by row, first
            the vertical then the horizontal displacement.
        weight: `(out_channels, in_channels, *sides)`.

    References:
        Dai et al., Deformable Convolutional Networks, ICCV 2017, eq. 2-3 (without modulation).
    """
    sides = weight.shape[2:]
    height, width = x.shape[2:]
    rows = torch.arange(height, device=x.device).view(-1, 1)
    columns = torch.arange(width, device=x.device)
    wide = torch.promote_types(x.dtype, torch.float32)
    offset = offset.to(wide)
    points: list[Tensor] = []
    for k, (row, column) in enumerate(product(*map(range, sides))):
        y = rows + (row - sides[0] // 2) + offset[:, 2 * k]
        x_ = columns + (column - sides[1] // 2) + offset[:, 2 * k + 1]
        points.append(torch.stack([(2 * x_ + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1))
    grid = torch.cat(points, dim=1)  # (batch, points * height, width, 2)
    sampled = F.grid_sample(x.to(wide), grid, padding_mode="zeros", align_corners=False)
    columns_ = sampled.unflatten(2, (sides.numel(), height)).to(x.dtype)
    return torch.einsum("bckhw,ock->bohw", columns_, weight.flatten(2))


class DeformConvPack(nn.Module):
    """A deformable 3x3 convolution that predicts its offsets from its own input.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.

    Shape:
        - Input: `(batch, in_channels, height, width)`, any size.
        - Output: `(batch, out_channels, height, width)`.

    References:
        INSPIRE, released code (`deform`). The offsets start at zero, where it is a plain
        convolution; the release meant that and lost it to a later initialisation.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.conv_offset = nn.Conv2d(in_channels, 18, 3, padding=1)
        nn.init.xavier_uniform_(self.weight)
        nn.init.zeros_(self.conv_offset.weight)
        nn.init.zeros_(self.conv_offset.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve at the displaced points."""
        return deform_conv2d(x, self.conv_offset(x), self.weight)
