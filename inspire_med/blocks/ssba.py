"""SSBA: spatial-semantic back augmentation, C̃_j = F_fp(P_j, C_j)."""

import torch
from torch import Tensor, nn

from inspire_med.blocks.isa import DESCRIPTOR_CHANNELS, CorrelationSimilarity
from inspire_med.blocks.ise import AdaptiveAttention, FeatureEnrichment
from inspire_med.blocks.pointwise import Pointwise


class SSBA(nn.Module):
    """Feed a pyramid level back into the bottom-up path at the same level (F_fp).

    Q = F_fe(P, F_ad(P)), C̃ = λ ⊙ Q + λ' ⊙ C, with λ from the correlation similarity of Q and C
    and λ' = 1. The matrix that makes Q starts at zero, so C̃ = C at first and the second pass of
    an unrolled network starts as a copy of the first. Q's descriptor leaves F_fe beside Q.

    Args:
        pyramid_channels: Channels of P_j.
        channels: Channels of C_j and of the output.
        pool_size: Cells of the attention's grid along each axis.

    Shape:
        - Input: P_j `(batch, pyramid_channels, *spatial)`, C_j `(batch, channels, *spatial)`.
        - Output: `(batch, channels, *spatial)`.

    References:
        INSPIRE, figure (d). Differs: λ' = 1, where the figure leaves it to the similarity, for
        the sake of the start as a copy.
    """

    def __init__(self, pyramid_channels: int, channels: int, *, pool_size: int = 4) -> None:
        super().__init__()
        self.attention = AdaptiveAttention(pyramid_channels, pool_size=pool_size)
        self.enrichment = FeatureEnrichment(pyramid_channels, channels + DESCRIPTOR_CHANNELS)
        self.describe = Pointwise(channels, DESCRIPTOR_CHANNELS)
        self.similarity = CorrelationSimilarity()
        with torch.no_grad():
            self.enrichment.out.weight[:channels] = 0
            self.enrichment.out.bias[:channels] = 0

    def forward(self, pyramid: Tensor, feature: Tensor) -> Tensor:
        """Augment a bottom-up feature by the pyramid's map of its level."""
        enriched = self.enrichment(pyramid, self.attention(pyramid))
        sizes = [feature.shape[1], DESCRIPTOR_CHANNELS]
        semantic, described = enriched.split(sizes, dim=1)
        weight = self.similarity(described, self.describe(feature))
        return torch.addcmul(feature, weight, semantic)
