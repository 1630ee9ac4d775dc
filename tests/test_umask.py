"""What commands write has the rights that the umask gives, so that colleagues can read it."""

import os
from pathlib import Path

import pytest
import torch

from inspire_med.__main__ import main
from inspire_med.inference.model import save_tensors

NETWORK = ["--network.widths", "4,8", "--network.deep_supervision", "2", "--network.skip", "concat"]
FIXED = ["--data.workers", "0", "--max_steps", "1", "--precision", "32-true"]


@pytest.fixture(params=[0o022, 0o027], ids=["022", "027"])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def refused_rights(folder: Path, umask: int) -> dict[str, str]:
    """Rights of what is in a folder, where they are not those that the umask gives."""
    return {
        str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if path.stat().st_mode & 0o777 != (0o777 if path.is_dir() else 0o666) & ~umask
    }


def test_tensors(tmp_path, umask):
    save_tensors(tmp_path / "weights.safetensors", {"a": torch.zeros(3)})
    assert refused_rights(tmp_path, umask) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("umask", "cases", "words"),
    [
        (0o027, "disc_images", ["--data.image_size", "32,32"]),
        (0o022, "ball_volumes", ["--data.patch_size", "16,16,8"]),
    ],
    indirect=["umask"],
)
def test_every_file_of_every_command(tmp_path, umask, cases, words, request):
    source = request.getfixturevalue(cases).parent
    task = "polyp" if cases == "disc_images" else "brats"
    manifest, run, masks = (tmp_path / name for name in ("set/manifest.json", "run", "masks"))
    found = ["--source", str(source), "--out", str(manifest), "--folds", "2"]
    of_fold = ["--fold", "0", "--output"]

    assert main(["prepare", "--task", task, *found]) == 0
    begun = ["train", "--manifest", str(manifest), "--run", str(run), *NETWORK, *FIXED, *words]
    assert main(begun) == 0
    inputs = ["--run", str(run), "--input", str(manifest), "--probabilities"]
    assert main(["predict", *inputs, *of_fold, str(masks)]) == 0
    scored = ["--prediction", str(masks), "--reference", str(manifest)]
    assert main(["evaluate", *scored, *of_fold, str(tmp_path / "scores")]) == 0

    names = {path.suffix for path in tmp_path.rglob("*")}
    assert names >= {".safetensors", ".json", ".npy", ".csv", ".html", ".png", ".yaml", ".jsonl"}
    assert refused_rights(tmp_path, umask) == {}
