import pytest
import torch
import torch.nn.functional as F

from inspire_med.blocks.align import DeformAlign, FlowAlign, Resample


def ball(centre: torch.Tensor, side: int = 16) -> torch.Tensor:
    """Bright balls on `side`-wide maps, one per row of `centre`: (n, 1, *spatial)."""
    dims = centre.shape[1]
    axes = torch.meshgrid(*[torch.arange(side).float()] * dims, indexing="ij")
    gaps = [(axis - centre[:, i].view(-1, *[1] * dims)) ** 2 for i, axis in enumerate(axes)]
    return torch.exp(-sum(gaps) / 8)[:, None]


def displaced_scenes(n: int, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Coarse maps of balls that lie up to two voxels away, on every axis, in the fine maps."""
    centre = 5 + 6 * torch.rand(n, dims)
    shift = 2.0 * torch.randint(-1, 2, (n, dims))
    pool = F.avg_pool2d if dims == 2 else F.avg_pool3d
    return pool(ball(centre + shift), 2), ball(centre)


def test_flow_alignment_moves_nothing_at_the_start(dims, fine, coarse):
    align = FlowAlign(dims, 5, 6, 2)
    plain = Resample(5, 6)
    plain.load_state_dict(align.state_dict(), strict=False)
    x, guide = torch.randn(2, 5, *coarse), torch.randn(2, 2, *fine)

    torch.testing.assert_close(align(x, guide), plain(x, guide), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_a_displaced_coarse_map_is_moved_back_by_a_trained_aligner(dims):
    align = FlowAlign(dims, 1, 2, 1)
    align.reduce.weight.data.fill_(1)
    align.reduce.bias.data.fill_(0)
    moved = [*align.compare.parameters(), *align.flow.parameters()]
    optimizer = torch.optim.Adam(moved, lr=1e-2)

    for _ in range(300):
        x, guide = displaced_scenes(8, dims)
        optimizer.zero_grad()
        F.mse_loss(align(x, guide)[:, :1], guide).backward()
        optimizer.step()

    x, guide = displaced_scenes(32, dims)
    unmoved = F.interpolate(x, size=guide.shape[2:], mode=("bilinear", "trilinear")[dims - 2])
    assert F.mse_loss(align(x, guide)[:, :1], guide) < F.mse_loss(unmoved, guide) / 3


def test_deformable_alignment_is_plain_up_sampling_at_the_start():
    align = DeformAlign(5, 6, 2)
    plain = Resample(5, 6)
    plain.load_state_dict(align.state_dict(), strict=False)
    x, guide = torch.randn(2, 5, 7, 5), torch.randn(2, 2, 13, 10)

    torch.testing.assert_close(align(x, guide), plain(x, guide), atol=1e-5, rtol=1e-5)
