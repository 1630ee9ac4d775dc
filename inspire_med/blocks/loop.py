"""Loop: bottom-up, top-down, back again; the unrolled feedback of SSBA."""

from collections.abc import Iterable, Sequence
from copy import deepcopy

from torch import Tensor, nn


class Pass(nn.Module):
    """One more pass through a hierarchy: its stages but the first, and its top-down path.

    It shares every parameter with the first pass and keeps running statistics of its own: the
    maps of the two passes are distributed differently, and a batch norm that averaged them would
    be right for neither when it evaluates (Cooijmans et al., Recurrent Batch Normalization, ICLR
    2017, keep statistics for every time step likewise).

    Args:
        stages: The bottom-up path of the first pass, fine to coarse.
        top_down: Its top-down path.
    """

    def __init__(self, stages: nn.ModuleList, top_down: nn.Module) -> None:
        super().__init__()
        self.stages = nn.ModuleList(_with_shared_parameters(stage) for stage in stages[1:])
        self.top_down = _with_shared_parameters(top_down)


def bottom_up(stages: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    """Run the stages one after another and keep every output, fine to coarse."""
    features: list[Tensor] = []
    for stage in stages:
        x = stage(x)
        features.append(x)
    return features


def unroll(
    stages: nn.ModuleList,
    top_down: nn.Module,
    image: Tensor,
    *,
    feedback: Sequence[nn.Module] = (),
    passes: Iterable[Pass] = (),
) -> list[Tensor]:
    """Bottom-up, top-down, then back again: the pyramid after the last pass.

    In every further pass C_j becomes C̃_j = F_fp(P_j, C_j) before the next stage reads it. The
    first stage sees the image alone, so its output is kept, not computed again.

    Args:
        stages: The bottom-up path: stage j makes C_j from C_{j-1}, the first from the image.
        top_down: Features, fine to coarse, to pyramid maps, fine to coarse.
        image: `(batch, channels, *spatial)`.
        feedback: One (P_j, C_j) -> C̃_j per level.
        passes: The passes after the first.
    """
    features = bottom_up(stages, image)
    pyramid = top_down(features)
    first = features[0]
    for again in passes:
        features = [feedback[0](pyramid[0], first)]
        for stage, back, level in zip(again.stages, feedback[1:], pyramid[1:], strict=True):
            features.append(back(level, stage(features[-1])))
        pyramid = again.top_down(features)
    return pyramid


def _with_shared_parameters(module: nn.Module) -> nn.Module:
    """Copy a module: the same parameters, buffers of its own."""
    return deepcopy(module, {id(p): p for p in module.parameters()})
