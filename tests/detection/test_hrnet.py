import copy
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch import nn
from torch.utils.data import Dataset

import inspire_med.detection.canvas
import inspire_med.detection.crop  # noqa: F401 - registers
from inspire_med.detection.ranks import DistributedOnCPU
from inspire_med.training.sync_batchnorm import SyncBatchNorm, synchronise

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"
CPU = torch.device("cpu")
HRNETS = {
    "w18": (18, 27_482_676),
    "w32": (32, 47_279_712),
    "w40": (40, 63_526_112),
}
WIDTHS_1X = [f"hrnetv2p-{width}" for width in HRNETS]
CANVAS = [
    f"hrnetv2p-{width}_syncbn_{kind}"
    for width in ("w18", "w32")
    for kind in ("mstrain-pad_1x", "mstrain-pad_2x", "randresizecrop_1x")
]
ALL = [*(f"{name}_syncbn_1x" for name in [*WIDTHS_1X, "r50"]), *CANVAS]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmdet")
    np.random.seed(0)  # noqa: NPY002 - the generator that the transforms use


def read(name):
    return Config.fromfile(CONFIGS / f"faster-rcnn_{name}.py", import_custom_modules=False)


def build(name, **backbone):
    config = read(name)
    config.model.backbone.update(init_cfg=None, **backbone)
    return MODELS.build(config.model)


def sync_norms(module):
    return [each for each in module.modules() if isinstance(each, nn.SyncBatchNorm)]


@pytest.mark.parametrize("name", ALL)
def test_the_recipe(name):
    config = read(name)
    model, twice = config.model, name.endswith("2x")
    epochs, steps = (24, [20, 23]) if twice else (12, [8, 11])

    assert model.type == "FasterRCNN"
    assert model.backbone.norm_cfg == {"type": "SyncBN", "requires_grad": True}
    assert model.backbone.norm_eval is False
    assert model.rpn_head.anchor_generator.scales == [8]
    assert model.rpn_head.anchor_generator.strides == [4, 8, 16, 32, 64]
    assert model.rpn_head.loss_bbox.type == "SmoothL1Loss"
    assert model.rpn_head.loss_bbox.beta == 1 / 9
    assert model.roi_head.bbox_roi_extractor.roi_layer == {
        "type": "RoIAlign",
        "output_size": 7,
        "sampling_ratio": 2,
    }
    assert model.roi_head.bbox_head.type == "Shared2FCBBoxHead"
    assert model.roi_head.bbox_head.fc_out_channels == 1024
    assert model.test_cfg.rpn.nms_pre == model.test_cfg.rpn.max_per_img == 2000
    rcnn = model.test_cfg.rcnn
    assert (rcnn.score_thr, rcnn.nms.iou_threshold, rcnn.max_per_img) == (0.05, 0.5, 100)
    assert config.optim_wrapper.optimizer == {
        "type": "SGD",
        "lr": 0.02,
        "momentum": 0.9,
        "weight_decay": 1e-4,
    }
    assert config.optim_wrapper.clip_grad == {"max_norm": 35, "norm_type": 2}
    warm_up, decay = config.param_scheduler
    assert warm_up == {
        "type": "LinearLR",
        "start_factor": 1 / 3,
        "by_epoch": False,
        "begin": 0,
        "end": 500,
    }
    assert decay.milestones == steps
    assert decay.end == config.train_cfg.max_epochs == epochs
    assert config.auto_scale_lr.base_batch_size == 16
    assert config.custom_imports.imports == ["inspire_med.detection.parts"]
    # Tested at one scale, without a canvas.
    resize = next(step for step in config.test_pipeline if step.type == "Resize")
    assert (resize.scale, resize.keep_ratio) == ((1333, 800), True)
    assert model.data_preprocessor.pad_size_divisor == 32


@pytest.mark.parametrize("name", ALL)
def test_what_the_images_become(name):
    config = read(name)
    kind = name.split("_", 2)[2]
    pipeline = config.train_dataloader.dataset.pipeline
    augments = config.model.data_preprocessor.get("batch_augments")
    second = pipeline[2]

    assert pipeline[3] == {"type": "RandomFlip", "prob": 0.5}
    if kind == "1x":
        assert (second.type, second.scale) == ("Resize", (1333, 800))
        assert augments is None
    elif kind.startswith("mstrain-pad"):
        assert second.type == "RandomChoiceResize"
        assert second.scales == [(1600, 1000), (1000, 600), (1333, 800)]
        assert augments == [{"type": "OrientedFixedSizePad", "size": (1600, 1024)}]
    else:
        assert second.type == "RandResizeCrop"
        assert second.scales == [(1400, 600), (1400, 800), (1400, 1000)]
        assert second.size == (1200, 800)
        assert augments == [{"type": "OrientedFixedSizePad", "size": (1216, 800)}]


