import torch

from inspire_med.blocks.ise import ISE, AdaptiveAttention


def test_starts_as_the_identity_on_non_negative_maps(dims, fine):
    x = torch.rand(2, 5, *fine)

    torch.testing.assert_close(ISE(5)(x), x)


def test_attention_depends_on_position_and_channel(dims):
    attention = AdaptiveAttention(3, pool_size=2)
    x = torch.rand(1, 3, *[8] * dims)

    gate = attention(x) / x

    corners = gate.flatten(2)[:, :, [0, -1]]
    assert len(corners.unique()) == 6


def test_one_cell_attends_by_channel_alone(dims):
    attention = AdaptiveAttention(3, pool_size=1)
    x = torch.rand(1, 3, *[8] * dims)

    gate = attention(x) / x

    torch.testing.assert_close(gate, gate.mean(dim=tuple(range(2, dims + 2)), keepdim=True) + 0 * x)


def test_attention_is_half_where_its_map_is_zero(dims, fine):
    attention = AdaptiveAttention(3)
    torch.nn.init.zeros_(attention.linear.weight)
    torch.nn.init.zeros_(attention.linear.bias)
    x = torch.rand(1, 3, *fine)

    torch.testing.assert_close(attention(x), x / 2)  # sigmoid(0) = 1/2
