"""Loop: bottom-up, top-down, back again; the unrolled feedback of SSBA."""

from collections.abc import Iterable, Sequence
from copy import deepcopy

from torch import Tensor, nn


class Pass(nn.Module):
    """One more pass through a hierarchy: its stages but the first, and its top-down path.

    Args:
        stages: What makes C_j from C̃_{j-1}, for every level but the finest.
        top_down: What makes the pyramid of the features.
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
    top_down: nn.Module,
    *,
    feedback: Sequence[nn.Module] = (),
    passes: Iterable[Pass] = (),
) -> tuple[Sequence[Tensor], list[Tensor]]:
    """Top-down, then bottom-up and top-down again: the features and pyramid of the last pass.

    In every further pass C_j becomes C̃_j = F_fp(P_j, C_j) before the next stage reads it. The
    first stage sees the image alone, so its output is kept, not computed again.

    Args:
        features: The first pass's C, fine to coarse.
        top_down: Features, fine to coarse, to pyramid maps, fine to coarse.
        feedback: One (P_j, C_j) -> C̃_j per level.
        passes: The passes after the first.
    """
    pyramid = top_down(features)
    first = features[0]
    for again in passes:
        features = [feedback[0](pyramid[0], first)]
        for stage, back, level in zip(again.stages, feedback[1:], pyramid[1:], strict=True):
            features.append(back(level, stage(features[-1])))
        pyramid = again.top_down(features)
    return features, pyramid