@pytest.mark.parametrize(("width", "expected"), HRNETS.items())
def test_parameters_and_training_norms(width, expected):
    channels, parameters = expected
    detector = build(f"hrnetv2p-{width}_syncbn_1x").train()

    assert sum(p.numel() for p in detector.parameters()) == parameters
    assert detector.neck.in_channels == [channels * 2**level for level in range(4)]
    norms = sync_norms(detector)
    assert len(norms) == 305
    assert all(norm.training for norm in norms)
    assert all(p.requires_grad for p in detector.parameters())
    assert not any(isinstance(each, nn.BatchNorm2d) for each in detector.modules())


def test_with_norm_eval_no_synchronised_norm_trains():
    norms = sync_norms(build("hrnetv2p-w18_syncbn_1x", norm_eval=True).train())

    assert len(norms) == 305
    assert not any(norm.training for norm in norms)


def test_the_resnet_trains_its_norms_after_the_frozen_stage():
    norms = sync_norms(build("r50_syncbn_1x").train())

    assert len(norms) == 53
    assert sum(norm.training for norm in norms) == 42  # all but the stem's and ten of stage 1
    assert sum(norm.weight.requires_grad for norm in norms) == 42


def batch(size, count=1):
    samples = []
    for _ in range(count):
        sample = DetDataSample(metainfo={"img_shape": size, "ori_shape": size})
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[8.0, 10, 40, 44], [20, 4, 60, 30]]), labels=torch.tensor([3, 7])
        )
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
        samples.append(sample)
    inputs = [torch.randint(0, 255, (3, *size), dtype=torch.uint8) for _ in range(count)]
    return {"inputs": inputs, "data_samples": samples}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hrnetv2p-w18_syncbn_mstrain-pad_1x", "r50_syncbn_1x"])
def test_a_step_on_one_process_reaches_every_parameter(name):
    config = read(name)
    config.model.backbone.init_cfg = None
    if "pad" in name:
        config.model.data_preprocessor.batch_augments[0].size = (128, 96)
    # As mmengine's Runner does where processes are not joined.
    detector = revert_sync_batchnorm(MODELS.build(config.model)).train()

    data = detector.data_preprocessor(batch((64, 70), 2), training=True)
    losses = detector(**data, mode="loss")
    total, _ = detector.parse_losses(losses)
    total.backward()

    if "pad" in name:
        assert data["inputs"].shape == (2, 3, 96, 128)
    assert total.isfinite()
    trained = [p for p in detector.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trained)


@pytest.mark.parametrize("name", ["hrnetv2p-w18_syncbn_mstrain-pad_1x", *CANVAS[2::3]])
def test_real_images_through_the_training_pipelines(real_data, name):
    config = read(name)
    settings = config.train_dataloader.dataset
    dataset = CocoDataset(
        ann_file=settings.ann_file,
        data_root=str(real_data / "coco"),
        data_prefix=settings.data_prefix,
        filter_cfg=settings.filter_cfg,
        pipeline=settings.pipeline,
    )
    preprocessor = MODELS.build(config.model.data_preprocessor)
    long, short = config.model.data_preprocessor.batch_augments[0].size
    portraits = [i for i in range(len(dataset)) if _upright(dataset, i)]
    landscapes = [i for i in range(len(dataset)) if not _upright(dataset, i)]

    for indices, canvas in [(portraits[:2], (long, short)), (landscapes[:2], (short, long))]:
        packed = [dataset[index] for index in indices]
        data = {key: [each[key] for each in packed] for key in ("inputs", "data_samples")}
        images = preprocessor(data, training=True)["inputs"]
        assert tuple(images.shape) == (2, 3, *canvas)


def _upright(dataset, index):
    info = dataset.get_data_info(index)
    return info["height"] > info["width"]


def small_hrnet():
    """HRNet's four stages, one block and few channels each; every path of W18's is there."""
    widths = [4, 6, 8, 10]
    stages = {
        f"stage{number}": {
            "num_modules": 1,
            "num_branches": number,
            "block": "BOTTLENECK" if number == 1 else "BASIC",
            "num_blocks": [1] * number,
            "num_channels": widths[:number],
        }
        for number in range(1, 5)
    }
    return {
        "type": "HRNet",
        "extra": stages,
        "norm_cfg": {"type": "SyncBN", "requires_grad": True},
        "norm_eval": False,
    }


def passed(network, images):
    """Two training passes, the second with gradients, and what they leave behind."""
    network(images**2)
    images = images.clone().requires_grad_()
    outputs = network(images)
    sum((output**3).sum() for output in outputs).backward()
    return {
        "outputs": [output.detach() for output in outputs],
        "images": images.grad,
        "gradients": [p.grad for p in network.parameters()],
        "buffers": [buffer.clone() for buffer in network.buffers()],
    }


