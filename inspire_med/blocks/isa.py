"""ISA: inter-scale spatial alignment, P_{j-1} = λ ⊙ P^c_j + λ' ⊙ R_{j-1}."""

import torch
from torch import Tensor, nn

from inspire_med.blocks.pointwise import Pointwise


class CorrelationSimilarity(nn.Module):
    """λ from the correlation of two descriptors: where the maps agree, and on what.

    λ = sigmoid(w · (M^p ⊙ M^r) + b), with the descriptors M linear in each map: a correlation
    whose terms are weighted by a learned w. It starts with w = 0 and b = 0,
    where λ = 1/2: both maps weigh the same.

    Args:
        channels: Channels of both maps.
        descriptor_channels: Channels d of the descriptors.

    Shape:
        - Input: two maps `(batch, channels, *spatial)`.
        - Output: `(batch, 1, *spatial)`, in (0, 1).

    References:
        INSPIRE, figure (c).
    """

    def __init__(self, channels: int, *, descriptor_channels: int = 8) -> None:
        super().__init__()
        self.describe_coarse = Pointwise(channels, descriptor_channels)
        self.describe_fine = Pointwise(channels, descriptor_channels)
        self.correlate = Pointwise(descriptor_channels, 1)
        nn.init.zeros_(self.correlate.weight)
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


class GatedConcatenate(nn.Module):
    """Align the coarse map to the fine one, then put the two side by side under the same weights.

    [2λ ⊙ P^c_j, 2λ' ⊙ R_{j-1}] with λ' = 1 - λ: ISA's two terms, concatenated where the figure
    sums them. With λ = 1/2, where the similarity starts, it is the plain concatenation.

    Args:
        align: Brings (coarse, fine) to the coarse map at the fine map's channels and size.
        similarity: Gives λ `(batch, 1, *spatial)` from the aligned and the fine map.
        channels: Channels of the fine map; the output has twice as many.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: `(batch, 2 * channels, *spatial)`.
    """

    def __init__(self, align: nn.Module, similarity: nn.Module, channels: int) -> None:
        super().__init__()
        self.align = align
        self.similarity = similarity
        self.out_channels = 2 * channels

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge a coarse map with a fine one."""
        aligned = self.align(coarse, fine)
        twice = 2 * self.similarity(aligned, fine)
        return torch.cat([aligned * twice, fine * (2 - twice)], dim=1)


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
