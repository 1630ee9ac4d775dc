import torch
from torch import nn

from inspire_med.blocks.loop import unroll
from inspire_med.blocks.pyramid import TopDown


class Add(nn.Module):
    """The sum of two maps of one size."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b


class Double(nn.Module):
    """Twice the map; counts its calls."""

    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return 2 * x


def test_two_passes_follow_the_figure_number_by_number():
    # One value x = 1, two levels, stages that double, sums for ISA and SSBA.
    # Pass 1: C = (2, 4); P2 = 4, P1 = 4 + 2 = 6.
    # Pass 2: C1~ = P1 + C1 = 8; C2 = 16, C2~ = P2 + 16 = 20; P2 = 20, P1 = 28.
    stages = nn.ModuleList([Double(), Double()])
    top_down = TopDown([nn.Identity(), nn.Identity()], [Add()])

    pyramid = unroll(stages, top_down, nn.ModuleList([Add(), Add()]), torch.ones(1), steps=2)

    assert [p.item() for p in pyramid] == [28.0, 20.0]


def test_one_pass_needs_no_feedback():
    stages = nn.ModuleList([Double(), Double()])
    top_down = TopDown([nn.Identity(), nn.Identity()], [Add()])

    pyramid = unroll(stages, top_down, nn.ModuleList(), torch.ones(1), steps=1)

    assert [p.item() for p in pyramid] == [6.0, 4.0]


def test_the_first_stage_runs_once_however_many_passes():
    stages = nn.ModuleList([Double(), Double()])
    top_down = TopDown([nn.Identity(), nn.Identity()], [Add()])

    unroll(stages, top_down, nn.ModuleList([Add(), Add()]), torch.ones(1), steps=4)

    assert [stage.calls for stage in stages] == [1, 4]
