"""ISE: intra-scale semantic enhancement, R = F_fe(C, F_ad(C))."""

import torch
from torch import Tensor, nn

from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.resize import grid_means, resize


class AdaptiveAttention(nn.Module):
    """F_ad: attention from a small grid of means, by position and channel.

    A' = sigmoid(W mean_cells(C)), A = A' resized to C, Ĉ = C ⊙ A.

    Args:
        channels: Channels in and out.
        pool_size: Cells of the grid along each axis (fewer where the map is smaller).

    Shape:
        - Input: `(batch, channels, *spatial)`.
        - Output: the attended map Ĉ, shaped as the input.

    References:
        INSPIRE, figure (b). The figure draws pooling and resizing only; the linear map and the
        sigmoid on the grid are the release's, where the grid has one cell.
    """

    def __init__(self, channels: int, *, pool_size: int = 4) -> None:
        super().__init__()
        self.pool_size = pool_size
        self.linear = Pointwise(channels, channels)

    def weights(self, x: Tensor) -> Tensor:
        """Give A' on the grid of means, `(batch, channels, *cells)`, in (0, 1)."""
        return torch.sigmoid(self.linear(grid_means(x, self.pool_size)))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply every position and channel by its attention."""
        return x * resize(self.weights(x), x.shape[2:])


class FeatureEnrichment(nn.Module):
    """F_fe: a linear map over [C, Ĉ] and a two-layer perceptron at every position.

    R = W_2 relu(W_1 [C, Ĉ]). The figure's linear map and the perceptron's first layer follow one
    another with nothing between them, so one matrix W_1 stands for both.

    Args:
        channels: Channels of C and of Ĉ.
        out_channels: Channels of R.

    Shape:
        - Input: two maps `(batch, channels, *spatial)`.
        - Output: `(batch, out_channels, *spatial)`.

    References:
        INSPIRE, figure (b) and (d).
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = Pointwise(2 * channels, channels)
        self.activation = nn.ReLU(inplace=True)
        self.out = Pointwise(channels, out_channels)

    def forward(self, x: Tensor, attended: Tensor) -> Tensor:
        """Enrich `x` by its attended copy."""
        return self.out(self.activation(self.linear(torch.cat([x, attended], dim=1))))


class ISE(nn.Module):
    """Intra-scale semantic enhancement of one lateral map: R = F_fe(C, F_ad(C)).

    It starts as the identity on non-negative maps (what a ReLU gives): W_1 = [I, 0], W_2 = I.

    Args:
        channels: Channels in and out.
        pool_size: Cells of the attention's grid along each axis.

    Shape:
        - Input and output: `(batch, channels, *spatial)`, any size.

    References:
        INSPIRE, figure (b).
    """

    def __init__(self, channels: int, *, pool_size: int = 4) -> None:
        super().__init__()
        self.attention = AdaptiveAttention(channels, pool_size=pool_size)
        self.enrichment = FeatureEnrichment(channels, channels)
        for layer in (self.enrichment.linear, self.enrichment.out):
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Enhance a lateral map."""
        return self.enrichment(x, self.attention(x))


class ResidualISE(nn.Module):
    """ISE beside its own input: R = C + F_fe(C, F_ad(C)).

    W_2 starts at zero, so it starts as the identity on every map, where ISE takes the negative
    values away from maps that have signs.

    Args:
        channels: Channels in and out.
        pool_size: Cells of the attention's grid along each axis.

    Shape:
        - Input and output: `(batch, channels, *spatial)`, any size.

    References:
        Differs from INSPIRE, figure (b), by the sum.
    """

    def __init__(self, channels: int, *, pool_size: int = 4) -> None:
        super().__init__()
        self.ise = ISE(channels, pool_size=pool_size)
        nn.init.zeros_(self.ise.enrichment.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Enhance a lateral map."""
        return x + self.ise(x)
