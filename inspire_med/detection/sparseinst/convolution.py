"""Convolution: the two ways SparseInst starts one, both with a zero bias."""

from torch import nn


def xavier_convolution(in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
    """Make a convolution that keeps the size, for a linear output: Kaiming-uniform, a = 1.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Odd side of the kernel.
    """
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
    nn.init.kaiming_uniform_(convolution.weight, a=1)
    nn.init.zeros_(convolution.bias)  # pyright: ignore[reportArgumentType]
    return convolution


def msra_convolution(in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
    """Make a convolution that keeps the size, before a ReLU: Kaiming-normal over the fan-out.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Odd side of the kernel.
    """
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(convolution.bias)  # pyright: ignore[reportArgumentType]
    return convolution


def tower(in_channels: int, channels: int) -> nn.Sequential:
    """Make the four 3-convolutions with ReLU that both branches of the decoder start with."""
    layers: list[nn.Module] = []
    for before in (in_channels, channels, channels, channels):
        layers += [msra_convolution(before, channels, 3), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