def test_two_ranks_with_half_the_batch_each_equal_one_with_all_of_it(on_ranks):
    network = MODELS.build(small_hrnet()).double()
    nn.init.normal_(network.norm1.weight)
    images = torch.randn(4, 3, 64, 96, dtype=torch.float64)
    images += torch.arange(4.0).view(4, 1, 1, 1)  # half a batch is unlike the whole
    expected = passed(revert_sync_batchnorm(copy.deepcopy(network)), images)

    def work(rank, world):
        own = copy.deepcopy(network)
        synchronise(own, CPU, kinds=(nn.SyncBatchNorm,))
        assert sum(isinstance(each, SyncBatchNorm) for each in own.modules()) > 30
        return passed(own, images.chunk(world)[rank])

    ranks = on_ranks(2, work)

    exact = {"rtol": 1e-7, "atol": 1e-9}
    for number, output in enumerate(expected["outputs"]):
        together = torch.cat([rank["outputs"][number] for rank in ranks])
        torch.testing.assert_close(together, output, **exact)
    together = torch.cat([rank["images"] for rank in ranks])
    torch.testing.assert_close(together, expected["images"], **exact)
    for number, gradient in enumerate(expected["gradients"]):
        together = sum(rank["gradients"][number] for rank in ranks)
        torch.testing.assert_close(together, gradient, **exact)
    for rank in ranks:
        torch.testing.assert_close(rank["buffers"], expected["buffers"], **exact)


@pytest.mark.slow
def test_w18_itself_on_two_ranks(on_ranks):
    network = MODELS.build(read("hrnetv2p-w18_syncbn_1x").model.backbone).double()
    images = torch.randn(4, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        expected = revert_sync_batchnorm(copy.deepcopy(network))(images)

    def work(rank, world):
        synchronise(network, CPU, kinds=(nn.SyncBatchNorm,))
        assert sum(isinstance(each, SyncBatchNorm) for each in network.modules()) == 305
        with torch.no_grad():
            return list(network(images.chunk(world)[rank]))

    ranks = on_ranks(2, work)

    for number, output in enumerate(expected):
        together = torch.cat([rank[number] for rank in ranks])
        torch.testing.assert_close(together, output, rtol=1e-7, atol=1e-9)


def test_torch_refuses_its_own_layer_on_joined_cpus(on_ranks):
    """The reason for DistributedOnCPU; if this fails, that may go."""

    def work(rank, world):
        with pytest.raises(ValueError, match="expected input tensor to be on"):
            nn.SyncBatchNorm(3)(torch.zeros(2, 3, 4, 4))
        with pytest.raises(ValueError, match="SyncBatchNorm layers only work with GPU modules"):
            nn.parallel.DistributedDataParallel(nn.Sequential(nn.SyncBatchNorm(3)))

    on_ranks(2, work)


def test_tensors_modes_and_whatever_is_not_synchronised_stay():
    network = nn.Sequential(nn.SyncBatchNorm(3), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1))
    network[0].eval()
    tensors = dict(network.state_dict(keep_vars=True))

    synchronise(network, CPU, kinds=(nn.SyncBatchNorm,))

    assert isinstance(network[0], SyncBatchNorm)
    assert not network[0].training
    assert type(network[1]) is nn.BatchNorm2d
    after = network.state_dict(keep_vars=True)
    assert list(after) == list(tensors)
    assert all(after[name] is tensor for name, tensor in tensors.items())


class Regression(BaseModel):
    """The mean of an HRNet's finest map is to be the target."""

    def __init__(self):
        super().__init__()
        self.backbone = MODELS.build(small_hrnet())

    def init_weights(self):
        """Keep what the test has put in."""

    def forward(self, image, target, mode):
        finest, *others = self.backbone(image)
        error = finest.mean((1, 2, 3)) - target
        return {"loss": error.square().mean() + sum(each.square().mean() for each in others)}


class Pictures(Dataset):
    images = torch.randn(
        8, 3, 64, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return {
            "image": self.images[index] + index,
            "target": torch.tensor(index, dtype=torch.float64),
        }


def trained(folder, start, batch_size, launcher):
    """Train two epochs by mmengine's Runner; the weights and the kinds of the norms."""
    model = Regression().double()
    model.load_state_dict(start)
    runner = Runner(
        model,
        work_dir=str(folder),
        train_dataloader={
            "dataset": Pictures(),
            "batch_size": batch_size,
            "num_workers": 0,
            "collate_fn": {"type": "default_collate"},
            "sampler": {"type": "DefaultSampler", "shuffle": False},
        },
        train_cfg={"by_epoch": True, "max_epochs": 2},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.01}},
        default_hooks={"checkpoint": None},
        default_scope="mmdet",
        launcher=launcher,
        experiment_name=f"{folder.name}-{os.getpid()}",
        log_level="ERROR",
        cfg={"model_wrapper_cfg": {"type": "DistributedOnCPU"}},
    )
    runner.train()
    if launcher != "none":
        assert isinstance(runner.model, DistributedOnCPU)
    kinds = {type(each) for each in model.modules() if "Norm" in type(each).__name__}
    return model.state_dict(), kinds


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="about CPUs")
def test_mmengines_runner_trains_the_same_on_one_process_and_on_two(tmp_path, on_ranks):
    start = Regression().double().state_dict()
    expected, _ = trained(tmp_path / "one", start, 4, "none")

    def work(rank, world):
        os.environ.update(LOCAL_RANK=str(rank), OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
        return trained(tmp_path / "two", start, 2, "pytorch")

    for found, kinds in on_ranks(2, work):
        assert kinds == {SyncBatchNorm}
        assert list(found) == list(expected)
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=1e-9)
    assert any(not torch.equal(expected[name], start[name]) for name in start)
