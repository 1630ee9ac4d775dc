"""Backbone: SpineNet with the face of an mmdet backbone."""

import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.backbones.resnet import BasicBlock, Bottleneck
from mmdet.models.layers import ResLayer
from mmdet.registry import MODELS
from mmengine.model import BaseModule, ModuleList, Sequential
from torch import Tensor, nn

from inspire_med.detection.spinenet.resample import Merge, Resample
from inspire_med.detection.spinenet.table import (
    BASIC,
    BLOCKS,
    BOTTLENECK,
    ENDPOINTS,
    STEM_CHANNELS,
    VARIANTS,
    Block,
    Variant,
)
from inspire_med.errors import InputError

_UNITS = {BOTTLENECK: (Bottleneck, "norm3"), BASIC: (BasicBlock, "norm2")}
_NORM = {"type": "BN", "momentum": 0.01, "eps": 1e-3, "requires_grad": True}
_INITIALISATION = [
    {"type": "Kaiming", "layer": "Conv2d"},
    {"type": "Constant", "val": 1, "layer": ["_BatchNorm"]},
]


@MODELS.register_module()
class SpineNet(BaseModule):
    """A scale-permuted backbone with its own pyramid: a detector on it needs no neck.

    Args:
        arch: The size: 49S, 49, 96, 143 or 190.
        activate_endpoints: Whether a ReLU follows the outputs' norms, as in the TensorFlow
            original; the PyTorch reference and its accuracies are without.
        norm_cfg: The norms, in mmcv's words; None for batch norm with momentum 0.01, eps 1e-3.
        init_cfg: mmengine's; None for Kaiming-normal convolutions. The last norm of every
            residual unit starts at zero.

    Shape:
        - Input: `(batch, 3, height, width)`, any size.
        - Output: five maps with the variant's endpoint channels at strides 8, 16, 32, 64, 128;
          sides are rounded up.

    Raises:
        InputError: If there is no such size.

    References:
        Du et al., SpineNet: Learning Scale-Permuted Backbone for Recognition and Localization,
        CVPR 2020. Differs: sizes that 128 does not divide are resampled to the target's.
    """

    def __init__(
        self,
        arch: str,
        *,
        activate_endpoints: bool = False,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or _INITIALISATION)
        norm = norm_cfg or _NORM
        variant = VARIANTS.get(str(arch))  # a command line's "49" arrives as a number
        if variant is None:
            raise InputError(
                f"backbone.arch={arch!r} is unknown; give one of {', '.join(VARIANTS)}."
            )
        self.stem = Sequential(
            ConvModule(3, STEM_CHANNELS, 7, stride=2, padding=3, norm_cfg=norm),
            nn.MaxPool2d(3, 2, 1),
        )
        initial, permuted = BLOCKS[:2], BLOCKS[2:]
        widths = [STEM_CHANNELS, variant.channels(initial[0])]
        self.initial = Sequential(
            *(_stage(variant, b, w, norm) for b, w in zip(initial, widths, strict=True))
        )
        self.merges = ModuleList(
            Merge(*(_edge(variant, BLOCKS[parent], block, norm) for parent in block.parents))
            for block in permuted
        )
        self.permuted = ModuleList(
            _stage(variant, block, variant.channels(block), norm) for block in permuted
        )
        activation = {"type": "ReLU"} if activate_endpoints else None
        self.endpoints = ModuleList(
            ConvModule(
                variant.channels(BLOCKS[number]),
                variant.endpoint_channels,
                1,
                norm_cfg=norm,
                act_cfg=activation,
            )
            for number in ENDPOINTS
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Make P3 to P7 of a batch of images."""
        height, width = image.shape[2:]
        maps = [self.initial[0](self.stem(image))]
        maps.append(self.initial[1](maps[0]))
        for block, merge, stage in zip(BLOCKS[2:], self.merges, self.permuted, strict=True):
            size = (-(-height // 2**block.level), -(-width // 2**block.level))
            first, second = block.parents
            merged = merge(maps[first], maps[second], size)
            if block.dangling is not None:
                merged = merged + maps[block.dangling]
            maps.append(stage(F.relu(merged)))
        ends = zip(self.endpoints, ENDPOINTS, strict=True)
        return tuple(endpoint(maps[number]) for endpoint, number in ends)


def _stage(variant: Variant, block: Block, in_channels: int, norm_cfg: dict) -> ResLayer:
    """Make a block's residual units; the first projects where the channels change."""
    unit, last_norm = _UNITS[block.expansion]
    start_as_identity = {"type": "Constant", "val": 0, "override": {"name": last_norm}}
    return ResLayer(
        unit,  # pyright: ignore[reportArgumentType] - mmdet means the class
        in_channels,
        variant.width(block),
        variant.repeats,
        norm_cfg=norm_cfg,
        init_cfg=start_as_identity,
    )


def _edge(variant: Variant, parent: Block, target: Block, norm_cfg: dict) -> Resample:
    """Make the private edge from a parent to a target."""
    return Resample(
        variant.channels(parent),
        int(variant.width(parent) * variant.alpha),
        variant.channels(target),
        levels_down=target.level - parent.level,
        norm_cfg=norm_cfg,
    )
