"""Every config of the project builds, and gives finite losses, gradients and predictions."""

from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmdet.structures import DetDataSample
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config
from mmengine.registry import init_default_scope

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "detection").glob("*.py"))
TWINS = [path for path in CONFIGS if path.stem.endswith("_fpn")]
NAMES = [path.stem for path in CONFIGS]
# The others have another schedule alone.
MODELS_OF_THEIR_OWN = [path for path in CONFIGS if not path.stem.startswith("htc_r50_inspire-fpn_")]


def read(path: Path) -> Config:
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)
    return config


def small(config: Config) -> Config:
    """The same model on a small canvas, with few proposals."""
    model = config.model
    for augment in model.data_preprocessor.get("batch_augments") or ():
        augment.size = (160, 128)
    stages = (model.get("train_cfg") or {}).get("rcnn", [])
    for stage in stages if isinstance(stages, list) else [stages]:
        stage.sampler.num = 16
    if "rpn_proposal" in (model.get("train_cfg") or {}):
        model.train_cfg.rpn_proposal.max_per_img = 50
        model.test_cfg.rpn.max_per_img = 20
    return config


def images(config: Config, side: int, count: int) -> dict:
    sizes = [(3, side, side)] * count
    data = demo_mm_inputs(count, sizes, num_classes=80, with_mask=True, with_semantic=True)
    for sample in data["data_samples"]:
        assert isinstance(sample, DetDataSample)
        if config.model.type == "HybridTaskCascade":  # its 183 classes of stuff
            sample.gt_sem_seg.sem_seg %= 183
    return data


@pytest.mark.slow
@pytest.mark.parametrize("path", MODELS_OF_THEIR_OWN, ids=lambda path: path.stem)
def test_builds_and_takes_a_step(path):
    config = small(read(path))
    detector = MODELS.build(config.model).train()
    data = detector.data_preprocessor(images(config, 128, 2), training=True)

    losses = detector(**data, mode="loss")
    total, _ = detector.parse_losses(losses)
    total.backward()

    assert total.isfinite()
    trained = {name for name, p in detector.named_parameters() if p.grad is not None}
    assert all(p.grad.isfinite().all() for p in detector.parameters() if p.grad is not None)
    wanted = {
        name
        for name, p in detector.named_parameters()
        if p.requires_grad and name.startswith(("backbone.", "neck."))
    }
    assert wanted - trained == set()
    with torch.no_grad():
        detector.eval()
        data = detector.data_preprocessor(images(config, 96, 1))
        assert len(detector(**data, mode="predict")) == 1


def test_all_promised_names_are_there():
    twins = ("htc", "htc-without-semantic", "mask-rcnn", "faster-rcnn", "retinanet", "panoptic-fpn")
    sizes = ("49s_640", "49_640", "49_896", "96_1024", "143_1280", "190_1280")
    promised = {
        *(
            f"{twin}_r50_{neck}"
            for twin in twins
            for neck in ("fpn", "inspire-fpn", "inspire-fpn-feedback")
        ),
        *(f"retinanet_spinenet-{size}" for size in sizes),
        *(f"mask-rcnn_spinenet-{size}" for size in sizes if size not in ("49_896", "190_1280")),
        *(f"sparseinst_r50_{kind}" for kind in ("iam", "giam", "giam-aug", "giam-soft")),
        *(
            f"sparseinst_{backbone}_giam"
            for backbone in ("r50vd-dcn", "r101", "pvt-b1", "pvt-b2-li")
        ),
        *(f"faster-rcnn_hrnetv2p-{width}_syncbn_1x" for width in ("w18", "w32", "w40")),
        *(
            f"faster-rcnn_hrnetv2p-{width}_syncbn_mstrain-pad_{length}"
            for width in ("w18", "w32")
            for length in ("1x", "2x")
        ),
        "faster-rcnn_hrnetv2p-w18_syncbn_randresizecrop_1x",
        "faster-rcnn_hrnetv2p-w32_syncbn_randresizecrop_1x",
        "faster-rcnn_r50_syncbn_1x",
        "faster-rcnn_efficientnet-lite0_inspire-fpn",
    }

    assert promised - set(NAMES) == set()


@pytest.mark.slow
@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_twins_differ_in_the_neck_alone(path):
    def without_neck(config: Config) -> dict:
        settings = config.to_dict()
        settings["model"].pop("neck")
        settings.pop("custom_imports", None)
        return settings

    plain = read(path)
    inspire = read(path.with_name(path.stem.removesuffix("fpn") + "inspire-fpn.py"))
    feedback = read(path.with_name(path.stem.removesuffix("fpn") + "inspire-fpn-feedback.py"))

    assert without_neck(inspire) == without_neck(plain)
    assert inspire.model.neck == {**plain.model.neck, "type": "InspireFPN"}
    assert feedback.model.neck is None
    unrolled = feedback.model.backbone
    resnet = {**plain.model.backbone, "out_indices": unrolled.backbone.out_indices}
    assert unrolled.backbone == resnet
    feedback.model.backbone = plain.model.backbone
    assert without_neck(feedback) == without_neck(plain)


def test_the_published_schedules():
    # Learning rate, epochs and milestones or the least share of a cosine, warm-up, range.
    published = {
        "": (0.08, 20, [16, 19], 500, (600, 900)),
        "_1x-cosine": (0.01, 12, 1e-3, 1000, (600, 900)),
        "_1x-step": (0.01, 12, [8, 11], 500, (400, 1200)),
        "_1x-adamw": (1e-4, 12, 2e-2, 1000, (400, 1200)),
        "_2x": (0.02, 20, [16, 19], 500, (400, 1200)),
        "_30e": (0.08, 20, [15, 18], 500, (400, 1000)),
    }
    for suffix, expected in published.items():
        config = read(CONFIGS[0].with_name(f"htc_r50_inspire-fpn{suffix}.py"))
        warm_up, decay = config.param_scheduler
        pipeline = config.train_dataloader.dataset.pipeline
        resize = next(step for step in pipeline if step.type == "RandomResize")
        assert expected == (
            config.optim_wrapper.optimizer.lr,
            config.train_cfg.max_epochs,
            decay.get("milestones", decay.get("eta_min_ratio")),
            warm_up.end,
            tuple(short for _, short in resize.scale),
        )
        assert decay.end == config.train_cfg.max_epochs


@pytest.mark.slow
def test_the_detectors_with_the_published_neck_have_their_published_size():
    for name, total in (("htc_r50_fpn", 82_167_750), ("htc-without-semantic_r50_fpn", 79_365_647)):
        config = read(CONFIGS[0].with_name(f"{name}.py"))
        config.model.neck.type = "ReleasedInspireFPN"
        Config.fromfile(CONFIGS[0].with_name("htc_r50_inspire-fpn.py"))  # registers it
        with torch.device("meta"):
            detector = MODELS.build(config.model)

        assert sum(p.numel() for p in detector.parameters()) == total


@pytest.mark.slow
def test_pipelines_name_only_what_is_registered():
    for path in CONFIGS:
        config = read(path)
        for part in ("train", "val", "test"):
            dataset = config[f"{part}_dataloader"].dataset
            DATASETS.build({**dataset, "lazy_init": True})
