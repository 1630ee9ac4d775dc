from types import SimpleNamespace

import pytest
import torch
from mmcv.ops import DeformConv2dPack, ModulatedDeformConv2dPack
from mmdet.models import BaseDetector
from mmdet.models.dense_heads import RPNHead
from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead, HTCMaskHead
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from torch import nn

from inspire_med.detection.precision import autocast

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class Parts(BaseDetector):
    """One of each of what stands in a detector, eight channels wide."""

    loss = predict = extract_feat = _forward = None  # of no use here

    def __init__(self) -> None:
        super().__init__()
        init_default_scope("mmdet")
        self.network = nn.Conv2d(8, 8, 3, padding=1)
        self.dense = RPNHead(8, feat_channels=8)
        align = ConfigDict(type="RoIAlign", output_size=7, sampling_ratio=0)
        self.regions = SingleRoIExtractor(align, 8, [4, 8])
        self.boxes = Shared2FCBBoxHead(fc_out_channels=16, in_channels=8, num_classes=3)
        self.masks = FCNMaskHead(in_channels=8, conv_out_channels=8, num_classes=3)
        self.masks_in_stages = HTCMaskHead(in_channels=8, conv_out_channels=8, num_classes=3)
        self.deform = ModulatedDeformConv2dPack(8, 8, 3, padding=1)
        self.deform_without_mask = DeformConv2dPack(8, 8, 3, padding=1)

    def forward(self, image: torch.Tensor, rois: torch.Tensor) -> SimpleNamespace:
        maps = self.network(image)
        scores, deltas = self.dense([maps])
        cut = self.regions([maps, maps[..., ::2, ::2]], rois)
        return SimpleNamespace(
            maps=maps,
            answers=[*scores, *deltas, *self.boxes(cut), self.masks(cut)],
            stages=self.masks_in_stages(cut),
            regions=cut,
            deformed=[self.deform(maps), self.deform_without_mask(maps)],
        )


def run(parts: Parts, precision: str) -> SimpleNamespace:
    torch.manual_seed(0)
    image = torch.randn(1, 8, 32, 32)
    rois = torch.tensor([[0.0, 3, 5, 90, 97], [0, 10, 10, 20, 20]])
    # mmengine's test loop stands around a detector with an autocast of its own, off by default.
    with torch.no_grad(), autocast(parts, precision), torch.autocast("cpu", enabled=False):
        return parts(image, rois)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_networks_run_in_the_precision_and_heads_answer_in_float32(precision):
    found = run(Parts().eval(), precision)

    assert found.maps.dtype == DTYPES[precision]
    assert found.regions.dtype == torch.float32
    assert {answer.dtype for answer in [*found.answers, *found.stages]} == {torch.float32}


def test_deformable_convolutions_run_in_float32_where_bf16_has_none():
    parts = Parts().eval()
    found = run(parts, "bf16")

    exact = run(parts, "fp32")
    for low, full in zip(found.deformed, exact.deformed, strict=True):
        assert low.dtype == torch.float32
        torch.testing.assert_close(low, full, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_the_answers_are_those_of_float32_but_for_rounding(precision):
    parts = Parts().eval()
    low, full = run(parts, precision), run(parts, "fp32")

    for a, b in zip([low.regions, *low.answers], [full.regions, *full.answers], strict=True):
        torch.testing.assert_close(a, b, atol=0.05, rtol=0.05)


def test_a_detector_is_left_as_it_was():
    parts = Parts().eval()
    before = run(parts, "fp32")
    with pytest.raises(ZeroDivisionError), autocast(parts, "bf16"):
        raise ZeroDivisionError

    assert not torch.is_autocast_enabled("cpu")
    assert all("forward" not in vars(m) and not m._forward_hooks for m in parts.modules())
    after = run(parts, "fp32")
    assert all(torch.equal(a, b) for a, b in zip(after.answers, before.answers, strict=True))
