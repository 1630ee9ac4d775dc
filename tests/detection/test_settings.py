import runpy
from pathlib import Path

import mmdet
import numpy as np
import pytest
from mmcv.transforms import TRANSFORMS
from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope
from PIL import Image

from inspire_med.detection.settings import enter_scope, read_settings, require
from inspire_med.errors import InputError

ROOT = Path(__file__).parent.parent.parent
BASES = Path(mmdet.__file__).parent / ".mim" / "configs" / "_base_"
coco = runpy.run_path(str(Path(__file__).parent / "coco.py"))


@pytest.fixture
def config(tmp_path) -> Path:
    return coco["write_config"](tmp_path, tmp_path / "data")


def test_options_lie_over_the_config_as_mmengine_reads_them(config):
    words = ["model.neck.out_channels=48", "train_dataloader.dataset.pipeline.2.scale=(32,32)"]
    settings = read_settings(config, words)
    assert settings.model.neck.out_channels == 48
    assert settings.train_dataloader.dataset.pipeline[2].scale == (32, 32)


def test_options_open_a_section_that_is_none(config):
    words = ["model.backbone.init_cfg.type=Pretrained", "model.backbone.init_cfg.checkpoint=r.pth"]
    settings = read_settings(config, words)
    assert settings.model.backbone.init_cfg == {"type": "Pretrained", "checkpoint": "r.pth"}


def test_data_root_moves_all_paths(config):
    settings = read_settings(config, ["data_root=/elsewhere"])
    assert settings.train_dataloader.dataset.data_root == "/elsewhere/"
    assert settings.val_evaluator.ann_file.startswith("/elsewhere/annotations/")


