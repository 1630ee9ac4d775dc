import torch

from inspire_med.blocks.ise import AdaptiveAttention
from inspire_med.blocks.ssba import SSBA


def test_adds_the_pyramids_enriched_map_by_the_similarity(dims, fine):
    # C~ = C + lambda * Q, with Q and its descriptor from F_fe(P, F_ad(P)).
    block = SSBA(6, 4, pool_size=2)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    pyramid, feature = torch.randn(2, 6, *fine), torch.randn(2, 4, *fine)

    attention = AdaptiveAttention(6, pool_size=2)
    attention.load_state_dict(block.attention.state_dict())
    enriched = block.enrichment(pyramid, attention(pyramid))
    q, described = enriched[:, :4], enriched[:, 4:]
    weight = block.similarity(described, block.describe(feature))

    torch.testing.assert_close(block(pyramid, feature), feature + weight * q)


def test_the_grid_has_four_cells_an_axis_where_none_are_named():
    assert SSBA(6, 4).attention.pool_size == 4


def test_starts_as_a_copy_of_the_feature(dims, fine):
    pyramid, feature = torch.randn(2, 6, *fine), torch.randn(2, 4, *fine)

    assert torch.equal(SSBA(6, 4)(pyramid, feature), feature)


def test_the_pyramid_reaches_the_feature_after_one_step_of_training(dims, fine):
    block = SSBA(6, 4)
    pyramid, feature = torch.randn(2, 6, *fine), torch.randn(2, 4, *fine)
    block(pyramid, feature).square().sum().backward()

    with torch.no_grad():
        for parameter in block.parameters():
            parameter -= 1e-2 * parameter.grad

    assert not torch.allclose(block(pyramid, feature), feature)
