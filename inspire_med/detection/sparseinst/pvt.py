"""PVTv2 "linear": a pyramid vision transformer whose attention looks at 49 places alone."""

from collections.abc import Iterable
from typing import Any, cast

import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmdet.models.backbones.pvt import PyramidVisionTransformerV2, SpatialReductionAttention
from mmdet.models.layers import nchw_to_nlc, nlc_to_nchw
from mmdet.registry import MODELS
from torch import Tensor, nn

POOLED = 7  # cells a side


class LinearSpatialReductionAttention(SpatialReductionAttention):
    """Attention of every place to a pooled grid of 7 x 7.

    Keys and values come from GELU(LN(W mean_cells(x))), whatever the size of the map, so that the
    cost grows with the number of places and not with its square.

    Args:
        embed_dims: Channels.
        num_heads: Heads.
        dropout_layer: Config of the residual's drop path.
        norm_cfg: Config of the norm.

    Shape:
        - Input: `(batch, height * width, embed_dims)` and (height, width).
        - Output: the first one's, the residual added.

    References:
        Wang et al., PVT v2: Improved Baselines with Pyramid Vision Transformer, CVMJ 2022,
        section 3.2.
    """

    def __init__(
        self, embed_dims: int, num_heads: int, dropout_layer: dict, norm_cfg: dict
    ) -> None:
        super().__init__(embed_dims, num_heads, dropout_layer=dropout_layer, norm_cfg=norm_cfg)
        self.sr = nn.Conv2d(embed_dims, embed_dims, 1)
        self.norm = build_norm_layer(norm_cfg, embed_dims)[1]

    def forward(
        self, x: Tensor, hw_shape: tuple[int, int], identity: Tensor | None = None
    ) -> Tensor:
        """Attend to the grid, and add the residual."""
        grid = self.sr(F.adaptive_avg_pool2d(nlc_to_nchw(x, hw_shape), POOLED))
        grid = F.gelu(self.norm(nchw_to_nlc(grid)))
        attended = self.attn(
            x.transpose(0, 1), grid.transpose(0, 1), grid.transpose(0, 1), need_weights=False
        )[0]
        residual = x if identity is None else identity
        return residual + self.dropout_layer(self.proj_drop(attended.transpose(0, 1)))


class RectifiedConv2d(nn.Conv2d):
    """A convolution and a ReLU under the convolution's own name, as the weights have it."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name for it
        """Convolve and rectify."""
        return F.relu(super().forward(input))


@MODELS.register_module()
class LinearPyramidVisionTransformerV2(PyramidVisionTransformerV2):
    """mmdet's PVTv2 with linear attention in every stage ("b2-li" by its depths).

    The MLP has a ReLU more, after its first layer. The published weights load as mmdet's do.

    Args:
        drop_path_rate: Chance that the last residual is dropped in training; the ones before
            it have less, in proportion to their depth.
        options: Those of mmdet's `PyramidVisionTransformerV2`.

    Shape:
        - Input: `(batch, 3, height, width)`.
        - Output: one map for each of `out_indices`, at strides 4, 8, 16 and 32.

    References:
        Wang et al., PVT v2: Improved Baselines with Pyramid Vision Transformer, CVMJ 2022.
    """

    def __init__(self, *, drop_path_rate: float = 0.1, **options: Any) -> None:
        # Without reductions, so that mmdet makes none of its own convolutions for them.
        super().__init__(drop_path_rate=drop_path_rate, sr_ratios=(1, 1, 1, 1), **options)
        for _, blocks, _ in cast("Iterable[Any]", self.layers):
            for block in blocks:
                block.attn = _linear(block.attn, block.norm1)
                first = block.ffn.layers[0]
                block.ffn.layers[0] = RectifiedConv2d(first.in_channels, first.out_channels, 1)


def _linear(
    attention: SpatialReductionAttention, norm: nn.LayerNorm
) -> LinearSpatialReductionAttention:
    """Make the linear attention that stands in another's place."""
    drop = {"type": "DropPath", "drop_prob": attention.dropout_layer.drop_prob}
    return LinearSpatialReductionAttention(
        attention.embed_dims, attention.num_heads, drop, {"type": "LN", "eps": norm.eps}
    )
