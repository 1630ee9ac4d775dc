import torch
import torch.nn.functional as F

from inspire_med.blocks.ise import ISE, AdaptiveAttention, ResidualISE
from inspire_med.blocks.resize import grid_means, resize


def linear(layer: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
    """W x + b at every position."""
    return torch.einsum("oc,bc...->bo...", layer.weight, x) + layer.bias.view(
        1, -1, *[1] * (x.ndim - 2)
    )


def test_follows_the_formula_of_the_figure(dims, fine):
    # A = sigmoid(W mean_cells(C)), R = W_2 relu(W_1 [C, C * A]).
    block = ISE(5, pool_size=3)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    x = torch.randn(2, 5, *fine)

    a = resize(torch.sigmoid(linear(block.attention.linear, grid_means(x, 3))), fine)
    y = F.relu(linear(block.enrichment.linear, torch.cat([x, x * a], dim=1)))

    torch.testing.assert_close(block(x), linear(block.enrichment.out, y), atol=1e-5, rtol=1e-5)


def test_the_grid_has_four_cells_an_axis_where_none_are_named(dims):
    x = torch.randn(1, 3, *[8] * dims)
    for named, plain in (
        (AdaptiveAttention(3, pool_size=4), AdaptiveAttention(3)),
        (ISE(3, pool_size=4), ISE(3)),
    ):
        for parameter in named.parameters():
            torch.nn.init.normal_(parameter)
        plain.load_state_dict(named.state_dict())

        assert torch.equal(plain(x), named(x))


def test_starts_as_the_identity_on_non_negative_maps(dims, fine):
    x = torch.rand(2, 5, *fine)

    torch.testing.assert_close(ISE(5)(x), x)


def test_a_residual_ise_starts_as_the_identity_on_maps_with_signs(dims, fine):
    x = torch.randn(2, 5, *fine)

    assert torch.equal(ResidualISE(5)(x), x)


def test_a_residual_ise_adds_what_ise_gives(dims, fine):
    block, plain = ResidualISE(5, pool_size=2), ISE(5, pool_size=2)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    plain.load_state_dict(block.ise.state_dict())
    x = torch.randn(2, 5, *fine)

    torch.testing.assert_close(block(x), x + plain(x))


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
