import hashlib
import os
import pickle
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from safetensors.torch import save_file

import inspire_med.detection.efficientnet_lite  # noqa: F401 - brings imagenet://
from inspire_med.detection.fit import check_fit
from inspire_med.detection.settings import read_settings
from inspire_med.detection.weights import _check_digest, guard_loading
from inspire_med.errors import InputError

CONFIGS = Path(__file__).parent.parent.parent / "configs" / "detection"
NAMED = {
    name
    for file in CONFIGS.rglob("*.py")
    for name in re.findall(r'checkpoint="(\w[\w-]*://[^"]+)"', file.read_text())
}
coco = runpy.run_path(str(Path(__file__).parent / "coco.py"))


@pytest.fixture
def config(tmp_path) -> Path:
    return coco["write_config"](tmp_path, tmp_path / "data")


@pytest.fixture(autouse=True)
def guarded() -> None:
    init_default_scope("mmdet")
    guard_loading()


def load(path: Path) -> dict:
    return CheckpointLoader.load_checkpoint(str(path), logger="silent")


class Stranger:
    def __reduce__(self):
        return os.mkdir, ("/nowhere/at/all",)


@pytest.mark.parametrize("content", [{"state_dict": {"a": Stranger()}}, {"meta": {"x": getattr}}])
def test_a_checkpoint_cannot_call_anything(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    if "meta" in content:  # getattr itself is only ever a stand-in that reads nothing
        assert load(tmp_path / "a.pth")["meta"]["x"](os, "system") is None
        return
    with pytest.raises(
        InputError, match=r"a.pth: refused, because loading it would call posix.mkdir"
    ):
        load(tmp_path / "a.pth")


def test_a_plain_pickle_is_refused(tmp_path):
    (tmp_path / "a.pth").write_bytes(pickle.dumps(Stranger(), protocol=2))
    with pytest.raises(InputError, match=r"a.pth: "):
        load(tmp_path / "a.pth")


def test_a_program_inside_a_checkpoint_is_left_out(tmp_path):
    torch.save({"meta": {"config": "import os", "epoch": 1}, "state_dict": {}}, tmp_path / "a.pth")
    assert load(tmp_path / "a.pth")["meta"] == {"epoch": 1}


def test_weights_under_model_come_under_mmengines_name(tmp_path):
    torch.save({"model": {"a": torch.ones(1)}}, tmp_path / "a.pth")
    assert load(tmp_path / "a.pth") == {"state_dict": {"a": torch.ones(1)}}


def test_histories_and_numpy_numbers_come_back(tmp_path):
    buffer = HistoryBuffer([1.0, 2.0, 4.0], [1, 1, 1])
    content = {
        "message_hub": {"log_scalars": {"loss": buffer}, "runtime_info": {"best": np.float64(0.5)}},
        "state_dict": {},
    }
    torch.save(content, tmp_path / "a.pth")

    hub = load(tmp_path / "a.pth")["message_hub"]

    assert type(hub["log_scalars"]["loss"]) is HistoryBuffer
    assert hub["log_scalars"]["loss"].mean(2) == 3.0
    assert hub["runtime_info"]["best"] == 0.5


@pytest.mark.parametrize("content", [b"", b"no checkpoint", [1, 2]])
def test_a_file_that_is_no_checkpoint(tmp_path, content):
    if isinstance(content, bytes):
        (tmp_path / "a.pth").write_bytes(content)
    else:
        torch.save(content, tmp_path / "a.pth")
    with pytest.raises(
        InputError, match=r"a.pth: not a readable checkpoint, .*; fetch it again\.$"
    ) as got:
        load(tmp_path / "a.pth")
    assert "weights_only" not in str(got.value)


def test_weights_that_are_missing_or_elsewhere(tmp_path):
    with pytest.raises(InputError, match=r"b.pth: no such weights"):
        load(tmp_path / "b.pth")
    for name in ("torchvision://resnet5", "open-mmlab://nothing", "mmcls://resnet5"):
        with pytest.raises(InputError, match="no such weights in mmengine's table"):
            CheckpointLoader.load_checkpoint(name, logger="silent")
    for name in ("s3://a/b.pth", "pavi://resnet50"):
        with pytest.raises(InputError, match="only files and http addresses are read"):
            CheckpointLoader.load_checkpoint(name, logger="silent")


@pytest.fixture
def unchecked(monkeypatch) -> None:
    """Take any file for torchvision's own."""
    monkeypatch.setattr("inspire_med.detection.weights._check_digest", lambda file: None)


def test_weights_of_a_zoo_are_fetched_once(tmp_path, monkeypatch, unchecked):
    fetched = []

    def fetch(url, path, progress):
        fetched.append(url)
        torch.save({"a": torch.ones(1)}, path)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    for _ in range(2):
        found = CheckpointLoader.load_checkpoint("torchvision://resnet18", logger="silent")
        assert found["a"] == 1
    assert fetched == ["https://download.pytorch.org/models/resnet18-f37072fd.pth"]


@pytest.fixture
def web(tmp_path, monkeypatch) -> None:
    """Every address has a classifier of one weight and a head."""

    def fetch(url, path, progress):
        assert url.startswith(("http://", "https://"))
        weights = {"backbone.conv1.weight": torch.ones(1), "head.fc.weight": torch.ones(1)}
        torch.save({"state_dict": weights}, path)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)


