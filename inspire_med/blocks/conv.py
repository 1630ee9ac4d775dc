"""Convolution, norm, activation: the one convolution block of the toolkit."""

from collections.abc import Sequence

from torch import Tensor, nn

from inspire_med.blocks.dims import BATCH_NORM, CONVOLUTION, Norm, SpatialDims, per_axis


class ConvNormAct(nn.Module):
    """A convolution without bias, a norm and a ReLU.

    y = relu(norm(W x)), zero-padded so that stride 1 keeps the size and stride s divides it by s,
    rounding up.

    Args:
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Odd side of the kernel, or one an axis.
        stride: Step of the kernel, or one an axis.
        norm: Makes the norm for a number of channels; batch norm by default.

    Shape:
        - Input: `(batch, in_channels, *spatial)`.
        - Output: `(batch, out_channels, *ceil(spatial / stride))`.
    """

    def __init__(
        self,
        spatial_dims: SpatialDims,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        sides, steps = (per_axis(each, spatial_dims) for each in (kernel_size, stride))
        zeros = tuple(side // 2 for side in sides)
        self.conv = CONVOLUTION[spatial_dims](
            in_channels, out_channels, sides, steps, zeros, bias=False
        )
        self.norm = (norm or BATCH_NORM[spatial_dims])(out_channels)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise, activate."""
        x = self.conv(x)
        # A single value a channel (batch 1, coarsest level of a small image) has no statistics,
        # and batch norm refuses it.
        single = self.training and x.numel() == x.shape[1]
        if not (single and isinstance(self.norm, BATCH_NORM[x.ndim - 2])):
            x = self.norm(x)
        return self.activation(x)
