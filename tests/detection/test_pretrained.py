import runpy
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from safetensors.torch import save_file

from inspire_med.__main__ import main
from inspire_med.detection.pretrained import (
    check_pretrained,
    note_other_pictures,
    note_random_backbone,
)
from inspire_med.detection.settings import read_settings
from inspire_med.detection.weights import guard_loading
from inspire_med.errors import InputError

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
coco = runpy.run_path(str(Path(__file__).parent / "coco.py"))


@pytest.fixture(autouse=True)
def guarded() -> None:
    init_default_scope("mmdet")
    guard_loading()


@pytest.fixture
def config(tmp_path) -> Path:
    return coco["write_config"](tmp_path, tmp_path / "data")


def torchvision_resnet(depth: int, width: int = 8) -> dict[str, torch.Tensor]:
    """Random weights by the names and sizes of torchvision's ResNets, thinner than those."""
    weights: dict[str, torch.Tensor] = {}

    def layer(conv: str, norm: str, inside: int, outside: int, kernel: int) -> None:
        weights[f"{conv}.weight"] = torch.randn(outside, inside, kernel, kernel)
        for name in ("weight", "bias", "running_mean"):
            weights[f"{norm}.{name}"] = torch.randn(outside)
        weights[f"{norm}.running_var"] = torch.rand(outside) + 0.5
        weights[f"{norm}.num_batches_tracked"] = torch.tensor(1)

    kernels = (3, 3) if depth < 50 else (1, 3, 1)
    grown = 1 if depth < 50 else 4
    layer("conv1", "bn1", 3, width, 7)
    before = width
    for stage, count in enumerate(BLOCKS[depth]):
        inner = width * 2**stage
        for block in range(count):
            widths = [before, *[inner] * (len(kernels) - 1), inner * grown]
            name = f"layer{stage + 1}.{block}"
            for number, kernel in enumerate(kernels):
                place = number + 1
                sizes = widths[number], widths[place], kernel
                layer(f"{name}.conv{place}", f"{name}.bn{place}", *sizes)
            if block == 0 and before != inner * grown:
                down = f"{name}.downsample"
                layer(f"{down}.0", f"{down}.1", before, inner * grown, 1)
            before = inner * grown
    return weights | {"fc.weight": torch.randn(1000, before), "fc.bias": torch.randn(1000)}


def resnet(depth: int, file: object, **options) -> dict:
    return {
        "type": "ResNet",
        "depth": depth,
        "base_channels": 8,
        "init_cfg": {"type": "Pretrained", "checkpoint": str(file)},
        **options,
    }


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_torchvisions_weights_reach_mmdets_resnet(tmp_path, depth, suffix):
    weights, file = torchvision_resnet(depth), tmp_path / f"a.{suffix}"
    save_file(weights, file) if suffix == "safetensors" else torch.save(weights, file)

    assert check_pretrained(resnet(depth, file)) == []
    backbone = MODELS.build(resnet(depth, file))
    backbone.init_weights()

    own = backbone.state_dict()
    assert weights.keys() - own.keys() == {"fc.weight", "fc.bias"}
    for name, value in own.items():
        torch.testing.assert_close(value, weights[name], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("stored", "wanted", "difference"),
    [
        (18, 50, r"layer1.0.conv1.weight of shape \(8, 8, 3, 3\), not \(8, 8, 1, 1\);"),
        (50, 18, r"layer1.0.conv1.weight of shape \(8, 8, 1, 1\), not \(8, 8, 3, 3\);"),
        (18, 34, "no layer1.2.conv1.weight;"),
        (34, 18, "layer1.2.conv1.weight, which this has not;"),
        (50, 101, "no layer3.6.conv1.weight;"),
        (101, 50, "layer3.6.conv1.weight, which this has not;"),
    ],
)
def test_weights_of_another_depth_are_refused(tmp_path, stored, wanted, difference):
    file = tmp_path / "a.pth"
    torch.save(torchvision_resnet(stored), file)
    with pytest.raises(
        InputError, match=f"a.pth: is of another backbone than this ResNet: it has {difference}"
    ):
        check_pretrained(resnet(wanted, file))


