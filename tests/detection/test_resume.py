import pytest
import torch
from mmengine.config import Config

from inspire_med.detection.resume import check_run
from inspire_med.detection.settings import read_settings
from inspire_med.errors import InputError

SETTINGS = {
    "model": {"type": "A", "backbone": {"depth": 50, "init_cfg": None}, "test_cfg": {"nms": 0.5}},
    "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.02}},
    "param_scheduler": [{"type": "MultiStepLR", "milestones": [8, 11]}],
    "train_dataloader": {"batch_size": 2, "num_workers": 2, "dataset": {"data_root": "a/"}},
    "train_cfg": {"max_epochs": 12, "val_interval": 1},
    "auto_scale_lr": {"enable": False, "base_batch_size": 16},
}


@pytest.fixture
def resumed(tmp_path):
    """Go on from a checkpoint of `SETTINGS`, as mmengine writes them, with other settings."""

    def resume(options: dict, text: str | None = None) -> None:
        text = Config(SETTINGS).pretty_text if text is None else text
        torch.save({"state_dict": {}, "message_hub": {}, "meta": {"cfg": text}}, tmp_path / "a.pth")
        asked = Config(SETTINGS)
        asked.merge_from_dict(options)
        check_run(str(tmp_path / "a.pth"), asked)

    return resume


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"train_cfg.max_epochs": 24, "train_cfg.val_interval": 2},
        {"train_dataloader.num_workers": 0, "train_dataloader.persistent_workers": False},
        {"train_dataloader.dataset.data_root": "/moved/"},
        {"model.test_cfg.nms": 0.6, "model.backbone.init_cfg": "r50.pth"},
        {"param_scheduler": [{"type": "MultiStepLR", "milestones": (8, 11)}]},
        {"val_dataloader": {"batch_size": 4}, "work_dir": "elsewhere"},
    ],
)
def test_what_changes_nothing_that_is_learnt_may_change(resumed, options):
    resumed(options)


@pytest.mark.parametrize("load", ["LoadImageFromFile", "mmcv.transforms.LoadImageFromFile"])
def test_a_checkpoint_of_other_programs_lacks_what_is_forced_and_is_no_other_run(tmp_path, load):
    (tmp_path / "a.py").write_text(
        f"train_dataloader = dict(dataset=dict(pipeline=[dict(type={load!r})]))"
    )
    file = tmp_path / "a.pth"
    text = Config.fromfile(tmp_path / "a.py").pretty_text
    torch.save({"state_dict": {}, "message_hub": {}, "meta": {"cfg": text}}, file)
    check_run(str(file), read_settings(tmp_path / "a.py"))
    word = "train_dataloader.dataset.pipeline.0.color_type=grayscale"
    with pytest.raises(InputError, match="0.color_type was color_ignore_orientation in .* graysc"):
        check_run(str(file), read_settings(tmp_path / "a.py", [word]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optim_wrapper.optimizer.lr": 0.01}, "optimizer.lr was 0.02 in .*a.pth, and 0.01 is ask"),
        (
            {"optim_wrapper.optimizer.momentum": 0.9},
            "optimizer.momentum was absent in .* 0.9 is as",
        ),
        ({"optim_wrapper.type": "AmpOptimWrapper"}, "optim_wrapper.type was OptimWrapper in"),
        ({"param_scheduler.0.milestones": [8, 10]}, "param_scheduler.0.milestones.1 was 11 in"),
        ({"param_scheduler": []}, "param_scheduler was .*, and .. is asked for"),
        ({"train_dataloader.batch_size": 4}, "train_dataloader.batch_size was 2 in"),
        ({"auto_scale_lr.enable": True}, "auto_scale_lr.enable was False in"),
        ({"model.backbone.depth": 18}, "model.backbone.depth was 50 in"),
        ({"randomness": {"seed": 1}}, "randomness was None in"),
        ({"custom_hooks": [{"type": "EMAHook"}]}, "custom_hooks was None in"),
    ],
)
def test_what_changes_what_is_learnt_is_refused_and_named(resumed, options, message):
    with pytest.raises(InputError, match=f"^--resume: .*{message}") as error:
        resumed(options)
    assert "\n" not in str(error.value)


def test_the_config_in_a_checkpoint_is_read_and_not_run(resumed, tmp_path):
    flag = tmp_path / "ran"
    with pytest.raises(InputError, match=r"a.pth: its config cannot be read .*; start anew from"):
        resumed({}, f"model = open({str(flag)!r}, 'w')")
    assert not flag.exists()


def test_weights_alone_are_no_run_to_resume(tmp_path):
    weights = {"a": torch.zeros(1)}
    for content in (weights, {"state_dict": weights, "meta": {"epoch": 1}}):
        torch.save(content, tmp_path / "a.pth")
        with pytest.raises(InputError, match=r"a.pth: holds weights, .* load_from=.*a.pth\.$"):
            check_run(str(tmp_path / "a.pth"), Config())