@pytest.mark.usefixtures("web")
def test_a_file_that_is_not_the_one_by_whose_sha256_torchvision_names_it(tmp_path):
    with pytest.raises(
        InputError, match="resnet18-f37072fd.pth: its sha256 does not begin with f37072fd, so it is"
    ):
        CheckpointLoader.load_checkpoint("torchvision://resnet18", logger="silent")


def test_a_file_that_is_the_one_by_whose_sha256_it_is_named(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "a.pth")
    digits = hashlib.sha256((tmp_path / "a.pth").read_bytes()).hexdigest()[:8]
    right, wrong = tmp_path / f"a-{digits}.pth", tmp_path / "b-00000000.pth"
    (tmp_path / "a.pth").rename(right)
    wrong.write_bytes(right.read_bytes())

    assert _check_digest(right) is None
    with pytest.raises(InputError, match="its sha256 does not begin with 00000000"):
        _check_digest(wrong)


@pytest.mark.usefixtures("web")
def test_a_classifier_gives_its_backbone_alone():
    found = CheckpointLoader.load_checkpoint("mmcls://resnet50_v1d", logger="silent")
    assert found == {"state_dict": {"conv1.weight": torch.ones(1)}}


@pytest.mark.usefixtures("web", "unchecked")
@pytest.mark.parametrize("name", sorted(NAMED))
def test_weights_that_our_configs_name_can_be_loaded(name):
    assert CheckpointLoader.load_checkpoint(name, logger="silent")["state_dict"]


def test_our_configs_name_weights_of_three_kinds():
    assert {name.partition("://")[0] for name in NAMED} >= {"torchvision", "mmcls", "https"}


def test_an_address_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(InputError, match=r"http://127.0.0.1:9/a.pth: cannot be fetched"):
        CheckpointLoader.load_checkpoint("http://127.0.0.1:9/a.pth", logger="silent")


@pytest.fixture
def weights(config) -> dict:
    return MODELS.build(read_settings(config).model).state_dict()


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_weights_of_the_same_architecture_fit(tmp_path, config, weights, suffix):
    file = tmp_path / f"a.{suffix}"
    if suffix == "pth":
        torch.save({"state_dict": {f"module.{key}": value for key, value in weights.items()}}, file)
    else:
        save_file(weights, file)
    check_fit(str(file), read_settings(config), whole=True)


@pytest.mark.slow
def test_weights_of_another_architecture_name_the_keys_both_ways(tmp_path, config, weights):
    torch.save(weights, tmp_path / "a.pth")
    deeper = read_settings(config, ["model.bbox_head.stacked_convs=2"])
    with pytest.raises(
        InputError, match=r"it has no bbox_head.cls_convs.1.conv.weight, .* and \d+ m"
    ):
        check_fit(str(tmp_path / "a.pth"), deeper, whole=True)
    flatter = read_settings(config, ["model.bbox_head.stacked_convs=0"])
    with pytest.raises(
        InputError, match=r"has bbox_head.cls_convs.0.*, which the config's model has"
    ):
        check_fit(str(tmp_path / "a.pth"), flatter, whole=True)
    wider = read_settings(config, ["model.bbox_head.feat_channels=48"])
    with pytest.raises(InputError, match="has other sizes for bbox_head.cls_convs.0.conv.weight, "):
        check_fit(str(tmp_path / "a.pth"), wider, whole=True)


def test_a_model_to_start_from_may_have_another_head_but_not_nothing_in_common(
    tmp_path, config, weights
):
    torch.save(weights, tmp_path / "a.pth")
    other = read_settings(config, ["model.bbox_head.num_classes=5"])
    check_fit(str(tmp_path / "a.pth"), other, whole=False)
    torch.save({f"encoder.{key}": value for key, value in weights.items()}, tmp_path / "b.pth")
    with pytest.raises(InputError, match="b.pth: of another architecture"):
        check_fit(str(tmp_path / "b.pth"), other, whole=False)


def test_a_model_to_start_from_must_give_the_backbone_something(tmp_path, config, weights):
    head = {key: value for key, value in weights.items() if not key.startswith("backbone.")}
    torch.save({"conv1.weight": torch.ones(1), **head}, tmp_path / "a.pth")
    with pytest.raises(
        InputError, match=r"it has no backbone.conv1.weight, .*; has conv1.weight, which the config"
    ):
        check_fit(str(tmp_path / "a.pth"), read_settings(config), whole=False)
