"""ISE: intra-scale semantic enhancement, R = F_fe(C, F_ad(C))."""

import torch
from torch import Tensor, nn

from inspire_med.blocks.dims import SpatialDims, pointwise, resize


class AdaptiveAttention(nn.Module):
    """F_ad: attention from a small grid of means, by position and channel.

    A' = sigmoid(W mean_cells(C)), A = A' resized to C, Ĉ = C ⊙ A.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        channels: Channels in and out.
        pool_size: Cells of the grid along each axis (fewer where the map is smaller).

    Shape:
        - Input: `(batch, channels, *spatial)`.
        - Output: the attended map Ĉ, shaped as the input.

    References:
        INSPIRE, figure (b). The figure draws pooling and resizing only; the linear map and the
        sigmoid on the grid are the release's, where the grid has one cell.
    """

    def __init__(self, spatial_dims: SpatialDims, channels: int, *, pool_size: int = 4) -> None:
        super().__init__()
        self.pool_size = pool_size
        self.linear = pointwise(spatial_dims, channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply every position and channel by its attention."""
        attention = torch.sigmoid(self.linear(pool_to_grid(x, self.pool_size)))
        return x * resize(attention, x.shape[2:])


class FeatureEnrichment(nn.Module):
    """F_fe: a linear map over [C, Ĉ] and a two-layer perceptron at every position.

    R = W_2 relu(W_1 [C, Ĉ]). The figure's linear map and the perceptron's first layer follow one
    another with nothing between them, so one matrix W_1 stands for both.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        channels: Channels of C, of Ĉ and of R.

    Shape:
        - Input: two maps `(batch, channels, *spatial)`.
        - Output: `(batch, channels, *spatial)`.

    References:
        INSPIRE, figure (b) and (d).
    """

    def __init__(self, spatial_dims: SpatialDims, channels: int) -> None:
        super().__init__()
        self.linear = pointwise(spatial_dims, 2 * channels, channels)
        self.activation = nn.ReLU(inplace=True)
        self.out = pointwise(spatial_dims, channels, channels)

    def forward(self, x: Tensor, attended: Tensor) -> Tensor:
        """Enrich `x` by its attended copy."""
        return self.out(self.activation(self.linear(torch.cat([x, attended], dim=1))))


class ISE(nn.Module):
    """Intra-scale semantic enhancement of one lateral map: R = F_fe(C, F_ad(C)).

    It starts as the identity on non-negative maps (what a ReLU gives): W_1 = [I, 0], W_2 = I.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        channels: Channels in and out.
        pool_size: Cells of the attention's grid along each axis.

    Shape:
        - Input and output: `(batch, channels, *spatial)`, any size.

    References:
        INSPIRE, figure (b).
    """

    def __init__(self, spatial_dims: SpatialDims, channels: int, *, pool_size: int = 4) -> None:
        super().__init__()
        self.attention = AdaptiveAttention(spatial_dims, channels, pool_size=pool_size)
        self.enrichment = FeatureEnrichment(spatial_dims, channels)
        for layer in (self.enrichment.linear, self.enrichment.out):
            nn.init.dirac_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Enhance a lateral map."""
        return self.enrichment(x, self.attention(x))


def pool_to_grid(x: Tensor, cells: int) -> Tensor:
    """Average (batch, channels, *spatial) over a grid of at most `cells` per axis."""
    size = [min(cells, side) for side in x.shape[2:]]
    pool = torch.nn.functional.adaptive_avg_pool2d
    if x.ndim == 5:
        pool = torch.nn.functional.adaptive_avg_pool3d
    return pool(x, size)
