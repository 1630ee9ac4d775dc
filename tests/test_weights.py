import pytest
import torch

from inspire_med.networks import efficientnet_lite
from inspire_med.published import IMAGENET, Published
from inspire_med.weights import main


def test_lists_every_encoder_with_source_licence_and_sha256(capsys):
    assert main([]) == 0

    said = capsys.readouterr().out
    for name, published in IMAGENET.items():
        assert f"{name} (images): --network.weights imagenet" in said
        assert published.sha256 in said
        assert published.source in said
    assert said.count("licence  Apache-2.0") == said.count("here     yes, as pinned") == 3
    assert (
        "resnet18, resnet34, resnet50 (images, volumes): --network.weights FILE, as torchvision or "
        "timm name it\n  volumes  of resnet50 also as MedicalNet names it\n"
    ) in said


def test_says_which_pip_line_brings_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(Published, "find", lambda self: None)

    assert main([]) == 0

    assert capsys.readouterr().out.count("here     no: pip install 'inspire-med[pretrained]'") == 3


def test_a_file_that_is_not_the_pinned_one_is_status_2(capsys, monkeypatch, tmp_path):
    (tmp_path / "w.pth").write_bytes(b"other")
    monkeypatch.setattr(Published, "find", lambda self: tmp_path / "w.pth")

    assert main([]) == 2

    assert "here     NO: another file than was pinned" in capsys.readouterr().out


def test_checks_a_local_file(tmp_path, capsys):
    file = IMAGENET["efficientnet-lite0"].verified()

    assert main([str(file), "--encoder", "efficientnet-lite0", "--in_channels", "1"]) == 0

    tensors = len(efficientnet_lite("efficientnet-lite0", 1).state_dict())
    said = f"fits efficientnet-lite0, {tensors} tensors; the first layer, of 3 channels, is adapted"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["w.pth"], "w.pth: is for which encoder? Give --encoder."),
        (["w.pth", "--encoder", "efficientnet-lite0"], "has no tensor '_conv_stem.weight'"),
        (["w.pth", "--encoder", "resnet19"], "encoder='resnet19' is unknown"),
        (["w.pth", "--encoder", "resnet18", "--in_channels", "0"], "--in_channels: 0 is too small"),
        (["none.pth", "--encoder", "resnet18"], "none.pth: no such file"),
        (["--encoder", "resnet18"], "--encoder: has no file to be checked against; give FILE too."),
        (
            ["w.pth", "--encoder", "efficientnet-lite0", "--spatial_dims", "3"],
            "is for images alone",
        ),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_2(tmp_path, capsys, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": torch.ones(1)}, "w.pth")

    assert main(words) == 2

    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1
