"""Loop: bottom-up, top-down, back again; the unrolled feedback of SSBA."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy

from torch import Tensor, nn

from inspire_med.blocks.pyramid import TopDown


class Pass(nn.Module):
    """One more pass through the coarse levels of a hierarchy.

    Args:
        stages: What makes C_j from C̃_{j-1}, for every level above the first that is fed back.
        top_down: What makes the levels' pyramid.
    """

    def __init__(self, stages: Iterable[nn.Module], top_down: nn.Module) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.top_down = top_down


def with_shared_parameters(module: nn.Module) -> nn.Module:
    """Copy a module for another pass: the same parameters, running statistics of its own.

    The maps of two passes are distributed differently, and a batch norm that averaged them would
    be right for neither when it evaluates (Cooijmans et al., Recurrent Batch Normalization, ICLR
    2017, keep statistics for every time step likewise).
    """
    return deepcopy(module, {id(p): p for p in module.parameters()})


def bottom_up(stages: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    """Run the stages one after another and keep every output, fine to coarse."""
    features: list[Tensor] = []
    for stage in stages:
        x = stage(x)
        features.append(x)
    return features


def unroll(
    features: Sequence[Tensor],
    top_down: TopDown,
    *,
    feedback: Sequence[nn.Module] = (),
    passes: Iterable[Pass] = (),
) -> tuple[list[Tensor], list[Tensor]]:
    """Top-down, then bottom-up and top-down again: the features and pyramid of the last pass.

    The arguments are those of `unroll_each`.
    """
    each = unroll_each(features, top_down, feedback=feedback, passes=passes)
    return deque(each, maxlen=1).pop()


def unroll_each(
    features: Sequence[Tensor],
    top_down: TopDown,
    *,
    feedback: Sequence[nn.Module] = (),
    passes: Iterable[Pass] = (),
    sketch: nn.Module | None = None,
) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """Give the features and the pyramid of pass after pass, each through the levels it runs.

    In every further pass C_j becomes C̃_j = F_fp(P_j, C_j) before the next stage reads it. The
    stage of the first level that is fed back reads what no pass changes, so its output is kept,
    not computed again; the levels finer than that are features, laterals and merges of the last
    pass alone.

    Args:
        features: The first pass's C, fine to coarse.
        top_down: Makes pyramid maps of features.
        feedback: One (P_j, C_j) -> C̃_j for each of the coarsest levels, fine to coarse.
        passes: The passes after the first, through those levels.
        sketch: Makes the first pass's pyramid, where it is not `top_down`.
    """
    begin = len(features) - len(feedback) if feedback else 0
    fine, coarse = list(features[:begin]), list(features[begin:])
    first = coarse[0]
    pyramid = (sketch or top_down)(coarse)
    for again in passes:
        yield coarse, pyramid
        coarse = [feedback[0](pyramid[0], first)]
        for stage, back, level in zip(again.stages, feedback[1:], pyramid[1:], strict=True):
            coarse.append(back(level, stage(coarse[-1])))
        pyramid = again.top_down(coarse)
    yield fine + coarse, top_down(fine, pyramid)
