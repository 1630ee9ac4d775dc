"""Faults put into small sets: each is named, none crashes, hangs or writes beside the output."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from faults_of_pictures import PICTURES
from faults_of_volumes import CASE, SHAPE, T1, VOLUMES, promise
from PIL import Image

from inspire_med.cases import index
from inspire_med.prepare import main as prepare

LIMIT_S = 60


def table_of_the_docs() -> dict[str, str]:
    """What comes back, by fault."""
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    section = page.partition("### Faults put in on purpose")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")]
    return {row[1].strip(): row[2] for row in rows}


DOCS = table_of_the_docs()


@pytest.fixture(scope="module")
def volumes(tmp_path_factory) -> Path:
    """Six cases as BraTS has them: a head of its own, a tumour in it, LPS, 1 x 1 x 2 mm."""
    folder = tmp_path_factory.mktemp("volumes")
    i, j, k = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[:3, 3] = [30, 40, -12]
    for number in range(6):
        random = np.random.default_rng(number)
        head = ((i - 9.5) / 8) ** 2 + ((j - 8.5) / 7) ** 2 + ((k - 7) / 6) ** 2 < 1
        radius = np.sqrt((i - 9) ** 2 + (j - 8 - number % 2) ** 2 + (2 * (k - 7)) ** 2)
        label = np.select([radius < 2.5, radius < 4, radius < 6], [1, 4, 2], 0) * head
        name = f"BraTS20_Training_{number:03d}"
        for channel in ("flair", "t1", "t1ce", "t2"):
            scan = head * (100 + 40 * label + 3 * i + random.normal(0, 3, SHAPE))
            save(folder / name / f"{name}_{channel}.nii.gz", scan.astype(np.int16), affine)
        save(folder / name / f"{name}_seg.nii.gz", label.astype(np.uint8), affine)
    return folder


def save(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    nib.save(nib.Nifti1Image(values, affine), path)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Six pictures of 48 x 40 pixels, coarse blotches of their own, with a disc in each."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[:48, :40]
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(6):
        random = np.random.default_rng(number)
        mask = (rows - 20 - number) ** 2 + (columns - 18) ** 2 < 64
        blotches = np.kron(random.integers(10, 120, (12, 10, 3)), np.ones((4, 4, 1)))
        picture = blotches + 100 * mask[..., None]
        Image.fromarray(picture.astype(np.uint8)).save(folder / "images" / f"disc{number}.png")
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "masks" / f"disc{number}.png")
    return folder


@pytest.fixture(autouse=True)
def not_for_ever():
    """A check that hangs fails."""

    def end(number, frame):
        raise TimeoutError(f"still busy after {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def snapshot(folder: Path) -> dict[str, object]:
    """All that lies in a folder, links and pipes as such."""
    found: dict[str, object] = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent) / name
            plain = path.is_file() and not path.is_symlink()
            found[str(path)] = path.read_bytes() if plain else path.lstat().st_mode
    return found


@pytest.fixture
def checked(tmp_path, capsys):
    """Run prepare --check on a folder: exit status, rows of the table, the last line of stderr."""

    def run(task, folder):
        before, out = snapshot(tmp_path), tmp_path / "out" / "m.json"
        status = prepare(["--task", task, "--source", str(folder), "--out", str(out), "--check"])
        after = {path: content for path, content in snapshot(tmp_path).items() if path in before}
        assert after == before  # nothing of what lay there was changed
        others = snapshot(tmp_path).keys() - before.keys() - {str(out.parent)}
        assert all(Path(path).parent == out.parent for path in others)
        table = out.with_name("m-check.csv")
        rows = csv.DictReader(table.read_text().splitlines()) if table.is_file() else []
        errors = capsys.readouterr().err
        assert "Traceback" not in errors
        assert out.is_file() == (status == 0)
        return status, list(rows), (errors.strip().splitlines() or [""])[-1]

    return run


def expect(fault, status, rows, error):
    if fault.verdict == "refused":
        assert (status, rows) == (2, [])
        assert fault.words in error
        return
    assert status == (2 if fault.verdict == "fault" else 0)
    said = [
        row
        for row in rows
        if row["verdict"] == fault.verdict
        and fault.words in f"{row['cause']}; {row['remedy']}"
        and row["file"].endswith(fault.file)
    ]
    if fault.verdict == "taken":
        assert rows == []
        return
    assert said, rows
    assert any(row["repairable"] for row in said) == ("(`--repair` can)" in DOCS[fault.name])


@pytest.mark.parametrize("fault", VOLUMES, ids=lambda fault: fault.name)
def test_faults_of_volumes(volumes, tmp_path, checked, fault):
    shutil.copytree(volumes, tmp_path / "set")
    fault.inject(tmp_path / "set")

    expect(fault, *checked("brats", tmp_path / "set"))


@pytest.mark.parametrize("fault", PICTURES, ids=lambda fault: fault.name)
def test_faults_of_pictures(pictures, tmp_path, checked, fault):
    shutil.copytree(pictures, tmp_path / "set")
    fault.inject(tmp_path / "set")

    expect(fault, *checked("polyp", tmp_path / "set"))


@pytest.mark.parametrize(("kind", "task"), [("volumes", "brats"), ("pictures", "polyp")])
def test_sets_without_a_fault_have_none(request, checked, kind, task):
    assert checked(task, request.getfixturevalue(kind)) == (0, [], "")


@pytest.mark.parametrize(
    ("kind", "task", "name"),
    [("volumes", "brats", f"{CASE}/{T1}"), ("pictures", "polyp", "masks/disc3.png")],
)
def test_a_file_that_vanishes_before_it_is_read_is_named(
    request, tmp_path, checked, monkeypatch, kind, task, name
):
    shutil.copytree(request.getfixturevalue(kind), tmp_path / "set")
    check = index.check_all

    def after_a_while(cases, *rest):
        (tmp_path / "set" / name).rename(tmp_path / "gone")
        return check(cases, *rest)

    monkeypatch.setattr(index, "check_all", after_a_while)
    out = ["--out", str(tmp_path / "m.json"), "--check"]

    assert prepare(["--task", task, "--source", str(tmp_path / "set"), *out]) == 2

    rows = csv.DictReader((tmp_path / "m-check.csv").read_text().splitlines())
    assert [row["file"].endswith(name) and row["cause"] for row in rows] == ["no such file"]


@pytest.mark.parametrize(
    ("kind", "task", "name"),
    [("volumes", "brats", f"{CASE}/{T1}"), ("pictures", "polyp", "images/disc3.png")],
)
def test_a_file_that_may_not_be_read_is_named(
    request, tmp_path, checked, monkeypatch, kind, task, name
):
    """Who runs tests as root may read everything: the system's refusal is played."""
    shutil.copytree(request.getfixturevalue(kind), tmp_path / "set")
    closed = str(tmp_path / "set" / name)
    honest = open

    def refuse(file, *args, **more):
        if str(file) == closed and "pytest" not in str(args):
            raise PermissionError(13, "Permission denied", closed)
        return honest(file, *args, **more)

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    out = ["--out", str(tmp_path / "m.json"), "--check"]

    assert prepare(["--task", task, "--source", str(tmp_path / "set"), *out]) == 2

    monkeypatch.undo()
    (row,) = csv.DictReader((tmp_path / "m-check.csv").read_text().splitlines())
    assert row["file"] == closed
    assert row["verdict"] == "fault"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "set", "--out", "file/m.json"], "is a file, not a folder"),
        (["--source", "set", "--out", "set"], "a folder; give the manifest's file name"),
        (["--source", "set", "--out", "n.json"], "exists already"),
        (["--source", "nowhere", "--out", "m.json"], "no such folder"),
        (["--source", "file", "--out", "m.json"], "a file; give the folder"),
        (["--source", "empty", "--out", "m.json"], "the folder is empty"),
        (["--source", "others", "--out", "m.json"], "no polyp case found"),
        (["--source", "set", "--source", "set", "--out", "m.json"], ""),
        (["--phantom", "2", "--out", "made"], "phantoms are made as they should be"),
    ],
)
def test_a_faulty_request_gets_one_sentence(pictures, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(pictures, "set")
    Path("empty").mkdir()
    Path("others").mkdir()
    for name in ("file", "n-check.csv", "others/a.doc"):
        Path(name).write_text("mine")
    before = snapshot(tmp_path)

    assert prepare(["--task", "polyp", "--check", *words]) == 2

    errors = capsys.readouterr().err.strip()
    assert said in errors
    assert "\n" not in errors
    assert snapshot(tmp_path) == before


def test_a_read_only_place_is_refused_before_a_file_is_read(
    pictures, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # to root nothing is read-only
    words = ["--source", str(pictures), "--out", str(tmp_path / "m.json"), "--check"]

    assert prepare(["--task", "polyp", *words]) == 2

    assert "cannot be written; choose another place" in capsys.readouterr().err


_GROWTH = """
import resource, sys
from inspire_med.prepare import main

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

small, large, out = sys.argv[1:]
words = ["--task", "brats", "--check"]
main([*words, "--source", small, "--out", out + "/s.json"])
before = peak()
status = main([*words, "--source", large, "--out", out + "/l.json"])
print("GROWTH", status, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("promised", [False, True])
def test_memory_stays_under_three_times_the_largest_case(volumes, tmp_path, promised):
    size = (128, 128, 96)
    held = 4 * 4 * np.prod(size)  # of four channels as the network reads them
    rng = np.random.default_rng(0)
    for case in ("BraTS20_Training_001", "BraTS20_Training_002"):
        folder = tmp_path / "large" / case
        for kind in ("flair", "t1", "t1ce", "t2"):
            path = folder / f"{case}_{kind}.nii.gz"
            scan = rng.integers(0, 9, size).astype(np.int16)
            folder.mkdir(parents=True, exist_ok=True)
            save(path, scan, np.diag([-1.0, -1, 1, 1]))
        save(folder / f"{case}_seg.nii.gz", (scan > 7).astype(np.uint8), np.diag([-1.0, -1, 1, 1]))
    if promised:
        promise(path)
    places = [str(volumes), str(tmp_path / "large"), str(tmp_path)]

    answer = subprocess.run(
        [sys.executable, "-c", _GROWTH, *places], capture_output=True, text=True, check=True
    )

    status, growth = map(int, answer.stdout.split("GROWTH")[1].split())
    assert status == (2 if promised else 0), answer.stdout
    assert growth < 3 * held


def test_the_table_of_the_docs_has_every_fault():
    assert list(DOCS) == ["fault", *(fault.name for fault in (*VOLUMES, *PICTURES))]
    assert len(DOCS) > 60
