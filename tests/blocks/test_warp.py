from importlib import import_module

import pytest
import torch

from inspire_med.blocks.warp import gather_linearly, grid_sample, warp


def test_no_flow_moves_nothing(dims, fine):
    x = torch.randn(2, 3, *fine)

    torch.testing.assert_close(warp(x, torch.zeros(2, dims, *fine)), x, atol=1e-5, rtol=1e-5)


def test_a_whole_voxel_of_flow_reads_the_neighbour(dims, fine):
    x = torch.randn(2, 3, *fine)
    for axis in range(dims):
        flow = torch.zeros(2, dims, *fine)
        flow[:, axis] = 1
        inner = fine[axis] - 1

        moved = warp(x, flow).narrow(axis + 2, 0, inner)

        expected = x.narrow(axis + 2, 1, inner)
        torch.testing.assert_close(moved, expected, atol=1e-5, rtol=1e-5)


def test_half_a_voxel_of_flow_reads_the_mean_of_two():
    x = torch.tensor([1.0, 3.0, 7.0]).view(1, 1, 1, 3)
    flow = torch.zeros(1, 2, 1, 3)
    flow[:, 1] = 0.5

    moved = warp(x, flow)

    torch.testing.assert_close(moved.flatten(), torch.tensor([2.0, 5.0, 7.0]))  # border: 7


def test_keeps_the_precision_of_the_map():
    x = torch.randn(1, 2, 4, 4, dtype=torch.bfloat16)

    assert warp(x, torch.zeros(1, 2, 4, 4)).dtype == torch.bfloat16


def test_half_precision_does_not_blur_the_positions(dims):
    """Bfloat16 has eight bits: of a voxel beyond 256 it could not say which."""
    x = torch.randint(-4, 5, (1, 1, *[2] * (dims - 1), 600)).bfloat16()
    flow = torch.zeros(1, dims, *x.shape[2:], dtype=torch.bfloat16)
    flow[:, -1] = 1

    torch.testing.assert_close(warp(x, flow)[..., :-1], x[..., 1:], atol=0.02, rtol=0)


def test_an_infinite_flow_reads_the_border(dims, fine):
    x = torch.randn(1, 1, *fine)

    moved = warp(x, torch.full((1, dims, *fine), float("inf")))

    assert (moved == x.flatten()[-1]).all()


def test_a_cpu_gathers_volumes_and_leaves_all_else_to_torchs_kernel(dims, fine):
    x, flow = torch.randn(2, 3, *fine), torch.randn(2, dims, *fine)
    gathered, sampled = gather_linearly(x, flow), grid_sample(x, flow)
    assert not torch.equal(gathered, sampled)  # they round differently

    assert torch.equal(warp(x, flow), gathered if dims == 3 else sampled)


def test_other_devices_take_torchs_kernel(dims, fine, monkeypatch):
    module = import_module("inspire_med.blocks.warp")  # its name in blocks is the function's
    monkeypatch.setattr(module, "gather_linearly", None)
    x, flow = torch.empty(2, 3, *fine, device="meta"), torch.empty(2, dims, *fine, device="meta")

    assert warp(x, flow).shape == x.shape


def test_gathering_works_on_any_device(dims, fine):
    x, flow = torch.empty(2, 3, *fine, device="meta"), torch.empty(2, dims, *fine, device="meta")

    assert gather_linearly(x, flow).shape == x.shape


@pytest.mark.parametrize("way", [gather_linearly, grid_sample])
def test_a_flow_of_other_dimensions_is_refused(way):
    with pytest.raises(ValueError, match="zip"):
        way(torch.randn(1, 1, 4, 4, 4), torch.randn(1, 2, 4, 4))


def test_both_ways_of_sampling_agree_in_values_and_gradients(dims, fine):
    x = torch.randn(2, 3, *fine, requires_grad=True)
    flow = (3 * torch.randn(2, dims, *fine)).requires_grad_()
    weight = torch.randn(2, 3, *fine)

    torch.testing.assert_close(gather_linearly(x, flow), grid_sample(x, flow), atol=1e-4, rtol=1e-4)
    gathered, sampled = (
        torch.autograd.grad((way(x, flow) * weight).sum(), [x, flow])
        for way in (gather_linearly, grid_sample)
    )
    torch.testing.assert_close(gathered, sampled, atol=1e-3, rtol=1e-3)


def test_gradients_are_those_of_finite_differences(dims):
    x = torch.randn(1, 2, *[4] * dims, dtype=torch.float64, requires_grad=True)
    flow = torch.randn(1, dims, *[4] * dims, dtype=torch.float64).mul(0.3).requires_grad_()

    assert torch.autograd.gradcheck(warp, (x, flow))


def test_nan_comes_out_as_nan(dims):
    x = torch.full((1, 1, *[4] * dims), float("nan"))

    assert warp(x, torch.full((1, dims, *[4] * dims), float("nan"))).isnan().any()
