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


@pytest.mark.parametrize("size", [(13, 5, 2), (7, 10, 4), (5, 3, 7), (1, 1, 1)])
def test_aligns_whatever_the_ratio_along_each_axis(dims, fine, size):
    x, guide = torch.randn(1, 5, *size[:dims]), torch.randn(1, 2, *fine)
    aligners = [FlowAlign(dims, 5, 6, 2, kernel_size=(1, 3, 5)[:dims]), Resample(5, 6)]
    aligners += [DeformAlign(5, 6, 2, kernel_size=(1, 3))] * (dims == 2)

    assert [align(x, guide).shape for align in aligners] == [(1, 6, *fine)] * len(aligners)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("form", ["flow", "deform"])
def test_nothing_is_seen_or_moved_along_an_axis_whose_kernel_is_1(dims, axis, form):
    if axis >= dims or (form == "deform" and dims == 3):
        return
    sides = [1 if each == axis else 3 for each in range(dims)]
    align = (
        FlowAlign(dims, 3, 4, 2, kernel_size=sides)
        if form == "flow"
        else DeformAlign(3, 4, 2, kernel_size=sides)
    )
    for parameter in align.parameters():
        torch.nn.init.normal_(parameter)
    x, guide = torch.randn(1, 3, *[6] * dims), torch.randn(1, 2, *[6] * dims)
    before = align(x, guide)
    for changed in (x, guide):
        changed.select(axis + 2, 2).normal_()

    differs = (align(x, guide) - before).abs().movedim(axis + 2, 0).flatten(1).amax(1) > 1e-5

    assert differs.tolist() == [each == 2 for each in range(6)]
