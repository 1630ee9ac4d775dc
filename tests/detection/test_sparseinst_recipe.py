"""The published recipe: data, optimiser and a step on real images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.evaluation import CocoMetric
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

CONFIGS = Path(__file__).parents[2] / "configs" / "detection"


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmdet")


def read(name):
    return Config.fromfile(CONFIGS / f"sparseinst_{name}.py")


def dataset(config, real_data, which="train"):
    given = config[f"{which}_dataloader"].dataset
    given.data_root = f"{real_data / 'coco'}/"
    return DATASETS.build(given)


def undecayed(name):
    config = read(name)
    config.model.backbone.init_cfg = None
    model = MODELS.build(config.model)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = wrapper.optimizer.param_groups
    assert {group["lr"] for group in groups} == {5e-5}
    assert {group["weight_decay"] for group in groups} == {0.0, 0.05}
    free = [p for group in groups if not group["weight_decay"] for p in group["params"]]
    return model, {names[id(parameter)] for parameter in free if parameter.requires_grad}


def test_norms_and_patch_embeddings_alone_do_not_decay():
    model, free = undecayed("pvt-b2-li_giam")

    learned = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    norms = {
        f"{name}.{kind}"
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.LayerNorm)
        for kind in ("weight", "bias")
    }
    patches = {name for name in learned if ".projection." in name}
    assert len(patches) == 8
    assert free == norms | patches


def test_frozen_norms_leave_every_convolution_to_learn():
    config = read("r50_giam")
    config.model.backbone.init_cfg = None
    model = MODELS.build(config.model).train()

    for module in model.backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert not module.training
            assert not module.weight.requires_grad
        elif isinstance(module, torch.nn.Conv2d):
            assert module.weight.requires_grad


def test_schedule_is_the_published_one():
    config = read("r50_giam")

    assert config.train_cfg.max_iters == 270_000
    assert config.param_scheduler[1].milestones == [210_000, 250_000]
    assert config.train_dataloader.batch_size * 8 == config.auto_scale_lr.base_batch_size == 64
    resize = next(t for t in config.train_pipeline if t.type == "RandomChoiceResize")
    assert resize.scales == [(853, side) for side in (416, 448, 480, 512, 544, 576, 608, 640)]


@pytest.mark.parametrize("name", ["r50_giam", "r50_giam-aug"])
def test_training_images_are_as_the_recipe_says(name, real_data):
    images = dataset(read(name), real_data)
    np.random.seed(0)  # noqa: NPY002 - mmdet draws from it

    for index in range(6):
        sample = images[index]
        height, width = sample["inputs"].shape[1:]
        objects = sample["data_samples"].gt_instances

        assert min(height, width) <= 640
        assert max(height, width) <= 853
        assert len(objects) == len(objects.labels) == len(objects.masks) > 0
        assert objects.masks.masks.shape[1:] == (height, width)
        assert objects.masks.areas.min() >= 1


def test_crops_show_less_of_an_image_and_their_boxes_fit_the_masks(real_data):
    config = read("r50_giam-aug")
    pipeline = config.train_dataloader.dataset.pipeline
    pipeline[3].transforms = pipeline[3].transforms[1:]  # crops alone
    images = dataset(config, real_data)
    np.random.seed(0)  # noqa: NPY002 - mmdet draws from it
    smaller = 0

    for index in range(6):
        sample = images[index]["data_samples"]
        ratio = sample.img_shape[0] / sample.ori_shape[0], sample.img_shape[1] / sample.ori_shape[1]
        smaller += abs(ratio[0] / ratio[1] - 1) > 0.02  # a crop has its own shape
        boxes, masks = sample.gt_instances.bboxes, sample.gt_instances.masks
        difference = (boxes.tensor - masks.get_bboxes("hbox").tensor).abs().amax()
        assert difference < 6  # resizing rounds masks to pixels, boxes not

    assert smaller > 0


def test_crowds_are_left_out(real_data):
    images = dataset(read("r50_giam"), real_data)
    flags = [
        [i["ignore_flag"] for i in images.get_data_info(k)["instances"]] for k in range(len(images))
    ]
    crowded = [k for k, given in enumerate(flags) if any(given) and not all(given)]
    assert crowded

    for index in crowded[:3]:
        sample = images[index]["data_samples"]
        assert len(sample.gt_instances) <= flags[index].count(0)
        assert len(sample.ignored_instances) <= flags[index].count(1)


@pytest.mark.slow
def test_a_step_and_an_evaluation_on_real_images(real_data):
    config = read("r50_giam")
    config.model.backbone.init_cfg = None
    for pipeline in (
        config.train_dataloader.dataset.pipeline,
        config.val_dataloader.dataset.pipeline,
    ):
        for transform in pipeline:
            if transform.type == "RandomChoiceResize":
                transform.scales = [(256, 256)]
            elif transform.type == "Resize":
                transform.scale = (256, 256)
    model = MODELS.build(config.model)
    model.init_weights()
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    images, unseen = dataset(config, real_data), dataset(config, real_data, "val")

    log = model.train_step(pseudo_collate([images[k] for k in range(3)]), wrapper)
    metric = CocoMetric(
        ann_file=str(real_data / "coco/annotations/instances_val2017.json"), metric="segm"
    )
    metric.dataset_meta = unseen.metainfo
    model.eval()
    for index in range(2):
        batch = pseudo_collate([unseen[index]])
        metric.process(batch, [sample.to_dict() for sample in model.val_step(batch)])
    scores = metric.evaluate(size=2)

    assert all(value.isfinite() for value in log.values())
    assert log["loss"] > 0
    assert 0 <= scores["coco/segm_mAP"] <= 1
