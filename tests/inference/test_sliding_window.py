import pytest
import torch
from torch import nn

from inspire_med.inference.sliding_window import count_windows, region_probabilities


class Looks(nn.Module):
    """A network that counts how often it is asked."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.layer = (nn.Conv2d if dims == 2 else nn.Conv3d)(1, 1, 1)
        self.asked = 0

    def forward(self, x):
        self.asked += 1
        return self.layer(x)


@pytest.mark.parametrize(
    ("size", "window", "overlap", "expected"),
    [
        ((8, 8), (8, 8), 0.5, 1),  # the whole image at once
        ((5, 7), (8, 8), 0.5, 1),
        ((16, 8), (8, 8), 0.5, 3),  # at 0, 4, 8
        ((17, 8), (8, 8), 0.5, 4),  # at 0, 4, 8, 9
        ((16, 8), (8, 8), 0.25, 3),  # at 0, 6, 8
        ((16, 16), (8, 8), 0.0, 4),
        ((11, 13, 9), (4, 5, 9), 0.5, 5 * 5 * 1),
        ((9, 3, 12), (4, 5, 3), 0.25, 3 * 1 * 6),  # at 0, 3, 5 and 0, 2, 4, 6, 8, 9
    ],
)
@pytest.mark.parametrize("flips", [False, True])
def test_every_window_is_told_and_their_number_is_known_before(
    size, window, overlap, expected, flips
):
    network, told = Looks(len(size)), []
    views = 2 ** len(size) if flips else 1

    region_probabilities(
        network,
        torch.rand(1, *size),
        window,
        precision="32-true",
        overlap=overlap,
        flips=flips,
        watch=lambda done, total: told.append((done, total)),
    )

    assert count_windows(size, window, overlap) == expected
    assert network.asked == expected * views
    assert told == [(k, expected * views) for k in range(1, expected * views + 1)]
