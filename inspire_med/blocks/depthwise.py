"""Depthwise convolution whose backward pass is fast on a CPU in bfloat16 too."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WINDOW = 3  # side of the kernels whose weight gradient is fast


class DepthwiseConv(nn.Conv2d):
    """A square convolution of every channel by itself, without bias; the values are torch's.

    oneDNN falls back to a reference kernel for the bfloat16 gradients of a depthwise convolution
    of stride 2 or of side 5, which then take most of a training step. They are composed of what
    has a fast kernel: the gradient of the input is a convolution of stride 1 of the gradient spread
    out by zeros, with the kernel turned around; the gradient of a kernel of side 5 is that of four
    overlapping kernels of side 3.

    Args:
        channels: Channels in and out.
        kernel_size: Side of the kernel.
        stride: Step of the kernel.
        padding: Zeros on every side.

    Shape:
        - Input: `(batch, channels, height, width)`.
        - Output: `(batch, channels, *floor((size + 2 padding - kernel_size) / stride + 1))`.
    """

    def __init__(
        self, channels: int, kernel_size: int, *, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__(
            channels, channels, kernel_size, stride, padding, groups=channels, bias=False
        )

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name for it
        """Convolve."""
        if not self._is_slow(input):
            return super().forward(input)
        kernel = self.weight.to(torch.bfloat16)
        return _Composed.apply(
            input.to(torch.bfloat16), kernel, self.stride[0], int(self.padding[0])
        )

    def _is_slow(self, x: Tensor) -> bool:
        """Tell whether torch's own gradients would be computed by a reference kernel."""
        cast = torch.is_autocast_enabled("cpu")
        kind = torch.get_autocast_dtype("cpu") if cast else x.dtype
        trained = torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)
        native = self.stride[0] == 1 and self.kernel_size[0] <= _WINDOW
        on_cpu = x.device.type == "cpu" and kind == torch.bfloat16
        return on_cpu and trained and not native and not torch.compiler.is_compiling()


class _Composed(torch.autograd.Function):
    """Torch's convolution, with gradients composed of fast kernels; they can be derived again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, kernel, None, stride, padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (gradient,) = gradients
        x, kernel = ctx.saved_tensors
        of_x, of_kernel, *_ = ctx.needs_input_grad
        return (
            input_gradient(gradient, x, kernel, ctx.stride, ctx.padding) if of_x else None,
            kernel_gradient(gradient, x, kernel, ctx.stride, ctx.padding) if of_kernel else None,
            None,
            None,
        )


def input_gradient(
    gradient: Tensor, x: Tensor, kernel: Tensor, stride: int, padding: int
) -> Tensor:
    """dL/dx_i = sum_o g_o w_{i + padding - stride o}: the spread-out gradient, convolved."""
    side = kernel.shape[-1]
    spread = gradient
    if stride > 1:
        height, width = (n + 2 * padding - side + 1 for n in x.shape[2:])
        spread = torch.zeros_like(x[:, :, :1, :1]).expand(-1, -1, height, width)
        spread = spread.contiguous(memory_format=_layout(x))
        spread[:, :, ::stride, ::stride] = gradient
    turned = kernel.flip(2, 3)
    return F.conv2d(spread, turned, None, 1, side - 1 - padding, groups=x.shape[1])


def kernel_gradient(
    gradient: Tensor, x: Tensor, kernel: Tensor, stride: int, padding: int
) -> Tensor:
    """dL/dw_k = sum_o g_o x_{stride o + k - padding}, in windows of three taps a side."""
    side = kernel.shape[-1]
    if side <= _WINDOW:
        return _native_kernel_gradient(gradient, x, kernel, stride, padding)
    result = torch.zeros_like(kernel)
    reach = [stride * (n - 1) + _WINDOW for n in gradient.shape[2:]]
    corners = (*range(0, side - _WINDOW, _WINDOW - 1), side - _WINDOW)
    for top in corners:
        for left in corners:
            before = (padding - left, padding - top)
            after = (reach[1] - x.shape[3] - before[0], reach[0] - x.shape[2] - before[1])
            seen = F.pad(x, (before[0], after[0], before[1], after[1]))
            taps = (..., slice(top, top + _WINDOW), slice(left, left + _WINDOW))
            seen = seen.contiguous(memory_format=_layout(x))
            window = kernel[taps].contiguous()
            result[taps] = _native_kernel_gradient(gradient, seen, window, stride, 0)
    return result


def _native_kernel_gradient(
    gradient: Tensor, x: Tensor, kernel: Tensor, stride: int, padding: int
) -> Tensor:
    """Torch's own gradient of the kernel, and nothing else."""
    strides, zeros, ones = [stride] * 2, [padding] * 2, [1, 1]
    return torch.ops.aten.convolution_backward(
        *(gradient, x, kernel, None, strides, zeros, ones),
        *(False, [0, 0], x.shape[1], [False, True, False]),
    )[1]


def _layout(x: Tensor) -> torch.memory_format:
    """The memory layout that the maps have."""
    last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