@pytest.mark.parametrize("prefix", ["backbone", "backbone."])
def test_weights_within_a_detector_are_found_by_their_prefix(tmp_path, prefix):
    file = tmp_path / "a.pth"
    stored = {f"backbone.{name}": value for name, value in torchvision_resnet(18).items()}
    torch.save({"state_dict": {**stored, "neck.0.weight": torch.ones(1)}}, file)
    within = resnet(18, file)
    within["init_cfg"]["prefix"] = prefix

    assert check_pretrained(within) == []
    with pytest.raises(InputError, match="a.pth: has nothing for the init_cfg of ResNet: it has"):
        check_pretrained(resnet(18, file))
    with pytest.raises(InputError, match="it has no backbone.layer1.2.conv1.weight;"):
        check_pretrained({**within, "depth": 34})


def test_what_training_in_parallel_and_timm_put_around_weights_is_taken_off(tmp_path):
    file = tmp_path / "a.pth"
    stored = {f"module.{name}": value for name, value in torchvision_resnet(18).items()}
    torch.save({"model": stored}, file)

    assert check_pretrained(resnet(18, file)) == []
    backbone = MODELS.build(resnet(18, file))
    backbone.init_weights()
    torch.testing.assert_close(backbone.conv1.weight, stored["module.conv1.weight"])


def test_what_a_detector_adds_to_a_backbone_starts_at_random_and_that_is_said(tmp_path):
    file = tmp_path / "a.pth"
    torch.save(torchvision_resnet(50), file)
    deformable = {"type": "DCN", "deform_groups": 1, "fallback_on_stride": False}

    (note,) = check_pretrained(
        resnet(50, file, dcn=deformable, stage_with_dcn=(False, False, False, True))
    )

    assert note.startswith(f"{file}: has no layer4.0.conv2.conv_offset.weight, ")
    assert note.endswith(" and 3 more; the ResNet's start at random")


def test_counters_and_layers_that_old_files_lack_or_have_are_no_difference(tmp_path):
    # A ResNet as Caffe's converters write it has a bias that nothing reads.
    file = tmp_path / "a.pth"
    weights = torchvision_resnet(18)
    old = {name: value for name, value in weights.items() if "num_batches" not in name}
    torch.save({**old, "conv1.bias": torch.zeros(8)}, file)
    assert check_pretrained(resnet(18, file)) == []


def test_a_file_that_is_missing(config):
    words = ["model.backbone.init_cfg.type=Pretrained", "model.backbone.init_cfg.checkpoint=r.pth"]
    with pytest.raises(InputError, match="r.pth: no such weights for init_cfg"):
        check_pretrained(read_settings(config, words).model)


@pytest.mark.slow
def test_names_of_a_zoo_are_fetched_before_the_run_and_without_a_net_one_sentence_says_so(
    tmp_path, config, monkeypatch, capfd
):
    def fetch(url, path, progress):
        raise OSError("no net")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    coco["write_set"](tmp_path / "data")
    words = ["type=Pretrained", "checkpoint=torchvision://resnet18"]
    options = [f"model.backbone.init_cfg.{word}" for word in words]
    run = tmp_path / "run"

    status = main(
        ["detection.train", str(config), "--work-dir", str(run), "--cfg-options", *options]
    )

    assert status == 2
    (said,) = capfd.readouterr().err.splitlines()
    assert "resnet18-f37072fd.pth: cannot be fetched (no net); fetch it elsewhere and name " in said
    assert f"put it at {tmp_path}/hub/checkpoints/resnet18-f37072fd.pth, or train from " in said
    assert not run.exists()


