"""Activation maps: scores over the positions of an image become weights that sum to one.

Both classes have one face: scores `(batch, maps, positions)` to weights of the same shape, in
float32: a sum over 25,000 positions does not fit float16.
"""

import torch
from mmdet.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class SigmoidMaps(nn.Module):
    """A = sigmoid(s) / Σ sigmoid(s), every position on its own until the division."""

    def forward(self, scores: Tensor) -> Tensor:
        """Weigh the positions."""
        maps = torch.sigmoid(scores.float())
        return maps / maps.sum(dim=-1, keepdim=True).clamp(min=1e-6)


@MODELS.register_module()
class SoftmaxMaps(nn.Module):
    """A = softmax(s + b) over the positions.

    The scalar b is the published model's; a softmax does not change with it, and its gradient is
    zero. It is here so that the published weights have their place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.ones(1))

    def forward(self, scores: Tensor) -> Tensor:
        """Weigh the positions."""
        return torch.softmax(scores.float() + self.bias, dim=-1)
