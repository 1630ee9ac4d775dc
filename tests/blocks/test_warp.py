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
