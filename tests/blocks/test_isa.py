import math

import torch

from inspire_med.blocks.align import Resample
from inspire_med.blocks.dims import BATCH_NORM
from inspire_med.blocks.isa import (
    DESCRIPTOR_CHANNELS,
    ISA,
    Concatenate,
    ConcatenatedISA,
    CorrelationSimilarity,
    NormedISA,
)


def aligned(merge: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, channels: int):
    """The coarse map as the merge's aligner gives it, without the descriptor."""
    return merge.alignment.align(x, y)[:, :channels]


def test_starts_as_the_mean_of_both_maps(dims, fine, coarse):
    merge = ISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4)
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    torch.testing.assert_close(merge(x, y), (aligned(merge, x, y, 4) + y) / 2)


def weigh_the_coarse_map_by_three_quarters(merge: torch.nn.Module) -> None:
    torch.nn.init.constant_(merge.alignment.similarity.correlate.bias, math.log(3))


def test_lambda_weighs_the_coarse_map_and_one_minus_lambda_the_fine_one(dims, fine, coarse):
    merge = ISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4)
    weigh_the_coarse_map_by_three_quarters(merge)
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    torch.testing.assert_close(merge(x, y), 0.75 * aligned(merge, x, y, 4) + 0.25 * y)


def test_lambda_is_the_sigmoid_of_the_weighted_correlation():
    similarity = CorrelationSimilarity(2)
    with torch.no_grad():
        similarity.correlate.weight.copy_(torch.tensor([[0.1, 0.2]]))
        similarity.correlate.bias.fill_(-0.5)
    x, y = (torch.tensor(pair).view(1, 2, 1, 1) for pair in ([1.0, 2.0], [3.0, 4.0]))

    expected = torch.tensor(0.1 * 3 + 0.2 * 8 - 0.5).sigmoid()
    torch.testing.assert_close(similarity(x, y).squeeze(), expected)


def test_the_blend_is_convex_at_every_position(dims, fine, coarse):
    merge = ISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4)
    torch.nn.init.normal_(merge.alignment.similarity.correlate.weight)
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    merged, moved = merge(x, y), aligned(merge, x, y, 4)

    assert (merged <= torch.maximum(moved, y) + 1e-6).all()
    assert (merged >= torch.minimum(moved, y) - 1e-6).all()


def test_maps_that_agree_weigh_more_than_maps_that_contradict():
    similarity = CorrelationSimilarity(4)
    torch.nn.init.ones_(similarity.correlate.weight)
    x = torch.randn(1, 4, 3, 3)

    assert (similarity(x, x) > similarity(x, -x)).all()


def test_with_a_weight_a_channel_each_channel_is_blended_by_its_own(dims, fine, coarse):
    merge = ISA(Resample(6, 2 + DESCRIPTOR_CHANNELS), 2, weights=2)
    with torch.no_grad():  # sigmoid(ln 3) = 3/4 and sigmoid(-ln 3) = 1/4
        merge.alignment.similarity.correlate.bias.copy_(torch.tensor([1, -1]) * math.log(3))
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 2, *fine)

    p, shares = aligned(merge, x, y, 2), torch.tensor([0.75, 0.25]).view(1, 2, *[1] * dims)

    torch.testing.assert_close(merge(x, y), shares * p + (1 - shares) * y)


def test_normed_isa_blends_maps_of_mean_0_and_deviation_1(dims, fine, coarse):
    merge = NormedISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4, norm=BATCH_NORM[dims])
    weigh_the_coarse_map_by_three_quarters(merge)
    x, y = torch.randn(2, 6, *coarse), 50 + 9 * torch.randn(2, 4, *fine)

    axes = (0, *range(2, dims + 2))
    p, r = (
        (m - m.mean(axes, keepdim=True)) / m.std(axes, keepdim=True, correction=0)
        for m in (aligned(merge, x, y, 4), y)
    )

    torch.testing.assert_close(merge(x, y), 0.75 * p + 0.25 * r, atol=1e-3, rtol=1e-3)


def test_concatenated_isa_starts_as_the_concatenation(dims, fine, coarse):
    merge = ConcatenatedISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4)
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    torch.testing.assert_close(merge(x, y), torch.cat([aligned(merge, x, y, 4), y], dim=1))


def test_concatenated_isa_doubles_lambda_and_its_complement(dims, fine, coarse):
    merge = ConcatenatedISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4)
    weigh_the_coarse_map_by_three_quarters(merge)
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    expected = torch.cat([1.5 * aligned(merge, x, y, 4), 0.5 * y], dim=1)
    torch.testing.assert_close(merge(x, y), expected)


def test_every_merge_says_how_many_channels_it_gives(dims, fine, coarse):
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)
    described = Resample(6, 4 + DESCRIPTOR_CHANNELS)

    merges = [ISA(described, 4), ConcatenatedISA(described, 4), Concatenate(Resample(6, 4), 4)]

    assert [m.out_channels for m in merges] == [m(x, y).shape[1] for m in merges] == [4, 8, 8]


def test_concatenation_keeps_the_fine_map_untouched(dims, fine, coarse):
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    assert torch.equal(Concatenate(Resample(6, 4), 4)(x, y)[:, 4:], y)
