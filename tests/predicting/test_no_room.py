"""A disk that is full, and files that promise too much: one sentence, and nothing half-written."""

import resource

import nibabel as nib
import numpy as np
import pytest
import torch

from inspire_med.inference.model import ModelCard, write_model
from inspire_med.networks import build_network
from inspire_med.predict import main
from inspire_med.tasks.task import Files, Preparation, Task

SHAPE = (20, 24, 16)
NETWORK = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 1,
    "widths": [2, 4],
    "skip": "concat",
    "steps": 1,
}


@pytest.fixture
def run(tmp_path):
    preparation = Preparation(intensity="none", crop_to_foreground=False)
    task = Task("organ", 3, ("scan",), {"organ": (1,)}, ("pattern",), files=Files("{case}.nii"))
    card = ModelCard(task, ("scan",), {"organ": (1,)}, NETWORK, preparation, (16,) * 3, "32-true")
    torch.manual_seed(0)
    (tmp_path / "run").mkdir()
    write_model(tmp_path / "run", card, build_network(NETWORK))
    return tmp_path / "run"


@pytest.fixture
def scan(tmp_path):
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    return tmp_path / "a.nii"


@pytest.fixture
def small_files():
    """No file may grow beyond some bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def predict(run, scan, out, *words):
    words = ["--run", str(run), "--input", str(scan), "--output", str(out), *words]
    return main([*words, "--precision", "32-true", "--device", "cpu"])


def told(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("most", "words", "name"),
    [
        (64, [], "a.nii.gz"),
        (4000, ["--probabilities"], "a_prob.nii.gz"),
        (4000, ["--doubt"], "doubt/a.nii.gz"),
    ],
)
def test_a_disk_that_fills_up_is_named_by_the_file(
    tmp_path, run, scan, small_files, capsys, most, words, name
):
    small_files(most)

    assert predict(run, scan, tmp_path / "out", *words) == 2

    sentence = told(capsys)
    assert sentence.startswith(f"inspire-med predict: {tmp_path / 'out' / name}: ")
    assert sentence.endswith("; check the path, its rights and its room.")
    whole = [each.name for each in (tmp_path / "out").rglob("*") if each.is_file()]
    assert whole == ([] if not words else ["a.nii.gz"])


def test_no_room_for_the_answer_itself_is_said_before_the_network_works(
    tmp_path, run, scan, small_files, capsys
):
    small_files(64)

    assert predict(run, scan, tmp_path / "out", "--memory", "0.001MiB") == 2

    assert "no temporary file of 0.00 GiB" in told(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_header_that_promises_gigabytes_asks_for_none(tmp_path, run, capsys, ending):
    header = nib.Nifti1Image(np.zeros((1, 1, 1), np.int16), np.eye(4)).header
    header["dim"][1:4] = 1024
    header["vox_offset"] = 352
    opened = nib.openers.ImageOpener(str(tmp_path / f"b{ending}"), "wb")
    with opened as file:
        file.write(header.binaryblock + bytes(676))

    assert predict(run, tmp_path / f"b{ending}", tmp_path / "out") == 2

    sentence = told(capsys)
    assert f"b{ending}: the header promises 2147483648 bytes of voxels" in sentence
    assert not (tmp_path / "out").exists()