def test_a_backbone_that_converts_names_may_read_what_it_likes(tmp_path):
    settings = read_settings(CONFIGS / "sparseinst_pvt-b1_giam.py")
    file = tmp_path / "a.pth"
    torch.save({"patch_embed1.proj.weight": torch.ones(1)}, file)
    settings.model.backbone.init_cfg.checkpoint = str(file)
    assert check_pretrained(settings.model) == []


@pytest.mark.slow
def test_the_backbone_within_a_feedback_is_looked_at_too(tmp_path):
    file = tmp_path / "a.pth"
    torch.save(torchvision_resnet(18, width=64), file)
    settings = read_settings(CONFIGS / "retinanet_r50_inspire-fpn-feedback.py")
    settings.model.backbone.backbone.init_cfg.checkpoint = str(file)
    with pytest.raises(InputError, match="another backbone than this ResNet: .* layer1.0.conv1"):
        check_pretrained(settings.model)


def test_a_backbone_of_random_weights_is_named(config):
    settings = read_settings(config)
    (note,) = note_random_backbone(settings.model)
    assert note.startswith("the backbone, ResNet, has random weights, as its init_cfg names no ")
    assert note.endswith("checkpoint")


@pytest.mark.parametrize("option", ["frozen_stages=1", "norm_eval=True"])
def test_random_weights_that_stay_so_are_told_of(config, option):
    (note,) = note_random_backbone(read_settings(config, [f"model.backbone.{option}"]).model)
    assert note.endswith("checkpoint, some for good: set its frozen_stages=-1 and norm_eval=False")


@pytest.mark.slow
def test_a_backbone_within_a_feedback_is_named_by_its_own_name():
    settings = read_settings(CONFIGS / "retinanet_r50_inspire-fpn-feedback.py")
    assert note_random_backbone(settings.model) == []
    settings.model.backbone.backbone.init_cfg = None
    (note,) = note_random_backbone(settings.model)
    assert note.startswith("the backbone, ResNet, has random weights")


@pytest.mark.parametrize(
    "words",
    [
        {"init_cfg": {"type": "Pretrained", "checkpoint": "torchvision://resnet18"}},
        {"pretrained": "torchvision://resnet18"},
    ],
)
def test_a_backbone_with_weights_is_not_named(words):
    assert note_random_backbone({"backbone": {"type": "ResNet", "depth": 18, **words}}) == []
    assert note_random_backbone({"type": "DETR"}) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "faster-rcnn_efficientnet-lite0_inspire-fpn",
        "retinanet_r50_inspire-fpn-feedback",
        "sparseinst_r101_giam",
    ],
)
def test_our_configs_show_their_weights_the_pictures_that_those_know(name):
    model = Config.fromfile(CONFIGS / f"{name}.py").model
    assert note_other_pictures(model) == []
    model.data_preprocessor.bgr_to_rgb = False
    assert len(note_other_pictures(model)) == 1


@pytest.mark.parametrize("option", ["mean=[127,127,127]", "std=[1,1,1]", "bgr_to_rgb=False"])
def test_pictures_that_weights_do_not_know_are_told_of(config, option):
    words = [
        "backbone.init_cfg.type=Pretrained",
        "backbone.init_cfg.checkpoint=torchvision://resnet18",
        f"data_preprocessor.{option}",
    ]
    settings = read_settings(config, [f"model.{word}" for word in words])

    (note,) = note_other_pictures(settings.model)

    assert note.startswith(
        "torchvision://resnet18 was made with pictures of mean=[123.675, 116.28, 103.53], std=[58"
    )


def test_of_a_files_pictures_nothing_is_known(config):
    words = ["backbone.init_cfg.type=Pretrained", "backbone.init_cfg.checkpoint=a.pth"]
    words += ["data_preprocessor.bgr_to_rgb=False"]
    settings = read_settings(config, [f"model.{word}" for word in words])
    assert note_other_pictures(settings.model) == []
    assert note_other_pictures({"backbone": {"pretrained": "torchvision://resnet18"}}) == []
