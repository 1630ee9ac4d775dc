import pytest
import torch
import torch.nn.functional as F

from inspire_med.detection.sparseinst.coordinates import prepend_coordinates
from inspire_med.detection.sparseinst.encoder import InstanceContextEncoder, PyramidPooling
from inspire_med.errors import InputError

CHANNELS = (6, 8, 10)


def maps(*sizes, batch=1):
    return [torch.randn(batch, c, *size) for c, size in zip(CHANNELS, sizes, strict=True)]


def test_follows_the_steps_of_the_sheet():
    encoder = InstanceContextEncoder(CHANNELS, 16)
    c3, c4, c5 = maps((16, 24), (8, 12), (4, 6), batch=2)

    p5 = encoder.context(encoder.laterals[2](c5))
    p4 = encoder.laterals[1](c4) + p5.repeat_interleave(2, 2).repeat_interleave(2, 3)
    p3 = encoder.laterals[0](c3) + p4.repeat_interleave(2, 2).repeat_interleave(2, 3)
    o3, o4, o5 = (encoder.outputs[k](p) for k, p in enumerate((p3, p4, p5)))
    o4, o5 = (F.interpolate(o, size=(16, 24), mode="bilinear") for o in (o4, o5))
    expected = encoder.fuse(torch.cat([o3, o4, o5], dim=1))

    torch.testing.assert_close(encoder([c3, c4, c5]), expected)


def test_pooling_rectifies_before_it_resizes_and_puts_the_map_last():
    pooling = PyramidPooling(8)
    x = torch.randn(2, 8, 7, 5)

    parts = []
    for cells, grid in zip((1, 2, 3, 6), pooling.grids, strict=True):
        small = F.relu(grid[1](F.adaptive_avg_pool2d(x, cells)))
        parts.append(F.interpolate(small, size=(7, 5), mode="bilinear"))
    expected = F.relu(pooling.mix[0](torch.cat([*parts, x], dim=1)))

    torch.testing.assert_close(pooling(x), expected)
    assert pooling.mix[0].in_channels == 16


@pytest.mark.parametrize(
    "sizes",
    [
        ((1, 1), (1, 1), (1, 1)),
        ((2, 1), (1, 1), (1, 1)),
        ((13, 7), (7, 4), (4, 2)),
        ((25, 33), (13, 17), (7, 9)),
    ],
)
def test_any_size_of_the_maps(sizes):
    encoder = InstanceContextEncoder(CHANNELS, 16)

    out = encoder(maps(*sizes))
    out.square().sum().backward()

    assert out.shape == (1, 16, *sizes[0])
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


def test_has_no_norm_and_starts_with_zero_biases():
    encoder = InstanceContextEncoder(CHANNELS, 16)

    assert not any("norm" in type(m).__name__.lower() for m in encoder.modules())
    for convolution in (*encoder.laterals, *encoder.outputs, encoder.fuse):
        assert not convolution.bias.any()
    # Kaiming-uniform with a = 1 lies within sqrt(3 / fan_in).
    assert encoder.laterals[0].weight.abs().max() <= (3 / 6) ** 0.5
    assert encoder.laterals[0].weight.abs().max() > 0.9 * (3 / 6) ** 0.5


def test_says_that_the_maps_are_too_few():
    with pytest.raises(InputError, match="names 3 maps and the backbone gives 2; .*out_indices"):
        InstanceContextEncoder(CHANNELS, 16)(maps((8, 8), (4, 4), (2, 2))[:2])


def test_coordinates_come_first_and_x_before_y():
    features = torch.full((2, 1, 2, 3), 7.0)

    x, y, kept = prepend_coordinates(features)[1]

    assert x.tolist() == [[-1, 0, 1], [-1, 0, 1]]
    assert y.tolist() == [[-1, -1, -1], [1, 1, 1]]
    assert kept.tolist() == features[1, 0].tolist()


def test_coordinates_of_one_pixel_are_finite():
    assert prepend_coordinates(torch.zeros(1, 1, 1, 1)).flatten().tolist() == [-1, -1, 0]
