import pytest
import torch
from torch import nn

from inspire_med.blocks.loop import Pass, bottom_up, unroll, with_shared_parameters
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


def again(stages: nn.ModuleList, top_down: nn.Module) -> Pass:
    """One more pass over the same parameters."""
    return Pass(map(with_shared_parameters, stages[1:]), with_shared_parameters(top_down))


def hierarchy() -> tuple[nn.ModuleList, TopDown]:
    """Two levels: stages that double, sums for ISA."""
    return nn.ModuleList([Double(), Double()]), TopDown([nn.Identity(), nn.Identity()], [Add()])


def test_two_passes_follow_the_figure_number_by_number():
    # One value x = 1, stages that double, sums for ISA and SSBA.
    # Pass 1: C = (2, 4); P2 = 4, P1 = 4 + 2 = 6.
    # Pass 2: C1~ = P1 + C1 = 8; C2 = 16, C2~ = P2 + 16 = 20; P2 = 20, P1 = 28.
    stages, top_down = hierarchy()
    feedback = [Add(), Add()]

    features, pyramid = unroll(
        bottom_up(stages, torch.ones(1)),
        top_down,
        feedback=feedback,
        passes=[again(stages, top_down)],
    )

    assert [c.item() for c in features] == [8.0, 20.0]
    assert [p.item() for p in pyramid] == [28.0, 20.0]


def test_the_levels_below_the_feedback_are_computed_once():
    # x = 1, three stages that double: C = (2, 4, 8). Feedback from level 2 on: P3 = 8, P2 = 12.
    # Pass 2: C2~ = 12 + 4 = 16; C3 = 32, C3~ = 8 + 32 = 40; P3 = 40, P2 = 56; P1 = 56 + 2 = 58.
    stages = nn.ModuleList([Double(), Double(), Double()])
    fine_merge, lateral = Add(), Double()  # the finest level's own: 2 C1 = 4, so P1 = 60
    top_down = TopDown([lateral, nn.Identity(), nn.Identity()], [fine_merge, Add()])
    coarse = TopDown(top_down.laterals[1:], top_down.merges[1:])

    features, pyramid = unroll(
        bottom_up(stages, torch.ones(1)),
        top_down,
        feedback=[Add(), Add()],
        passes=[Pass(map(with_shared_parameters, stages[2:]), with_shared_parameters(coarse))],
    )

    assert [c.item() for c in features] == [2.0, 16.0, 40.0]
    assert [p.item() for p in pyramid] == [60.0, 56.0, 40.0]
    assert lateral.calls == 1


def test_feedback_takes_the_pyramids_level_first_and_has_one_module_a_level():
    # C = (2, 4); P2 = 4, P1 = 6. F_fp at level 1 is 10 P + C, at level 2 100 P + C.
    # C1~ = 60 + 2 = 62; C2 = 124, C2~ = 400 + 124 = 524; P2 = 524, P1 = 586.
    stages, top_down = hierarchy()
    feedback = [lambda p, c: 10 * p + c, lambda p, c: 100 * p + c]

    features, pyramid = unroll(
        bottom_up(stages, torch.ones(1)),
        top_down,
        feedback=feedback,
        passes=[again(stages, top_down)],
    )

    assert [c.item() for c in features] == [62.0, 524.0]
    assert [p.item() for p in pyramid] == [586.0, 524.0]


def test_a_level_without_feedback_is_refused():
    stages, top_down = hierarchy()

    with pytest.raises(ValueError, match="zip"):
        unroll(
            bottom_up(stages, torch.ones(1)),
            top_down,
            feedback=[Add()],
            passes=[again(stages, top_down)],
        )


def test_one_pass_needs_no_feedback():
    stages, top_down = hierarchy()

    _, pyramid = unroll(bottom_up(stages, torch.ones(1)), top_down)

    assert [p.item() for p in pyramid] == [6.0, 4.0]


def test_the_first_stage_runs_once_however_many_passes():
    stages, top_down = hierarchy()
    passes = [again(stages, top_down) for _ in range(3)]
    features = bottom_up(stages, torch.ones(1))

    unroll(features, top_down, feedback=[Add(), Add()], passes=passes)

    assert [stage.calls for stage in stages] == [1, 1]
    assert [further.stages[0].calls for further in passes] == [1, 1, 1]


def test_a_further_pass_shares_parameters_and_keeps_its_own_statistics():
    stages = nn.ModuleList(
        [nn.Conv2d(1, 2, 3), nn.Sequential(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2))]
    )
    further = again(stages, nn.Identity())

    assert list(further.parameters()) == list(stages[1].parameters())
    own = dict(stages[1].named_buffers())["1.running_mean"]
    theirs = dict(further.stages[0].named_buffers())["1.running_mean"]
    assert own is not theirs
