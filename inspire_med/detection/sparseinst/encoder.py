"""Encoder: three backbone maps to one, at stride 8, with the context of the whole image."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor, nn

from inspire_med.detection.sparseinst.convolution import msra_convolution, xavier_convolution
from inspire_med.errors import InputError


class PyramidPooling(nn.Module):
    """Means over grids of 1, 2, 3 and 6 cells a side, beside the map itself, mixed.

    Args:
        channels: Channels in and out; a quarter of them come from each grid.

    Shape:
        - Input: `(batch, channels, height, width)`, any size.
        - Output: the same.

    References:
        Zhao et al., Pyramid Scene Parsing Network, CVPR 2017.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.grids = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(cells), nn.Conv2d(channels, channels // 4, 1), nn.ReLU()
            )
            for cells in (1, 2, 3, 6)
        )
        self.mix = nn.Sequential(nn.Conv2d(2 * channels, channels, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Add the context of every grid."""
        grids = [_bilinear(grid(x), x) for grid in self.grids]
        return self.mix(torch.cat([*grids, x], dim=1))


@MODELS.register_module()
class InstanceContextEncoder(nn.Module):
    """A top-down pyramid over C3, C4 and C5 whose three outputs are fused to one map.

    P5 = PPM(lateral(C5)), P_k = lateral(C_k) + up(P_{k+1}), F = fuse[out(P3), out(P4), out(P5)].
    There is no norm. Every coarse map is brought to the finer one's size, whatever that is.

    Args:
        in_channels: Channels of C3, C4 and C5.
        channels: Channels of every map after the laterals.

    Shape:
        - Input: three maps `(batch, in_channels[k], height_k, width_k)`, fine to coarse.
        - Output: `(batch, channels, height_3, width_3)`.

    Raises:
        InputError: If the backbone gives another number of maps.

    References:
        Cheng et al., Sparse Instance Activation for Real-Time Instance Segmentation, CVPR 2022,
        section 3.2.
    """

    def __init__(self, in_channels: Sequence[int], channels: int = 256) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(xavier_convolution(c, channels, 1) for c in in_channels)
        self.outputs = nn.ModuleList(xavier_convolution(channels, channels, 3) for _ in in_channels)
        self.context = PyramidPooling(channels)
        self.fuse = msra_convolution(len(in_channels) * channels, channels, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Fuse the backbone's maps at the finest one's size."""
        if len(features) != len(self.laterals):
            raise InputError(
                f"neck.in_channels names {len(self.laterals)} maps and the backbone gives "
                f"{len(features)}; make the two agree (backbone.out_indices)."
            )
        laterals = [lateral(c) for lateral, c in zip(self.laterals, features, strict=True)]
        pyramid = [self.context(laterals[-1])]
        for lateral in reversed(laterals[:-1]):
            up = F.interpolate(pyramid[0], size=lateral.shape[2:], mode="nearest")
            pyramid.insert(0, lateral + up)
        outputs = [output(p) for output, p in zip(self.outputs, pyramid, strict=True)]
        return self.fuse(torch.cat([_bilinear(o, outputs[0]) for o in outputs], dim=1))


def _bilinear(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)
