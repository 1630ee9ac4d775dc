"""ISA: inter-scale spatial alignment, P_{j-1} = λ ⊙ P^c_j + λ' ⊙ R_{j-1}."""

import torch
from torch import Tensor, nn

from inspire_med.blocks.dims import SpatialDims, pointwise


class CorrelationSimilarity(nn.Module):
    """λ from the correlation of two descriptors: where the maps agree, and on what.

    λ = sigmoid(w · (M^p ⊙ M^r) + b), with the descriptors M linear in each map: a correlation
    whose terms are weighted by a learned w. It starts with w = 1/√d and b = 0.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        channels: Channels of both maps.
        descriptor_channels: Channels d of the descriptors.

    Shape:
        - Input: two maps `(batch, channels, *spatial)`.
        - Output: `(batch, 1, *spatial)`, in (0, 1).

    References:
        INSPIRE, figure (c).
    """

    def __init__(
        self, spatial_dims: SpatialDims, channels: int, *, descriptor_channels: int = 8
    ) -> None:
        super().__init__()
        self.describe_coarse = pointwise(spatial_dims, channels, descriptor_channels)
        self.describe_fine = pointwise(spatial_dims, channels, descriptor_channels)
        self.correlate = pointwise(spatial_dims, descriptor_channels, 1)
        nn.init.constant_(self.correlate.weight, descriptor_channels**-0.5)
        nn.init.zeros_(self.correlate.bias)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Weigh the coarse map against the fine one."""
        product = self.describe_coarse(coarse) * self.describe_fine(fine)
        return torch.sigmoid(self.correlate(product))


class ISA(nn.Module):
    """Align the coarse map to the fine one, then blend the two (F_af).

    P_{j-1} = λ ⊙ P^c_j + λ' ⊙ R_{j-1} with λ' = 1 - λ.

    Args:
        align: Brings (coarse, fine) to the coarse map at the fine map's channels and size.
        similarity: Gives λ `(batch, 1, *spatial)` from the aligned and the fine map.
        channels: Channels of the fine map and of the output.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: `(batch, channels, *spatial)`.

    References:
        INSPIRE, figure (c).
    """

    def __init__(self, align: nn.Module, similarity: nn.Module, channels: int) -> None:
        super().__init__()
        self.align = align
        self.similarity = similarity
        self.out_channels = channels

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge a coarse map into a fine one."""
        aligned = self.align(coarse, fine)
        return torch.lerp(fine, aligned, self.similarity(aligned, fine).to(fine.dtype))


class Concatenate(nn.Module):
    """The plain U-Net's merge: [P^c_j, C_{j-1}] along the channels.

    Args:
        align: Brings (coarse, fine) to the coarse map at the fine map's channels and size.
        channels: Channels of the fine map; the output has twice as many.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: `(batch, 2 * channels, *spatial)`.
    """

    def __init__(self, align: nn.Module, channels: int) -> None:
        super().__init__()
        self.align = align
        self.out_channels = 2 * channels

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Put the coarse map beside the fine one."""
        return torch.cat([self.align(coarse, fine), fine], dim=1)
