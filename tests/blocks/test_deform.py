import math

import pytest
import torch

from inspire_med.blocks.deform import DeformConvPack, deform_conv2d


def pixel(image: torch.Tensor, y: int, x: int) -> torch.Tensor:
    """The channels at one pixel; zero outside."""
    if 0 <= y < image.shape[1] and 0 <= x < image.shape[2]:
        return image[:, y, x]
    return torch.zeros(image.shape[0], dtype=image.dtype)


def bilinear(image: torch.Tensor, y: float, x: float) -> torch.Tensor:
    """The channels at a point between four pixels."""
    top, left = math.floor(y), math.floor(x)
    value = torch.zeros(image.shape[0], dtype=image.dtype)
    for row, column in [(top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)]:
        value += (1 - abs(y - row)) * (1 - abs(x - column)) * pixel(image, row, column)
    return value


def test_equals_the_definition_written_as_loops():
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    offset = 2 * torch.randn(2, 18, 5, 4, dtype=torch.float64)
    weight = torch.randn(6, 3, 3, 3, dtype=torch.float64)
    expected = torch.zeros(2, 6, 5, 4, dtype=torch.float64)
    for b in range(2):
        for i in range(5):
            for j in range(4):
                for k in range(9):
                    y = i + k // 3 - 1 + float(offset[b, 2 * k, i, j])
                    z = j + k % 3 - 1 + float(offset[b, 2 * k + 1, i, j])
                    expected[b, :, i, j] += weight[:, :, k // 3, k % 3] @ bilinear(x[b], y, z)

    result = deform_conv2d(x.float(), offset.float(), weight.float())

    torch.testing.assert_close(result, expected.float(), atol=1e-4, rtol=1e-4)


def test_equals_mmcvs_operator():
    ops = pytest.importorskip("mmcv.ops", exc_type=ImportError)
    x, offset = torch.randn(2, 4, 9, 7), 2 * torch.randn(2, 18, 9, 7)
    weight = torch.randn(5, 4, 3, 3)

    expected = ops.deform_conv2d(x, offset, weight, 1, 1, 1, 1, 1)

    torch.testing.assert_close(deform_conv2d(x, offset, weight), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("sides", [(1, 1), (5, 5), (1, 3), (5, 3)])
def test_without_offsets_it_is_the_zero_padded_convolution_of_any_odd_kernel(sides):
    x, weight = torch.randn(2, 3, 7, 9), torch.randn(4, 3, *sides)

    result = deform_conv2d(x, torch.zeros(2, 2 * math.prod(sides), 7, 9), weight)

    expected = torch.nn.functional.conv2d(x, weight, padding=[side // 2 for side in sides])
    torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-4)


def test_half_precision_does_not_blur_the_positions():
    """Bfloat16 has eight bits: of a column beyond 256 it could not say which."""
    x = torch.randint(-4, 5, (1, 1, 2, 600)).bfloat16()
    weight = torch.zeros(1, 1, 3, 3, dtype=torch.bfloat16)
    weight[..., 1, 1] = 1
    offset = torch.zeros(1, 18, 2, 600, dtype=torch.bfloat16)

    result = deform_conv2d(x, offset, weight)

    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result, x, atol=0.02, rtol=0)


def test_works_on_any_device():
    x, offset = torch.empty(2, 3, 5, 4, device="meta"), torch.empty(2, 18, 5, 4, device="meta")

    result = deform_conv2d(x, offset, torch.empty(6, 3, 3, 3, device="meta"))

    assert (result.device.type, result.shape) == ("meta", (2, 6, 5, 4))


def test_the_pack_starts_as_a_plain_convolution():
    layer = DeformConvPack(4, 6)
    x = torch.randn(2, 4, 9, 7)

    expected = torch.nn.functional.conv2d(x, layer.weight, padding=1)

    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_finite_differences():
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    offset = torch.randn(1, 18, 4, 5, dtype=torch.float64).mul(0.3).requires_grad_()
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(deform_conv2d, (x, offset, weight))
