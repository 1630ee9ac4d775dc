import numpy as np
import pytest
import torch
from shift_right import predictor
from torch import nn

from inspire_med.inference.batch import doubled
from inspire_med.inference.sliding_window import ONE, region_probabilities
from inspire_med.inference.windows import Windows
from inspire_med.networks import build_network


def network(dims: int) -> nn.Module:
    torch.manual_seed(0)
    description = {
        "spatial_dims": dims,
        "in_channels": 2,
        "out_channels": 2,
        "widths": [4, 8],
        "skip": "inspire",
    }
    return build_network(description).eval()


@pytest.mark.parametrize("flips", [False, True])
@pytest.mark.parametrize("dims", [2, 3])
def test_windows_seen_together_are_answered_as_alone(dims, flips):
    image = torch.randn(2, *(29, 21, 16)[:dims])
    image[:, :14, :10] = 0  # air, where some windows of a batch hold nothing
    windows = Windows.over(image.shape[1:], (12,) * dims, 0.5)
    answers, heard = [], []
    for at_once in (1, 3, 100):  # a batch that goes over rows, with a rest; all of them
        out = np.zeros(image.shape, np.uint16)
        finite = region_probabilities(
            network(dims),
            image,
            windows,
            out,
            precision="32-true",
            flips=flips,
            at_once=at_once,
            watch=lambda *counts: heard.append(counts),
        )
        assert finite
        answers.append(out.astype(np.float32) / ONE)

    assert answers[0].std() > 0.01
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], atol=1e-4)
    assert heard == 3 * [(done, len(windows)) for done in range(1, len(windows) + 1)]


class Counts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)
        self.batches = list[int]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(x))
        return self.layer(x)


def test_so_many_are_seen_together_and_air_is_not_among_them():
    counts, image = Counts(), torch.rand(1, 8, 12)
    image[:, :, :4] = 3

    region_probabilities(
        counts,
        image,
        Windows.over((8, 12), (4, 4), 0),
        np.zeros((1, 8, 12), np.uint16),
        precision="32-true",
        at_once=4,
    )

    assert counts.batches == [2, 2]  # of six windows, the first of each row being air


@pytest.mark.parametrize(
    ("seconds", "most", "count"),
    [
        ({1: 1.0, 2: 0.95}, 64, 1),
        ({1: 1.0, 2: 0.6, 4: 0.5, 8: 0.48}, 64, 4),
        ({1: 1.0, 2: 0.6, 4: 0.5}, 7, 4),
        ({1: 1.0}, 0, 1),
        ({2**n: 0.5**n for n in range(9)}, 1000, 64),
    ],
)
def test_twice_as_many_are_taken_while_that_saves_a_tenth(seconds, most, count):
    assert doubled(seconds.__getitem__, most) == count


def test_a_cpu_sees_one_at_a_time():
    counts = Counts()
    kept = predictor(network=counts, patch_size=(4, 4))

    kept.predict({"scan": np.arange(96).reshape(8, 12).astype(np.uint8)})

    assert counts.batches == [1] * 15  # three rows of five windows
