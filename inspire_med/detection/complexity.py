"""Complexity: parameters and operations of a detector, module by module.

Operations are counted by two rules: plain multiply-accumulates, and the rule of the counter that
came with mmdetection 1 and 2, in which published tables of that time are written.
"""

import math
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmdet.models import BaseDetector, TwoStageDetector
from mmdet.models.roi_heads.roi_extractors import BaseRoIExtractor
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]
from torch.utils.flop_counter import FlopCounterMode

from inspire_med.detection.speed import blank_sample

BOX_ROIS, MASK_ROIS = 1000, 100


@dataclass(frozen=True)
class Complexity:
    """What a module holds and does, its own modules included.

    Args:
        parameters: Numbers that training sets, shared ones once, frozen ones too.
        macs: Multiply-accumulates of convolutions (deformable and transposed ones too), linear
            layers and matrix products.
        flops_mmdet2: Operations by the old counter: multiply-accumulates of convolution and linear
            modules and one an output where they have a bias; two an element of a batch norm; one
            an output of a ReLU module; one an input of a max-pool. A transposed convolution counts
            as if every output saw its whole kernel; functions, deformable convolutions and
            matrix products do not count.
    """

    parameters: int
    macs: float
    flops_mmdet2: float


def complexity(detector: BaseDetector, height: int, width: int) -> dict[str, Complexity]:
    """Count a detector's parameters and its operations on one image.

    The second stage sees a fixed number of regions, whatever the first would propose: `BOX_ROIS`
    in every box head, `MASK_ROIS` in every mask head. Post-processing is left out. Shapes alone
    are worked out, no numbers, so the largest detector takes seconds.

    Args:
        detector: Any of mmdet's, on any device, in eval mode.
        height: Rows of the image in pixels, as padded.
        width: Columns of it.

    Returns:
        Name of every module -> its complexity; `""` is the whole detector.
    """
    own = _own_operations(detector, height, width, BOX_ROIS)
    if isinstance(detector, TwoStageDetector):
        few = _own_operations(detector, height, width, MASK_ROIS)
        own |= {name: few[name] for name in few if name.startswith("roi_head.mask")}
    whole = _with_inner(own)
    return {
        name: Complexity(sum(p.numel() for p in module.parameters()), *whole[name])
        for name, module in detector.named_modules()
    }


def _with_inner(own: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Credit every module with the operations of those inside it too."""
    whole: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for name, (macs, flops) in own.items():
        steps = name.split(".") if name else []
        for depth in range(len(steps) + 1):
            outer = ".".join(steps[:depth])
            whole[outer] = (whole[outer][0] + macs, whole[outer][1] + flops)
    return whole


class _Tally:
    """Operations of every module by itself, without the modules inside it: (MACs, old rule)."""

    def __init__(self, counter: FlopCounterMode) -> None:
        self.own: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0, 0))
        self._counter = counter
        self._before = 0
        self._entered = [""]

    def enter(self, name: str, module: nn.Module, inputs: Any) -> None:
        """Note that what happens from now on is the doing of `name`."""
        self._settle(0)
        self._entered.append(name)

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """Note that `module` is done."""
        self._settle(_old_rule(module, inputs, output))
        self._entered.pop()

    def _settle(self, flops: int) -> None:
        """Credit whoever is at work with what was done since the last time."""
        now = self._counter.get_total_flops()
        macs, old = self.own[self._entered[-1]]
        self.own[self._entered[-1]] = (macs + (now - self._before) / 2, old + flops)
        self._before = now


def _own_operations(
    detector: BaseDetector, height: int, width: int, rois: int
) -> dict[str, tuple[float, float]]:
    """Run once on an image, with `rois` regions in a second stage, and count by module."""
    # Fake tensors rather than the meta device, on which torch knows no autocast.
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with fake, FlopCounterMode(display=False) as counter, _without_data(detector):
        tally = _Tally(counter)
        hooks = [
            hook
            for name, module in detector.named_modules()
            for hook in (
                module.register_forward_pre_hook(partial(tally.enter, name)),
                module.register_forward_hook(tally.leave),
            )
        ]
        try:
            _run(detector, height, width, rois)
        finally:
            for hook in hooks:
                hook.remove()
    return dict(tally.own)


@torch.no_grad()
def _run(detector: BaseDetector, height: int, width: int, rois: int) -> None:
    """Pass an image through every network of a detector, and nothing through post-processing."""
    image = torch.zeros(1, 3, height, width, device=next(detector.parameters()).device)
    samples = [blank_sample(height, width)]
    if not isinstance(detector, TwoStageDetector):
        detector(image, samples, mode="tensor")
        return
    features = detector.extract_feat(image)
    if detector.with_rpn:
        detector.rpn_head(features)
    regions = [InstanceData(bboxes=image.new_zeros(rois, 4))]
    detector.roi_head(features, regions, samples)
    semantic = getattr(detector, "semantic_head", None)  # of a panoptic segmentor
    if semantic is not None:
        semantic(features)


@contextmanager
def _without_data(detector: nn.Module) -> Generator[None]:
    """Let stand-ins answer, in shape, for what mmcv's compiled code cannot do without data."""
    stand_ins = {BaseRoIExtractor: _region_features}
    stand_ins |= dict.fromkeys((DeformConv2d, ModulatedDeformConv2d), _as_plain_convolution)
    changed: list[nn.Module] = []
    for module in detector.modules():
        for kind, stand_in in stand_ins.items():
            if isinstance(module, kind):
                module.forward = partial(stand_in, module)
                changed.append(module)
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _region_features(
    extractor: Any, features: tuple[Tensor, ...], rois: Tensor, *unused: Any
) -> Tensor:
    size = extractor.roi_layers[0].output_size
    return features[0].new_zeros(len(rois), extractor.out_channels, *size)


def _as_plain_convolution(layer: Any, x: Tensor, *offsets: Tensor) -> Tensor:
    """Convolve at the undisplaced points: as many multiply-accumulates."""
    if hasattr(layer, "conv_offset"):
        layer.conv_offset(x)
    return F.conv2d(
        x,
        layer.weight,
        getattr(layer, "bias", None),  # the first version has none
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
    )


def _old_rule(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> int:
    """Operations of one call of a module, by mmdetection 1's counter."""
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            kernel = module.in_channels // module.groups * math.prod(module.kernel_size)
            return output.numel() * (kernel + _has_bias(module))
        case nn.Linear():
            return output.numel() * (module.in_features + _has_bias(module))
        case _BatchNorm():
            return 2 * inputs[0].numel()
        case nn.ReLU():
            return output.numel()
        case nn.MaxPool2d():
            return inputs[0].numel()
        case _:
            return 0


def _has_bias(module: nn.Module) -> bool:
    return getattr(module, "bias", None) is not None
