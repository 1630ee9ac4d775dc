import torch

from inspire_med.blocks.align import Resample
from inspire_med.blocks.isa import (
    DESCRIPTOR_CHANNELS,
    ISA,
    Concatenate,
    ConcatenatedISA,
    CorrelationSimilarity,
)


def aligned(merge: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, channels: int):
    """The coarse map as the merge's aligner gives it, without the descriptor."""
    return merge.alignment.align(x, y)[:, :channels]


def test_starts_as_the_mean_of_both_maps(dims, fine, coarse):
    merge = ISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4)
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    torch.testing.assert_close(merge(x, y), (aligned(merge, x, y, 4) + y) / 2)


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


def test_concatenated_isa_starts_as_the_concatenation(dims, fine, coarse):
    merge = ConcatenatedISA(Resample(6, 4 + DESCRIPTOR_CHANNELS), 4)
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    torch.testing.assert_close(merge(x, y), torch.cat([aligned(merge, x, y, 4), y], dim=1))


def test_concatenation_keeps_the_fine_map_untouched(dims, fine, coarse):
    x, y = torch.randn(2, 6, *coarse), torch.randn(2, 4, *fine)

    assert torch.equal(Concatenate(Resample(6, 4), 4)(x, y)[:, 4:], y)
