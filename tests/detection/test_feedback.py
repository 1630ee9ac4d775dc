import pytest
import torch
from mmdet.registry import MODELS

import inspire_med.detection.feedback  # noqa: F401 - registers
from inspire_med.errors import InputError

NECK = {"type": "InspireFPN", "in_channels": [64, 128, 256, 512], "out_channels": 16, "num_outs": 5}


def resnet(**options):
    given = {"type": "ResNet", "depth": 18, "norm_cfg": {"type": "BN"}, "norm_eval": False}
    return {**given, **options}


def build(backbone=None, neck=None, **options):
    config = {
        "type": "FeedbackBackbone",
        "backbone": backbone or resnet(),
        "neck": {**NECK, **(neck or {})},
    }
    return MODELS.build({**config, **options})


def disturb(module):
    """Move every weight a little, so that nothing is equal by chance."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return module


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("mode", [False, True])
def test_starts_as_one_step(own, mode):
    unrolled = build(steps=3, own_stages=own)
    unrolled.init_weights()
    unrolled.train(mode)
    x = torch.randn(2, 3, 75, 53)

    for ours, alone in zip(unrolled(x), unrolled.neck(unrolled.backbone(x)), strict=True):
        torch.testing.assert_close(ours, alone)


@pytest.mark.parametrize("own", [False, True])
def test_every_parameter_learns(own):
    unrolled = disturb(build(own_stages=own))

    sum(p.square().mean() for p in unrolled(torch.randn(1, 3, 70, 66))).backward()

    frozen = [name for name, p in unrolled.named_parameters() if p.grad is None]
    assert frozen == []
    assert all(p.grad.isfinite().all() for p in unrolled.parameters())


def test_a_second_step_feeds_back():
    unrolled = disturb(build()).eval()
    x = torch.randn(1, 3, 64, 64)

    assert not torch.allclose(unrolled(x)[0], unrolled.neck(unrolled.backbone(x))[0])


def test_counts():
    # Own stages: the stages after the first come once more; the neck never does.
    shared, own = build(), build(own_stages=True)
    later = sum(
        p.numel()
        for name in ("layer2", "layer3", "layer4")
        for p in shared.backbone.get_submodule(name).parameters()
    )

    def count(module):
        return sum(p.numel() for p in module.parameters())

    assert count(own) - count(shared) == later
    assert count(build(steps=3)) == count(shared)


def test_frozen_norms_and_stages_are_frozen_in_every_pass():
    unrolled = build(resnet(frozen_stages=2, norm_eval=True)).train()
    stages = unrolled.passes[0].stages

    assert not any(p.requires_grad for p in stages[0].parameters())
    assert not stages[0].training
    assert stages[1].training
    norms = [m for m in stages.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)


@pytest.mark.parametrize("own", [False, True])
def test_pretrained_weights_reach_every_pass(own, tmp_path):
    donor = disturb(MODELS.build(resnet()))
    for buffer in donor.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 2)
    torch.save(donor.state_dict(), tmp_path / "r18.pth")
    pretrained = {"type": "Pretrained", "checkpoint": str(tmp_path / "r18.pth")}

    unrolled = build(resnet(init_cfg=pretrained), own_stages=own)
    unrolled.init_weights()

    again = unrolled.passes[0].stages
    for name, tensor in donor.state_dict().items():
        torch.testing.assert_close(unrolled.backbone.state_dict()[name], tensor)
    for index, layer in enumerate(("layer2", "layer3", "layer4")):
        for name, tensor in donor.get_submodule(layer).state_dict().items():
            torch.testing.assert_close(again[index].state_dict()[name], tensor)
    x = torch.randn(1, 3, 64, 64)
    unrolled.eval()
    torch.testing.assert_close(unrolled(x)[0], unrolled.neck(unrolled.backbone(x))[0])


@pytest.mark.parametrize(
    "family",
    [
        {"type": "ResNetV1d", "depth": 18},
        {"type": "ResNeXt", "depth": 50, "groups": 32, "base_width": 4},
        {"type": "Res2Net", "depth": 50, "scales": 4, "base_width": 26},
        {"type": "RegNet", "arch": "regnetx_400mf"},
    ],
)
def test_other_families_of_resnets(family):
    channels = {"ResNetV1d": [64, 128, 256, 512], "RegNet": [32, 64, 160, 384]}
    neck = {"in_channels": channels.get(family["type"], [256, 512, 1024, 2048])}
    unrolled = build({**family, "norm_cfg": {"type": "BN"}}, neck).eval()
    x = torch.randn(1, 3, 64, 64)

    torch.testing.assert_close(unrolled(x)[0], unrolled.neck(unrolled.backbone(x))[0])


@pytest.mark.slow
def test_two_ranks_learn_what_one_does(on_ranks):
    # Frozen norms, so that an image's gradient does not depend on its neighbours.
    unrolled = disturb(build(resnet(norm_eval=True)))
    images = torch.randn(2, 3, 64, 64)

    def gradients(model, x):
        sum(p.square().mean() for p in model(x)).backward()
        return {name: p.grad for name, p in model.named_parameters()}

    def on_one_rank(rank, world):
        joined = torch.nn.parallel.DistributedDataParallel(unrolled.train())
        found = gradients(joined, images[rank : rank + 1])
        return {name.removeprefix("module."): gradient for name, gradient in found.items()}

    ranks = on_ranks(2, on_one_rank)
    alone = gradients(unrolled.train(), images)

    for found in ranks:
        assert found.keys() == alone.keys()
        for name, gradient in found.items():
            torch.testing.assert_close(gradient, alone[name], rtol=1e-3, atol=1e-6)


def test_says_what_it_cannot_unroll():
    with pytest.raises(InputError, match="type=HRNet: .* only mmdet's ResNet family"):
        stage = {"num_modules": 1, "block": "BASIC"}
        extra = {
            "stage1": {
                **stage,
                "num_branches": 1,
                "block": "BOTTLENECK",
                "num_blocks": (1,),
                "num_channels": (8,),
            },
            "stage2": {**stage, "num_branches": 2, "num_blocks": (1, 1), "num_channels": (4, 8)},
            "stage3": {
                **stage,
                "num_branches": 3,
                "num_blocks": (1,) * 3,
                "num_channels": (4, 8, 16),
            },
            "stage4": {
                **stage,
                "num_branches": 4,
                "num_blocks": (1,) * 4,
                "num_channels": (4, 8, 16, 32),
            },
        }
        build({"type": "HRNet", "extra": extra})
    with pytest.raises(InputError, match="neck.type=FPN: .* name InspireFPN"):
        build(neck={"type": "FPN"})
    with pytest.raises(InputError, match=r"out_indices=\(0, 2, 3\) leaves a stage out"):
        build(resnet(out_indices=(0, 2, 3)), {"in_channels": [64, 256, 512]})
    with pytest.raises(InputError, match="leave maps out by"):
        build(neck={"start_level": 1})
