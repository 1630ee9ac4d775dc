"""Pyramid: the top-down path over any hierarchy, and the loop that feeds it back."""

from collections.abc import Iterable, Sequence

from torch import Tensor, nn


class TopDown(nn.Module):
    """The top-down path: a lateral for every level, a merge for every level but the top.

    P_top = lateral(C_top); P_{j-1} = merge(P_j, lateral(C_{j-1})).

    Args:
        laterals: One module per level, fine to coarse: C_j to R_j (ISE, or the identity).
        merges: One module per level but the coarsest, fine to coarse: (P_j, R_{j-1}) to P_{j-1}.

    Shape:
        - Input: features C, fine to coarse.
        - Output: as many maps P, fine to coarse, each at its level's size.

    Raises:
        ValueError: If there is not one lateral more than there are merges.
    """

    def __init__(self, laterals: Iterable[nn.Module], merges: Iterable[nn.Module]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(laterals)
        self.merges = nn.ModuleList(merges)
        if len(self.laterals) != len(self.merges) + 1:
            raise ValueError(
                f"laterals={len(self.laterals)}, merges={len(self.merges)}: one lateral per level "
                "and one merge per level but the coarsest are needed; add or remove one."
            )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Go from the coarsest level to the finest."""
        enhanced = [lateral(c) for lateral, c in zip(self.laterals, features, strict=True)]
        pyramid = [enhanced[-1]]
        for merge, fine in zip(reversed(self.merges), reversed(enhanced[:-1]), strict=True):
            pyramid.append(merge(pyramid[-1], fine))
        return pyramid[::-1]


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

    In every further pass C_j is replaced by C̃_j = F_fp(P_j, C_j) before the next stage reads it.
    The first stage sees the image alone, so its output is kept, not computed again.

    Args:
        stages: The bottom-up path: stage j makes C_j from C_{j-1}, the first from the image.
        top_down: Features, fine to coarse, to pyramid maps, fine to coarse.
        feedback: One (P_j, C_j) -> C̃_j per level.
        image: `(batch, channels, *spatial)`.
        steps: Passes in all; with 1 the feedback is never used.
    """
    features = bottom_up(stages, image)
    pyramid = top_down(features)
    first = features[0]
    for _ in range(steps - 1):
        x = feedback[0](pyramid[0], first)
        features = [x]
        for stage, back, level in zip(stages[1:], feedback[1:], pyramid[1:], strict=True):
            x = back(level, stage(x))
            features.append(x)
        pyramid = top_down(features)
    return pyramid
