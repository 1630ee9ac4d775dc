"""Precision: a detector under autocast, in float32 where boxes or mmcv's operators want it."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal

import torch
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmdet.models import BaseDetector
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.roi_heads.roi_extractors import BaseRoIExtractor
from torch import Tensor, nn

Precision = Literal["fp32", "fp16", "bf16"]

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
_HEADS = (BaseDenseHead, BBoxHead, FCNMaskHead)


@contextmanager
def autocast(detector: nn.Module, precision: Precision) -> Generator[None]:
    """Run a detector's networks in a precision, and what is made of their outputs in float32.

    mmdet lays its anchors in the type of the heads' outputs and rounds regions to that of the
    maps: bf16 would move them by up to two pixels at 640. mmcv's operators know no bf16, and some
    no fp16 on CPUs. So heads answer in float32, regions are cut out of float32 maps, and under
    bf16 deformable convolutions compute in it. Autocast itself begins inside the detector's
    forward: mmengine's test loop, which is around it, switches any other off.
    """
    if precision == "fp32":
        yield
        return
    device = next(detector.parameters()).device.type
    kinds: tuple[type[nn.Module], ...] = (BaseRoIExtractor,)
    if precision == "bf16":
        kinds += (DeformConv2d, ModulatedDeformConv2d)
    with ExitStack() as undo:
        for module in detector.modules():
            if isinstance(module, BaseDetector):
                module.forward = partial(_compute_in, device, _DTYPES[precision], module.forward)
                undo.callback(delattr, module, "forward")
            if isinstance(module, _HEADS):
                undo.callback(module.register_forward_hook(_answer_in_float32).remove)
            if isinstance(module, kinds):
                module.forward = partial(_compute_in_float32, device, module.forward)
                undo.callback(delattr, module, "forward")
        yield


def _answer_in_float32(module: nn.Module, inputs: Any, output: Any) -> Any:
    return _float32(output)


def _compute_in(device: str, dtype: torch.dtype, forward: Any, *inputs: Any, **named: Any) -> Any:
    with torch.autocast(device, dtype):
        return forward(*inputs, **named)


def _compute_in_float32(device: str, forward: Any, *inputs: Any, **named: Any) -> Any:
    with torch.autocast(device, enabled=False):
        return forward(*_float32(inputs), **_float32(named))


def _float32(value: Any) -> Any:
    """Take the floating tensors within lists, tuples and dictionaries to float32."""
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, list | tuple):
        return type(value)(map(_float32, value))
    if isinstance(value, dict):
        return {name: _float32(part) for name, part in value.items()}
    return value
