import pytest
import torch
import torch.nn.functional as F

from inspire_med.blocks.depthwise import (
    DepthwiseConv,
    _Composed,
    input_gradient,
    kernel_gradient,
)

FORMS = pytest.mark.parametrize(
    ("side", "stride", "padding"),
    [(3, 1, 1), (3, 2, 1), (3, 2, 0), (5, 1, 2), (5, 2, 2), (5, 2, 0), (7, 2, 3), (5, 3, 1)],
)
SIZES = pytest.mark.parametrize("size", [(8, 8), (9, 7), (12, 9), (7, 14)])


@FORMS
@SIZES
def test_gradients_are_torchs(side, stride, padding, size):
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(3, 1, side, side, dtype=torch.float64, requires_grad=True)
    output = F.conv2d(x, kernel, None, stride, padding, groups=3)
    gradient = torch.randn_like(output)

    wanted = torch.autograd.grad(output, (x, kernel), gradient)

    with torch.no_grad():
        of_x = input_gradient(gradient, x, kernel, stride, padding)
        of_kernel = kernel_gradient(gradient, x, kernel, stride, padding)
    torch.testing.assert_close(of_x, wanted[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(of_kernel, wanted[1], rtol=0, atol=1e-12)


@FORMS
def test_gradients_can_be_derived_again(side, stride, padding):
    x = torch.randn(1, 2, 7, 8, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(2, 1, side, side, dtype=torch.float64, requires_grad=True)

    def convolve(x, kernel):
        return _Composed.apply(x, kernel, stride, padding)

    assert torch.autograd.gradcheck(convolve, (x, kernel))
    assert torch.autograd.gradgradcheck(convolve, (x, kernel))


def plain(layer: DepthwiseConv) -> torch.nn.Conv2d:
    """The same convolution of torch's."""
    channels = layer.in_channels
    same = torch.nn.Conv2d(
        channels, channels, layer.kernel_size, layer.stride, layer.padding, groups=channels
    )
    same.bias = None
    same.load_state_dict(layer.state_dict())
    return same


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_in_bfloat16_it_is_torchs_up_to_rounding(side, stride, layout):
    layer = DepthwiseConv(4, side, stride=stride, padding=side // 2)
    image = torch.randn(2, 4, 11, 14).contiguous(memory_format=layout)
    results = []

    for one in (layer, plain(layer)):
        x = image.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            output = one(x)
        output.float().square().sum().backward()
        results.append((output, x.grad, one.weight.grad))

    (output, of_x, of_kernel), (wanted, x_wanted, kernel_wanted) = results
    assert output.dtype == torch.bfloat16
    assert of_x.dtype == of_kernel.dtype == torch.float32
    assert torch.equal(output, wanted)
    torch.testing.assert_close(of_x, x_wanted, rtol=2e-2, atol=2e-2 * float(x_wanted.abs().max()))
    worst = 2e-2 * float(kernel_wanted.abs().max())
    torch.testing.assert_close(of_kernel, kernel_wanted, rtol=2e-2, atol=worst)


def composed(output: torch.Tensor) -> bool:
    """Whether the gradients will be the composed ones."""
    return type(output.grad_fn).__name__ == "_ComposedBackward"


def test_only_where_torchs_own_gradients_are_slow():
    image = torch.randn(1, 2, 9, 9)
    slow, fast = DepthwiseConv(2, 5, padding=2), DepthwiseConv(2, 3, padding=1)

    assert not composed(slow(image))  # float32
    with torch.autocast("cpu", torch.bfloat16):
        assert composed(slow(image))
        assert not composed(fast(image))
        with torch.no_grad():
            assert slow(image).grad_fn is None
    assert composed(slow.bfloat16()(image.bfloat16()))


def test_it_is_torchs_own_in_an_exported_program():
    layer = DepthwiseConv(2, 5, stride=2, padding=2).bfloat16()

    program = torch.export.export(layer, (torch.randn(1, 2, 9, 9).bfloat16(),))

    targets = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert targets == ["aten.conv2d.default"]


def test_it_can_be_frozen():
    layer = DepthwiseConv(2, 5, padding=2).requires_grad_(False)
    x = torch.randn(1, 2, 9, 9, requires_grad=True)

    with torch.autocast("cpu", torch.bfloat16):
        layer(x).float().sum().backward()

    assert x.grad is not None
    assert layer.weight.grad is None