@pytest.mark.slow
@pytest.mark.parametrize(
    "word",
    [
        *("train_dataloader.dataset.indices=8", "env_cfg.dist_cfg.port=29501"),
        *("model.backbone.init_cfg.checkpoint=x.pth", "randomness.deterministic=True"),
        *("default_hooks.checkpoint.max_keep_ckpts=1", "optim_wrapper.clip_grad.max_norm=35"),
        *("train_dataloader.pin_memory=True", "find_unused_parameters=True", "load_from=x.pth"),
        *("val_evaluator.classwise=True", "train_cfg.val_interval=2", "param_scheduler.0.begin=1"),
        *("model.backbone.norm_cfg.requires_grad=False", "default_hooks.visualization.draw=True"),
        *("train_dataloader.dataset.metainfo.palette=[(1,2,3)]", "model.neck.start_level=1"),
    ],
)
def test_known_keys_pass(config, word):
    read_settings(config, [word])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "optim_wrapper.optimizer.l_r=1",
            r"nothing in optim_wrapper.optimizer reads l_r; did you ",
        ),
        ("model.backbone.dept=34", r"dept; did you mean model.backbone.depth\?"),
        ("train_cfg.max_epoch=3", r"did you mean train_cfg.max_epochs\?"),
        (
            "traim_cfg.max_epochs=3",
            r"nothing in the config reads traim_cfg; did you mean train_cfg",
        ),
        ("train_dataloader.batchsize=1", r"did you mean train_dataloader.batch_size\?"),
        ("train_dataloader.dataset.indexes=8", r"did you mean train_dataloader.dataset.indices\?"),
        ("train_pipeline.0.type=x", "reads train_pipeline; it was used up in reading"),
        ("env_cfg.dist_cfg.zzz=1", "reads zzz; it reads backend, init_backend, port, timeout"),
        (
            "param_scheduler.3.begin=0",
            "param_scheduler is a list; name a part by its number, 0 to 0",
        ),
        ("train_cfg.max_epochs.x=1", "train_cfg.max_epochs is 2, with nothing in it to set"),
        ("train_cfg.max_epochs=two", "two is not a number"),
        ("resume=yes", "yes is not true or false"),
        ("model.neck=FPN", "is a section, not a value; set model.neck.type or another of its keys"),
        ("model", "model is not key=value"),
        ("=1", "=1 is not key=value"),
        ("train_dataloader.dataset.pipeline.2.scale=[(1,2]", "has unequal brackets"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(config, word, message):
    with pytest.raises(InputError, match=message):
        read_settings(config, [word])


def test_an_empty_section_is_no_value_either(tmp_path):
    (tmp_path / "a.py").write_text("test_cfg = dict()\n")
    with pytest.raises(InputError, match="is a section, not a value; set test_cfg.KEY or another"):
        read_settings(tmp_path / "a.py", ["test_cfg=word"])


@pytest.mark.parametrize("root", ["data/coco", "data/coco/"])
def test_data_root_moves_nothing_that_merely_begins_alike(tmp_path, root):
    paths = ["data/coco/a.json", "data/coco", "data/coco_panoptic/a.json"]
    text = f"data_root = {root!r}\nval_evaluator = [dict(ann_file=path) for path in {paths}]\n"
    (tmp_path / "a.py").write_text(text)
    moved = read_settings(tmp_path / "a.py", ["data_root=/x"]).val_evaluator
    assert [one.ann_file for one in moved] == ["/x/a.json", "/x/", "data/coco_panoptic/a.json"]


@pytest.mark.parametrize("word", ["data_root=", "data_root=None"])
def test_an_empty_data_root_is_refused(config, word):
    with pytest.raises(InputError, match="data_root: is empty; name a folder"):
        read_settings(config, [word])


def test_data_root_of_a_config_without_one(tmp_path):
    (tmp_path / "a.py").write_text("model = dict()\n")
    with pytest.raises(InputError, match="data_root: the config has none"):
        read_settings(tmp_path / "a.py", ["data_root=x"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model = dict(", r"a.py: cannot be read as a config \(SyntaxError"),
        ("_base_ = 'none.py'", r"a.py: cannot be read as a config \(FileNotFoundError"),
        (
            "custom_imports = dict(imports=['none'])",
            r"a.py: cannot be read as a config \(ImportErr",
        ),
        (
            "param_schedulr = []",
            r"a.py: nothing reads param_schedulr; did you mean param_scheduler",
        ),
        (
            "model = dict(type='RetinaNet', backbone=dict(type='ResNet', dept=50))",
            r"a.py: nothing in model.backbone reads dept; did you mean model.backbone.depth\?",
        ),
        (
            "train_dataloader = dict(dataset=dict(type='CocoDataset', ann_fil='a.json'))",
            r"a.py: nothing in train_dataloader.dataset reads ann_fil; did you mean .*\.ann_file\?",
        ),
        (
            "test_dataloader = dict(dataset=dict(pipeline=[dict(type='Resize', scal=1)]))",
            r"nothing in test_dataloader.dataset.pipeline.0 reads scal; did you mean .*0.scale\?",
        ),
        ("train_cfg = dict(max_epoch=3)", r"train_cfg reads max_epoch; did you .*.max_epochs\?"),
        ("env_cfg = dict(dist_cfg=dict(prot=1))", r"env_cfg.dist_cfg reads prot; did you mean"),
    ],
)
def test_a_config_that_cannot_be_read(tmp_path, text, message):
    (tmp_path / "a.py").write_text(text)
    with pytest.raises(InputError, match=message):
        read_settings(tmp_path / "a.py")


@pytest.mark.parametrize(
    "text",
    [
        "data = dict(type='CocoDataset', ann_fil='a.json')",  # a variable of the program
        "model = dict(type='Unheard', dept=50, head=dict(dept=1))",
        "optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=2))))",
        "model = dict(backbone=dict(dcn=dict(type='DCN', fallback_on_stride=False)))",
        "default_hooks = dict(visualization=dict(type='DetVisualizationHook', draw=True))",
    ],
)
def test_keys_that_may_be_read_by_somebody_pass(tmp_path, text):
    (tmp_path / "a.py").write_text(text)
    read_settings(tmp_path / "a.py")


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    [*sorted((ROOT / "configs" / "detection").glob("*.py")), *sorted(BASES.rglob("*.py"))],
    ids=lambda file: file.stem,
)
def test_our_configs_and_mmdets_bases_have_no_unknown_key(file):
    read_settings(file)


def test_a_config_that_is_missing_or_lacks_a_part(tmp_path, config):
    with pytest.raises(InputError, match="b.py: no such config"):
        read_settings(tmp_path / "b.py")
    with pytest.raises(InputError, match="tiny.py: has no tta_model; add it"):
        require(config, read_settings(config), "model", "tta_model")


@pytest.mark.parametrize("tag", [3, 6])
def test_pictures_are_read_as_they_are_stored_in_training_and_testing(tmp_path, tag):
    pixels = np.random.default_rng(0).integers(0, 256, size=(4, 6, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[274] = tag
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    settings = read_settings(coco["write_config"](tmp_path, tmp_path / "data"))
    for part in ("train", "val", "test"):
        load = TRANSFORMS.build(settings[f"{part}_dataloader"].dataset.pipeline[0])
        read = load({"img_path": str(tmp_path / "a.png")})
        assert np.array_equal(read["img"][..., ::-1], pixels)


def test_a_word_of_the_configs_own_on_colours_stays(config):
    place = "train_dataloader.dataset.pipeline.0"
    for words, stays in (
        ([f"{place}.color_type=unchanged"], "unchanged"),
        ([f"{place}.imdecode_backend=turbojpeg"], None),
    ):
        load = read_settings(config, words).train_dataloader.dataset.pipeline[0]
        assert load.get("color_type") == stays


@pytest.mark.parametrize(
    ("said", "entered"),
    [({}, "mmdet"), ({"default_scope": None}, "mmdet"), ({"default_scope": "mine"}, "mine")],
)
def test_names_are_mmdets_unless_the_config_says_whose(said, entered):
    init_default_scope("mmengine")
    try:
        enter_scope(Config(said))
        current = DefaultScope.get_current_instance()
        assert current is not None
        assert current.scope_name == entered
    finally:
        init_default_scope("mmdet")
