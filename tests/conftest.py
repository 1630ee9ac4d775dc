"""What several test files share."""

import gzip
import multiprocessing
import pickle
import shutil
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import settings
from markupsafe import Markup
from PIL import Image, ImageOps

from inspire_med.prepare import main as prepare

# Of properties: few examples here, many in scripts/fuzz.py. No deadline: machines are shared.
settings.register_profile("quick", deadline=None, max_examples=60)
settings.load_profile("quick")
settings.register_profile("fuzz", max_examples=240, derandomize=False, database=None)

SHARED_DATA = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def real_data() -> Path:
    """Folder with the real data sets, which are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data are not at ../shared/data")
    return SHARED_DATA


@pytest.fixture
def write_nifti() -> Callable[..., Path]:
    """Write an array as NIfTI and answer with its path."""

    def write(path: Path, data: np.ndarray, affine: np.ndarray | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4) if affine is None else affine), path)
        return path

    return write


@pytest.fixture
def with_dimensions() -> Callable[..., None]:
    """Overwrite the dimensions in a .nii.gz's header (int16 from byte 40) and keep the voxels."""

    def overwrite(path: Path, *dimensions: int) -> None:
        raw = bytearray(gzip.decompress(path.read_bytes()))
        raw[40 : 40 + 2 * len(dimensions)] = np.array(dimensions, "<i2").tobytes()
        path.write_bytes(gzip.compress(bytes(raw)))

    return overwrite


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Pages without drawings: those take most of an evaluation's time."""
    for room, makers in {
        "report": ("strip_chart", "curve_chart", "panel_svg"),
        "sizes": ("agreement_chart", "size_chart"),
        "comparison": ("slope_chart",),
    }.items():
        for maker in makers:
            monkeypatch.setattr(f"inspire_med.reports.{room}.{maker}", lambda *_: Markup())


@pytest.fixture(scope="session")
def disc_images(tmp_path_factory) -> Path:
    """Manifest of six 48 x 40 pictures, a bright disc on noise; two folds."""
    folder = tmp_path_factory.mktemp("discs")
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :40]
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(6):
        centre = random.integers(12, 28, size=2)
        mask = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 64
        picture = random.integers(0, 90, size=(48, 40, 3)) + 140 * mask[..., None]
        Image.fromarray(picture.astype(np.uint8)).save(folder / "images" / f"disc{number}.png")
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "masks" / f"disc{number}.png")
    manifest = folder / "manifest.json"
    arguments = ["--task", "polyp", "--source", str(folder), "--out", str(manifest), "--folds", "2"]
    assert prepare(arguments) == 0
    return manifest


@pytest.fixture
def other_discs(disc_images, tmp_path) -> Path:
    """Manifest `others.json` of the same six discs, their pictures turned to negatives."""
    folder = tmp_path / "others"
    shutil.copytree(disc_images.parent / "masks", folder / "masks")
    (folder / "images").mkdir()
    for file in (disc_images.parent / "images").iterdir():
        with Image.open(file) as picture:
            ImageOps.invert(picture).save(folder / "images" / file.name)
    manifest = folder / "others.json"
    assert prepare(["--task", "polyp", "--source", str(folder), "--out", str(manifest)]) == 0
    return manifest


@pytest.fixture(scope="session")
def ball_volumes(tmp_path_factory) -> Path:
    """Manifest of four BraTS-named cases of 20 x 18 x 15 voxels in LPS, a bright ball in each."""
    folder = tmp_path_factory.mktemp("balls")
    random = np.random.default_rng(0)
    i, j, k = np.mgrid[:20, :18, :15]
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])  # LPS, as the set is released
    affine[:3, 3] = [30, 40, -12]
    for number in range(4):
        name = f"BraTS20_Training_{number:03d}"
        (folder / name).mkdir()
        distance = np.sqrt((i - 9) ** 2 + (j - 8 - number % 2) ** 2 + (2 * (k - 7)) ** 2)
        label = np.select([distance < 2.5, distance < 4, distance < 6], [1, 4, 2], 0)
        head = np.sqrt((i - 9.5) ** 2 + (j - 8.5) ** 2 + (k - 7) ** 2) < 9
        for channel in ("flair", "t1", "t1ce", "t2"):
            volume = head * (100 + 60 * label + random.normal(0, 5, label.shape))
            image = nibabel.Nifti1Image(volume.astype(np.int16), affine)
            nibabel.save(image, folder / name / f"{name}_{channel}.nii.gz")
        mask = nibabel.Nifti1Image((label * head).astype(np.uint8), affine)
        nibabel.save(mask, folder / name / f"{name}_seg.nii.gz")
    manifest = folder / "manifest.json"
    arguments = ["--task", "brats", "--source", str(folder), "--out", str(manifest), "--folds", "2"]
    assert prepare(arguments) == 0
    return manifest


@pytest.fixture
def on_ranks(tmp_path):
    """Run `function(rank, world)` in `world` forked processes joined by gloo; their answers."""

    def run(world, function):
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        meeting = tmp_path / f"meeting-{time.monotonic_ns()}"

        def work(rank):
            try:
                torch.set_num_threads(1)  # a forked process has none of its parent's threads
                dist.init_process_group(
                    "gloo", init_method=f"file://{meeting}", rank=rank, world_size=world
                )
                answer = function(rank, world)
            except BaseException:
                answers.put((rank, None, traceback.format_exc()))
                raise
            answers.put((rank, pickle.dumps(answer), None))
            dist.barrier()
            dist.destroy_process_group()

        processes = [context.Process(target=work, args=(rank,)) for rank in range(world)]
        for process in processes:
            process.start()
        found = {}
        for _ in processes:
            rank, answer, error = answers.get(timeout=120)
            assert error is None, error
            found[rank] = pickle.loads(answer)
        for process in processes:
            process.join()
        return [found[rank] for rank in range(world)]

    return run


@pytest.fixture
def brats(ball_volumes, tmp_path) -> Path:
    """A copy of a small BraTS folder, LPS, 1 x 1 x 2 mm, that a test may damage."""
    folder = tmp_path / "brats"
    shutil.copytree(ball_volumes.parent, folder, ignore=shutil.ignore_patterns("*.json", "store"))
    return folder
