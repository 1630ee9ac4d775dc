from pathlib import Path

import pytest
import torch
from mmcv.ops import ModulatedDeformConv2dPack
from mmdet.models import SingleStageDetector
from mmdet.registry import MODELS
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from inspire_med.detection.complexity import complexity

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"


def build(name: str) -> nn.Module:
    init_default_scope("mmdet")
    return MODELS.build(Config.fromfile(CONFIGS / f"{name}.py").model).eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side", "backbone", "head", "macs", "flops", "backbone_macs"),
    [
        ("49s_640", 640, 9_089_215, 2_061_556, 29_806_281_975, 30_042_469_825, 12.325e9),
        ("49_640", 640, 21_831_488, 6_481_652, 83_337_036_800, 83_698_777_700, 28.262e9),
        ("49_896", 896, 21_831_488, 6_481_652, 163_340_592_128, 164_049_604_292, 55.394e9),
        ("96_1024", 1024, 36_262_976, 6_481_652, 260_046_389_248, 261_355_045_120, 119.054e9),
        ("143_1280", 1280, 60_247_616, 6_481_652, 515_559_526_400, 518_322_458_000, 295.259e9),
        pytest.param(
            "190_1280",
            1280,
            126_587_664,
            36_586_228,
            1_866_103_392_000,
            1_870_896_926_000,
            620.983e9,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_retinanet_on_spinenet_costs_what_was_published(
    name, side, backbone, head, macs, flops, backbone_macs
):
    detector = build(f"retinanet_spinenet-{name}")

    counted = complexity(detector, side, side)

    assert counted["backbone"].parameters == backbone
    assert counted["bbox_head"].parameters == head
    assert counted[""].parameters == backbone + head
    assert counted[""].macs == macs
    assert counted[""].flops_mmdet2 == flops
    assert counted["backbone"].macs == pytest.approx(backbone_macs, abs=0.5e6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side", "parameters", "flops", "macs"),
    [
        ("49s_640", 640, 13_913_903, 63.76, 59.56),
        ("49_640", 640, 40_688_176, 231.15, 215.17),
        ("96_1024", 1024, 55_119_664, 330.70, 313.86),
        ("143_1280", 1280, 79_104_304, 515.56, 497.35),
    ],
)
def test_mask_rcnn_on_spinenet_costs_what_was_published(name, side, parameters, flops, macs):
    detector = build(f"mask-rcnn_spinenet-{name}")

    counted = complexity(detector, side, side)

    assert counted[""].parameters == parameters
    assert round(counted[""].flops_mmdet2 / 1e9, 2) == flops
    assert round(counted[""].macs / 1e9, 2) == macs
    heads = [counted[h].parameters for h in ("roi_head.bbox_head", "roi_head.mask_head")]
    narrow = name == "49s_640"
    assert counted["rpn_head"].parameters == (149_519 if narrow else 593_935)
    assert heads == ([4_008_337, 666_832] if narrow else [15_618_449, 2_644_304])
    if narrow:
        parts = ("backbone", "rpn_head", "roi_head.bbox_head", "roi_head.mask_head")
        shares = [round(counted[part].macs / 1e9, 2) for part in parts]
        assert shares == [12.33, 1.27, 32.32, 13.65]


@pytest.mark.slow
def test_mmengines_own_counter_agrees():
    """It counts MACs of convolutions, 2 an element of a norm, 1 an element up-sampled."""
    detector = revert_sync_batchnorm(build("retinanet_spinenet-49s_640"))

    counted = get_model_complexity_info(detector, (3, 640, 640), show_table=False, show_arch=False)

    assert (counted["params"], counted["flops"]) == (11_150_771, 29_976_664_275)


class Known(nn.Module):
    """A backbone that any school child can count."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.grouped = nn.Conv2d(4, 8, 1, groups=2, bias=False)
        self.up = nn.ConvTranspose2d(8, 2, 2, stride=2)
        self.deform = ModulatedDeformConv2dPack(2, 6, 3, padding=1, bias=False)
        self.linear = nn.Linear(6, 5)
        self.linear_again = self.linear

    def forward(self, x):
        x = self.pool(self.relu(self.norm(self.conv(x))))  # 4 x 8 x 8, then 4 x 4 x 4
        x = self.deform(self.up(self.grouped(x)))  # 6 x 8 x 8
        rows = self.linear(x.flatten(2).transpose(1, 2))  # 64 x 5
        rows = rows + self.linear_again(x.flatten(2).transpose(1, 2))
        return (rows @ rows.transpose(1, 2),)


class Nothing(nn.Module):
    def forward(self, features):
        return features


class Toy(SingleStageDetector):
    """The backbone above alone, with an mmdet detector's face."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.backbone, self.bbox_head = Known(), Nothing()


def counted_by_hand() -> dict[str, tuple[int, int, int]]:
    """Parameters, multiply-accumulates, and the old counter's operations."""
    return {
        "backbone.conv": (3 * 4 * 9 + 4, 64 * 4 * 27, 64 * 4 * (27 + 1)),
        "backbone.norm": (8, 0, 2 * 4 * 64),
        "backbone.relu": (0, 0, 4 * 64),
        "backbone.pool": (0, 0, 4 * 64),
        "backbone.grouped": (2 * 8, 16 * 8 * 2, 16 * 8 * 2),
        # Every one of 4 x 4 inputs meets 8 x 2 x 4 weights; the old rule says so of 8 x 8 outputs.
        "backbone.up": (8 * 2 * 4 + 2, 16 * 64, 64 * 64 + 2 * 64),
        "backbone.deform.conv_offset": (
            2 * 27 * 9 + 27,
            64 * 27 * 18,
            64 * 27 * (18 + 1),
        ),
        "backbone.deform": (
            2 * 6 * 9 + 2 * 27 * 9 + 27,
            64 * 6 * 18 + 64 * 27 * 18,
            64 * 27 * (18 + 1),
        ),
        "backbone.linear": (35, 2 * 64 * 30, 2 * 64 * 5 * 7),
    }


def test_layers_cost_what_a_pencil_says():
    counted = complexity(Toy().eval(), 16, 16)

    by_hand = counted_by_hand()
    for name, costs in by_hand.items():
        assert tuple(vars(counted[name]).values()) == costs, name
    del by_hand["backbone.deform.conv_offset"]
    parameters, macs, flops = map(sum, zip(*by_hand.values(), strict=True))
    product = 64 * 64 * 5  # of no module but the backbone
    assert tuple(vars(counted["backbone"]).values()) == (parameters, macs + product, flops)
    assert counted[""] == counted["backbone"]


def test_a_count_leaves_the_detector_as_it_was():
    toy = Toy().eval()
    complexity(toy, 16, 16)

    assert "forward" not in vars(toy.backbone.deform)
    for module in toy.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_a_failed_count_leaves_the_detector_as_it_was():
    toy = Toy().eval()
    toy.bbox_head = None
    with pytest.raises(AttributeError):
        complexity(toy, 16, 16)

    assert not any(module._forward_hooks for module in toy.modules())


@pytest.mark.slow
def test_what_is_proposed_does_not_change_the_count():
    detector = build("mask-rcnn_spinenet-49s_640")
    before = complexity(detector, 128, 128)
    with torch.no_grad():
        detector.rpn_head.rpn_cls.bias.fill_(-100)

    assert complexity(detector, 128, 128) == before


@pytest.mark.slow
def test_every_stage_of_a_cascade_sees_the_same_regions():
    counted = complexity(build("htc_r50_fpn"), 256, 256)

    # RoI align to 7 x 7 x 256, 1024 features, 1024 more; 81 scores and 4 deltas
    box_head = 256 * 49 * 1024 + 1024 * 1024 + 1024 * (81 + 4)
    for stage in range(3):
        assert counted[f"roi_head.bbox_head.{stage}"].macs == 1000 * box_head
    # four 3-convolutions over 14 x 14, a transposed one to 28 x 28, 80 classes
    mask_head = 4 * 196 * 9 * 256**2 + 196 * 4 * 256**2 + 784 * 256 * 80
    passing_on = 196 * 256**2
    assert counted["roi_head.mask_head.0"].macs == 100 * mask_head
    for stage in (1, 2):
        assert counted[f"roi_head.mask_head.{stage}"].macs == 100 * (mask_head + passing_on)
    assert counted["roi_head.semantic_head"].macs > 0


def test_a_panoptic_segmentor_is_counted_with_its_semantic_head():
    counted = complexity(build("panoptic-fpn_r50_fpn"), 256, 256)

    names = ("backbone", "neck", "rpn_head", "roi_head", "semantic_head")
    assert all(counted[name].macs > 0 for name in names)
    assert counted[""].macs == sum(counted[name].macs for name in names)
    assert counted[""].parameters == sum(counted[name].parameters for name in names)


@pytest.mark.slow
def test_inspires_pyramid_is_counted_on_either_count():
    plain = complexity(build("retinanet_r50_fpn"), 256, 256)
    inspire = complexity(build("retinanet_r50_inspire-fpn"), 256, 256)

    assert inspire["neck"].macs != plain["neck"].macs
    assert inspire["bbox_head"] == plain["bbox_head"]
