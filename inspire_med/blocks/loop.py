"""Loop: bottom-up, top-down, back again; the unrolled feedback of SSBA."""

from collections.abc import Iterable

from torch import Tensor, nn


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
    feedback: nn.ModuleList,
    image: Tensor,
    *,
    steps: int,
) -> list[Tensor]:
    """Bottom-up, top-down, then back again: the pyramid after `steps` passes.

    In every further pass C_j becomes C̃_j = F_fp(P_j, C_j) before the next stage reads it. The
    first stage sees the image alone, so its output is kept, not computed again.

    Args:
        stages: The bottom-up path: stage j makes C_j from C_{j-1}, the first from the image.
        top_down: Features, fine to coarse, to pyramid maps, fine to coarse.
        feedback: One (P_j, C_j) -> C̃_j per level; not used with one step.
        image: `(batch, channels, *spatial)`.
        steps: Passes in all, at least 1.
    """
    features = bottom_up(stages, image)
    pyramid = top_down(features)
    first = features[0]
    for _ in range(steps - 1):
        features = [feedback[0](pyramid[0], first)]
        for stage, back, level in zip(stages[1:], feedback[1:], pyramid[1:], strict=True):
            features.append(back(level, stage(features[-1])))
        pyramid = top_down(features)
    return pyramid
