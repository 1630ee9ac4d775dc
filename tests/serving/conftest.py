"""A server of its own process for pictures, and one for volumes that asks for a token."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from inspire_med.inference.model import ModelCard, write_model
from inspire_med.networks import build_network
from inspire_med.tasks.find import task_named

TOKEN = "0123456789abcdef0123456789abcdef"


def write_tiny(folder: Path, word: str, regions: dict[str, tuple[int, ...]]) -> Path:
    """A network that has learnt nothing, and whose masks are neither empty nor full."""
    task = task_named(word)
    dims = task.spatial_dims
    how = replace(task.preparation, image_size=(32, 32)) if dims == 2 else task.preparation
    description = {
        "spatial_dims": dims,
        "in_channels": len(task.channels),
        "out_channels": len(regions),
        "widths": [4, 8],
        "skip": "concat",
    }
    card = ModelCard(task, task.channels, regions, description, how, (16,) * dims, "32-true")
    torch.manual_seed(0)
    network = build_network(description).eval()
    with torch.no_grad():
        for name, values in network.named_parameters():
            if name.endswith("bias"):  # else it decides alone, everywhere alike
                values.zero_()
    folder.mkdir()
    write_model(folder, card, network)
    return folder


@dataclass
class Running:
    """A server in a process of its own."""

    url: str
    model: Path
    temporary: Path
    said: str

    def client(self, **more) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120, trust_env=False, **more)

    def left(self) -> list[Path]:
        """Files that it holds."""
        return [path for path in self.temporary.rglob("*") if path.is_file()]


@contextmanager
def running(model: Path, folder: Path, end: signal.Signals, *words: str):
    """Start a server, and end it by a signal: it answers with 0 and leaves nothing on the disk."""
    temporary = folder / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "inspire_med.serve", "--run", str(model), "--port", "0"]
    words = ("--precision", "32-true", "--device", "cpu", *words)
    own = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [*command, *words], stderr=subprocess.PIPE, text=True, env=own
    ) as process:
        said, found = "", None
        while found is None:
            line = process.stderr.readline()
            assert line, said
            said += line
            found = re.search(r"serving \w+ at (\S+);", line)
        url = found[1].replace("0.0.0.0", "127.0.0.1")
        yield Running(url, model, temporary, said)
        process.send_signal(end)
        after = process.stderr.read()
        assert (process.wait(60), after) == (0, "")
        assert list(temporary.iterdir()) == []


@pytest.fixture(scope="session")
def of_pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve-pictures")
    model = write_tiny(folder / "model", "polyp", {"polyp": (1,)})
    with running(model, folder, signal.SIGTERM, "--max_upload", "1MiB") as server:
        yield server


@pytest.fixture(scope="session")
def of_volumes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve-volumes")
    regions = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
    model = write_tiny(folder / "model", "brats", regions)
    (folder / "token").write_text(f"{TOKEN}\n")
    token = ["--host", "0.0.0.0", "--token_file", str(folder / "token"), "--keep", "2"]
    with running(model, folder, signal.SIGINT, *token) as server:
        yield server


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> list[Path]:
    """Five of different sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    paths = [folder / f"picture{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        Image.fromarray(random.integers(0, 255, (30 + number, 41, 3), np.uint8)).save(path)
    return paths


@pytest.fixture(scope="session")
def channels(tmp_path_factory) -> dict[str, Path]:
    """A patient of four files, in LPS."""
    folder = tmp_path_factory.mktemp("patient") / "BraTS20_Training_001"
    folder.mkdir()
    random = np.random.default_rng(0)
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[:3, 3] = [30, 40, -12]
    found = {
        name: folder / f"{folder.name}_{name}.nii.gz" for name in ("flair", "t1", "t1ce", "t2")
    }
    for path in found.values():
        values = random.integers(1, 900, (20, 18, 15), np.int16)
        nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return found
