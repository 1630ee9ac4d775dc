"""ISA: inter-scale spatial alignment, P_{j-1} = λ ⊙ P^c_j + λ' ⊙ R_{j-1}."""

import torch
from torch import Tensor, nn

from inspire_med.blocks.dims import Norm
from inspire_med.blocks.pointwise import Pointwise

DESCRIPTOR_CHANNELS = 8


class CorrelationSimilarity(nn.Module):
    """λ from the correlation of two descriptors.

    λ = sigmoid(w · (M^p ⊙ M^r) + b): a correlation whose terms are weighted by a learned w. It
    starts with w = 0 and b = 0, where λ = 1/2: both maps weigh the same.

    Args:
        descriptor_channels: Channels of the descriptors.
        weights: How many λ there are, each with a w and b of its own.

    Shape:
        - Input: M^p and M^r, `(batch, descriptor_channels, *spatial)`.
        - Output: `(batch, weights, *spatial)`, in (0, 1).

    References:
        INSPIRE, figure (c).
    """

    def __init__(self, descriptor_channels: int = DESCRIPTOR_CHANNELS, *, weights: int = 1) -> None:
        super().__init__()
        self.correlate = Pointwise(descriptor_channels, weights)
        nn.init.zeros_(self.correlate.weight)
        nn.init.zeros_(self.correlate.bias)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Weigh the coarse map against the fine one."""
        return torch.sigmoid(self.correlate(coarse * fine))


class Alignment(nn.Module):
    """What ISA's two readings share: P^c_j and λ from P_j and R_{j-1}.

    M^r is linear in R. P^c and M^p are both linear in P_j, so they are mapped on the coarse grid
    in one product and are aligned and up-sampled together; M^r guides the alignment.

    Args:
        align: (P_j, M^r) to `channels` plus eight descriptor channels at the fine size.
        channels: Channels of the fine map.
        weights: 1, or `channels` for a λ of each channel's own.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: P^c `(batch, channels, *spatial)` and λ `(batch, weights, *spatial)`.
    """

    def __init__(self, align: nn.Module, channels: int, *, weights: int = 1) -> None:
        super().__init__()
        self.align = align
        self.describe = Pointwise(channels, DESCRIPTOR_CHANNELS)
        self.similarity = CorrelationSimilarity(weights=weights)

    def forward(self, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Align the coarse map and weigh it against the fine one."""
        described = self.describe(fine)
        sizes = [fine.shape[1], described.shape[1]]
        aligned, aligned_described = self.align(coarse, described).split(sizes, dim=1)
        return aligned, self.similarity(aligned_described, described)


class ISA(nn.Module):
    """Align the coarse map to the fine one, then blend the two (F_af).

    P_{j-1} = λ ⊙ P^c_j + λ' ⊙ R_{j-1} with λ' = 1 - λ.

    Args:
        align: (P_j, M^r) to `channels` plus eight descriptor channels at the fine size.
        channels: Channels of the fine map and of the output.
        weights: 1, or `channels` for a λ of each channel's own.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: `(batch, channels, *spatial)`.

    References:
        INSPIRE, figure (c).
    """

    def __init__(self, align: nn.Module, channels: int, *, weights: int = 1) -> None:
        super().__init__()
        self.alignment = Alignment(align, channels, weights=weights)
        self.out_channels = channels

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge a coarse map into a fine one."""
        aligned, weight = self.alignment(coarse, fine)
        return torch.lerp(fine, aligned, weight)


class NormedISA(nn.Module):
    """ISA of two maps that are first brought to one scale: λ ⊙ N(P^c_j) + λ' ⊙ N(R_{j-1}).

    P has a norm and a ReLU behind it, R what the encoder gives, which may be several times larger
    or smaller; a sum of the two starts as the larger one.

    Args:
        align: (P_j, M^r) to `channels` plus eight descriptor channels at the fine size.
        channels: Channels of the fine map and of the output.
        norm: Makes N for a number of channels.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: `(batch, channels, *spatial)`.
    """

    def __init__(self, align: nn.Module, channels: int, *, norm: Norm) -> None:
        super().__init__()
        self.alignment = Alignment(align, channels)
        self.norm_coarse = norm(channels)
        self.norm_fine = norm(channels)
        self.out_channels = channels

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge a coarse map into a fine one."""
        aligned, weight = self.alignment(coarse, fine)
        return torch.lerp(self.norm_fine(fine), self.norm_coarse(aligned), weight)


class ConcatenatedISA(nn.Module):
    """Align the coarse map to the fine one, then put the two side by side under ISA's weights.

    [2λ ⊙ P^c_j, 2λ' ⊙ R_{j-1}] with λ' = 1 - λ: the figure's two terms, concatenated where it
    sums them. It starts, with λ = 1/2, as the plain concatenation.

    Args:
        align: (P_j, M^r) to `channels` plus eight descriptor channels at the fine size.
        channels: Channels of the fine map; the output has twice as many.

    Shape:
        - Input: coarse `(batch, coarse_channels, *small)`, fine `(batch, channels, *spatial)`.
        - Output: `(batch, 2 * channels, *spatial)`.
    """

    def __init__(self, align: nn.Module, channels: int) -> None:
        super().__init__()
        self.alignment = Alignment(align, channels)
        self.out_channels = 2 * channels

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge a coarse map with a fine one."""
        aligned, weight = self.alignment(coarse, fine)
        return torch.cat([aligned * (2 * weight), fine * (2 - 2 * weight)], dim=1)


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
