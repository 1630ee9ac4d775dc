"""Parameters and multiply-accumulates of the published models."""

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils.flop_counter import FlopCounterMode

CONFIGS = Path(__file__).parents[2] / "configs" / "detection"
WITHOUT_DCN = {
    "model.backbone.dcn": None,
    "model.backbone.stage_with_dcn": (False, False, False, False),
}
DCN = {
    "model.backbone.dcn": {"type": "DCN", "deform_groups": 1, "fallback_on_stride": False},
    "model.backbone.stage_with_dcn": (False, False, True, True),
}
BASE = {
    "model.decoder.instances": {
        "_delete_": True,
        "type": "InstanceBranch",
        "num_classes": 80,
        "num_masks": 100,
        "maps": {"type": "SigmoidMaps"},
    }
}


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmdet")


def build(name, options=None):
    config = Config.fromfile(CONFIGS / f"sparseinst_{name}.py")
    config.merge_from_dict(options or {})
    with torch.device("meta"):
        return MODELS.build(config.model)


def count(module, *, trainable=False):
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trainable)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "parameters", "without_norms"),
    [
        ("r50_iam", None, 31_637_493, 31_584_373),
        ("r50_giam", None, 32_847_905, 32_794_785),
        ("r50_giam-aug", None, 32_847_905, 32_794_785),
        ("r50_giam-soft", None, 32_847_906, 32_794_786),
        ("r50vd-dcn_giam", {**WITHOUT_DCN, **BASE}, 31_656_725, 31_603_477),
        ("r50vd-dcn_giam", WITHOUT_DCN, 32_867_137, 32_813_889),
        ("r101_giam", None, 51_840_033, 51_734_689),
        ("r101_giam", BASE, 50_629_621, 50_629_621 - 105_344),
        ("r50_giam", DCN, 32_847_905 + 497_826, 32_794_785 + 497_826),
        ("r50vd-dcn_giam", None, 32_867_137 + 497_826, 32_813_889 + 497_826),
        ("r101_giam", DCN, 51_840_033 + 1_203_156, 51_734_689 + 1_203_156),
    ],
)
def test_parameters_of_the_whole(name, options, parameters, without_norms):
    model = build(name, options)

    assert count(model) == parameters
    assert count(model, trainable=True) == without_norms


@pytest.mark.slow
def test_parameters_of_the_parts():
    base, group, soft = (build(f"r50_{name}") for name in ("iam", "giam", "giam-soft"))

    assert count(base.neck) == 3_082_496
    assert count(base.decoder) == 5_046_965
    assert count(group.decoder) == 6_257_377
    assert count(soft.decoder) == 6_257_378
    assert count(base.backbone) == 23_508_032
    assert count(base.backbone) - count(base.backbone, trainable=True) == 53_120
    assert count(build("r50vd-dcn_giam", WITHOUT_DCN).backbone) == 23_527_264
    assert count(build("r101_giam").backbone) == 42_500_160


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "macs"),
    [
        ("r50_iam", None, (73.29, 98.94, 93.99, 79.15)),
        ("r50_giam", None, (73.90, 99.73, 94.75, 79.81)),
        ("r50vd-dcn_giam", {**WITHOUT_DCN, **BASE}, (75.25, 101.58, 96.50, 81.27)),
        ("r50vd-dcn_giam", WITHOUT_DCN, (75.86, 102.37, 97.26, 81.92)),
    ],
)
def test_multiply_accumulates(name, options, macs):
    model = build(name, options).eval()

    for size, expected in zip([(640, 640), (640, 864), (608, 864), (512, 864)], macs, strict=True):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.zeros(1, 3, *size, device="meta"))
        assert counter.get_total_flops() / 2e9 == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "products", "linear"), [("iam", 0.25, 0.01), ("giam", 0.74, 0.13)]
)
def test_what_multiplies(name, products, linear):
    model = build(f"r50_{name}").eval()

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 640, 640, device="meta"))
    counted = counter.get_flop_counts()["Global"]

    macs = {str(operator): flops / 2e9 for operator, flops in counted.items()}
    assert macs.pop("aten.convolution") == pytest.approx(33.36 + 7.73 + 31.94, abs=0.02)
    assert macs.pop("aten.bmm") == pytest.approx(products, abs=0.005)
    assert sum(macs.values()) == pytest.approx(linear, abs=0.005)


def test_shapes_of_the_sheet():
    model = build("r50_giam").eval()
    image = torch.zeros(1, 3, 640, 864, device="meta")

    features = model.backbone(image)
    prediction = model(image)

    assert [tuple(c.shape[1:]) for c in features] == [
        (512, 80, 108),
        (1024, 40, 54),
        (2048, 20, 27),
    ]
    assert model.neck(features).shape == (1, 256, 80, 108)
    assert prediction.classes.shape == (1, 100, 80)
    assert prediction.masks.shape == (1, 100, 160, 216)
    assert prediction.objectness.shape == (1, 100, 1)
