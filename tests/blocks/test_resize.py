import torch
import torch.nn.functional as F
from torch.nn.functional import adaptive_avg_pool3d

from inspire_med.blocks.resize import grid_means, resize


def test_equals_torchs_linear_interpolation(dims, fine, coarse):
    x = torch.randn(2, 3, *coarse)
    mode = ("bilinear", "trilinear")[dims - 2]

    for size in (fine, tuple(2 * side for side in fine)):
        expected = F.interpolate(x, size=size, mode=mode, align_corners=False)
        torch.testing.assert_close(resize(x, size), expected)


def test_the_layout_of_memory_changes_nothing(dims, fine, coarse):
    x = torch.randn(2, 3, *coarse)
    layout = (torch.channels_last, torch.channels_last_3d)[dims - 2]

    result = resize(x.to(memory_format=layout), fine)

    torch.testing.assert_close(result, resize(x, fine))
    assert result.is_contiguous(memory_format=layout)


def test_a_map_that_fits_is_handed_back(dims, fine):
    x = torch.randn(2, 3, *fine)

    assert resize(x, fine) is x


def test_stays_in_its_precision_under_autocast(dims, fine, coarse):
    x = torch.randn(2, 3, *coarse, dtype=torch.bfloat16)

    with torch.autocast("cpu", torch.bfloat16):
        assert resize(x, fine).dtype == torch.bfloat16
        assert grid_means(x, 2).dtype == torch.bfloat16


def test_grid_means_are_the_means_of_the_cells(dims):
    x = torch.arange(6.0).view(1, 1, 6, *[1] * (dims - 1)).expand(1, 1, 6, *[4] * (dims - 1))

    means = grid_means(x, 2)

    assert means.shape[2:] == (2,) * dims
    assert means[0, 0, 0].unique().item() == 1.0  # (0 + 1 + 2) / 3
    assert means[0, 0, 1].unique().item() == 4.0


def test_cells_overlap_where_the_map_has_fewer_voxels(dims):
    x = torch.randn(1, 2, *(3, 9, 9)[:dims])
    pool = torch.nn.functional.adaptive_avg_pool2d if dims == 2 else adaptive_avg_pool3d

    torch.testing.assert_close(grid_means(x, 4), pool(x, (4,) * dims))
