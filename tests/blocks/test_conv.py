import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inspire_med.blocks.conv import ConvNormAct

CONVOLVE = {2: F.conv2d, 3: F.conv3d}


@pytest.mark.parametrize("side", [1, 3, 5])
def test_is_a_zero_padded_convolution_a_norm_and_a_relu(dims, fine, side):
    block = ConvNormAct(dims, 3, 4, kernel_size=side, norm=lambda n: nn.GroupNorm(2, n))
    nn.init.normal_(block.norm.weight)
    nn.init.normal_(block.norm.bias)
    x = torch.randn(2, 3, *fine)

    convolved = CONVOLVE[dims](x, block.conv.weight, padding=side // 2)

    expected = F.relu(F.group_norm(convolved, 2, block.norm.weight, block.norm.bias))
    torch.testing.assert_close(block(x), expected)
    assert block.conv.bias is None


def test_stands_with_kernel_3_stride_1_and_batch_norm(dims, fine):
    block = ConvNormAct(dims, 3, 4).train()

    y = block(torch.randn(2, 3, *fine))

    assert block.conv.kernel_size == (3,) * dims
    assert y.shape == (2, 4, *fine)
    assert block.norm.num_batches_tracked == 1


def test_stride_2_halves_and_rounds_up(dims, fine):
    assert ConvNormAct(dims, 1, 1, stride=2)(torch.randn(2, 1, *fine)).shape[2:] == (7, 5, 4)[:dims]


def test_kernel_and_stride_may_differ_along_the_axes(dims, fine):
    sides, strides = (1, 3, 5)[:dims], (3, 1, 2)[:dims]
    block = ConvNormAct(dims, 3, 4, kernel_size=sides, stride=strides, norm=lambda n: nn.Identity())
    x = torch.randn(2, 3, *fine)

    convolved = CONVOLVE[dims](x, block.conv.weight, stride=strides, padding=(0, 1, 2)[:dims])

    torch.testing.assert_close(block(x), F.relu(convolved))
    assert convolved.shape[2:] == (5, 10, 4)[:dims]


def test_a_single_value_a_channel_is_not_normalised_in_training(dims):
    block = ConvNormAct(dims, 2, 5).train()
    x = torch.randn(1, 2, *[1] * dims)
    convolved = CONVOLVE[dims](x, block.conv.weight, padding=1)
    block.norm.running_mean.fill_(-3)

    torch.testing.assert_close(block(x), F.relu(convolved))
    shifted = block.eval()(x)  # (W x + 3) / sqrt(1 + eps)
    torch.testing.assert_close(shifted, F.relu(convolved + 3), rtol=1e-4, atol=1e-4)


def test_two_values_a_channel_are_normalised_in_training(dims):
    block = ConvNormAct(dims, 2, 5).train()
    block(torch.randn(2, 2, *[1] * dims))

    assert block.norm.num_batches_tracked == 1


def test_another_norm_normalises_a_single_value_too(dims):
    block = ConvNormAct(dims, 2, 5, norm=lambda n: nn.GroupNorm(1, n)).train()
    nn.init.constant_(block.norm.bias, 9)

    assert (block(torch.randn(1, 2, *[1] * dims)) > 5).all()
