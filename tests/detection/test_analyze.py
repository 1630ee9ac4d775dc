import json
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from inspire_med.detection import speed
from inspire_med.detection.analyze import main

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"
SMALL = str(CONFIGS / "retinanet_spinenet-49s_640.py")


@pytest.fixture(autouse=True)
def few_runs(monkeypatch):
    monkeypatch.setattr(speed, "_SECONDS", 0.0)


def last_line(capsys) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.slow
def test_prints_the_counts_of_the_config_at_its_own_size(capsys):
    assert main([SMALL]) == 0

    assert last_line(capsys) == {
        "parameters": 11_150_771,
        "macs": 29_806_281_975,
        "flops_mmdet2": 30_042_469_825,
    }


@pytest.mark.slow
def test_a_wide_test_size_is_padded_as_the_model_pads(capsys):
    config = str(CONFIGS / "retinanet_r50_fpn.py")
    assert main([config]) == 0
    by_default = capsys.readouterr().out
    assert main([config, "--shape", "800", "1333"]) == 0

    assert f"{config} at 800 x 1344 pixels" in by_default
    assert capsys.readouterr().out == by_default


@pytest.mark.slow
def test_the_table_goes_as_deep_as_asked(capsys):
    assert main([SMALL, "--shape", "128", "128", "--depth", "1"]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[2:5]] == ["whole", "backbone", "bbox_head"]
    assert lines[3][1:3] == ["SpineNet", "9,089,215"]
    assert len(lines) == 6


@pytest.mark.slow
def test_settings_go_over_the_configs(capsys):
    over = ["--cfg-options", "model.backbone.arch=49", "model.bbox_head.in_channels=256"]
    assert main([SMALL, "--shape", "128", "128", *over]) == 0

    assert last_line(capsys)["parameters"] > 21_831_488


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_times_network_and_post_processing(capsys, precision):
    assert main([SMALL, "--shape", "128", "128", "--fps", "--precision", precision]) == 0

    answer = last_line(capsys)
    assert list(answer) == ["parameters", "macs", "flops_mmdet2", "fps"]
    assert answer["fps"] > 0


@pytest.mark.slow
def test_times_the_weights_of_a_checkpoint(capsys, tmp_path):
    init_default_scope("mmdet")
    detector = MODELS.build(Config.fromfile(SMALL).model)
    torch.save({"state_dict": detector.state_dict()}, tmp_path / "last.pth")

    options = ["--shape", "128", "128", "--fps", "--checkpoint", str(tmp_path / "last.pth")]

    assert main([SMALL, *options]) == 0
    assert last_line(capsys)["fps"] > 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["nowhere.py"], "nowhere.py: no such config; check the path."),
        ([SMALL, "--shape", "0", "640"], "option --shape: 0 x 640 is no size; give two above 0."),
        (
            [SMALL, "--precision", "fp16"],
            "option --precision: changes the speed alone; give --fps too.",
        ),
        (
            [SMALL, "--checkpoint", "a.pth"],
            "option --checkpoint: changes the speed alone; give --fps too.",
        ),
        (
            [SMALL, "--cfg-options", "model.backbone.arch=50"],
            "backbone.arch=50 is unknown; give one of 49S, 49, 96, 143, 190.",
        ),
    ],
)
def test_a_mistake_is_one_sentence(capsys, options, sentence):
    assert main(options) == 2
    assert capsys.readouterr().err == f"inspire-med detection.analyze: {sentence}\n"


def test_a_config_without_a_test_size_asks_for_one(capsys, tmp_path):
    config = tmp_path / "bare.py"
    text = (CONFIGS / "retinanet_spinenet-49s_640.py").read_text().replace("./", f"{CONFIGS}/")
    config.write_text(text + "test_dataloader = None\nval_dataloader = None\n")

    assert main([str(config)]) == 2
    assert (
        "option --shape: the config does not say at what size it tests" in capsys.readouterr().err
    )
