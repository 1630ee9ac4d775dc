"""prepare --check and doctor --manifest: one table, on the screen, as CSV and as a page."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from inspire_med import doctor
from inspire_med.cli import machine
from inspire_med.prepare import main as prepare


@pytest.fixture
def discs(disc_images, tmp_path):
    """Six discs, of which one has no mask and one is the picture of another."""
    folder = tmp_path / "discs"
    shutil.copytree(disc_images.parent, folder)
    (folder / "masks" / "disc0.png").unlink()
    shutil.copy(folder / "images" / "disc1.png", folder / "images" / "disc2.png")
    return folder


def run(discs, out, *words):
    return prepare(
        ["--task", "polyp", "--source", str(discs), "--out", str(out), "--check", *words]
    )


def test_a_fault_leaves_the_table_and_no_manifest(discs, tmp_path, capsys):
    assert run(discs, tmp_path / "m.json") == 2

    assert not (tmp_path / "m.json").exists()
    rows = list(csv.DictReader((tmp_path / "m-check.csv").read_text().splitlines()))
    assert [(row["verdict"], row["file"]) for row in rows] == [
        ("fault", str(discs / "images" / "disc0.png")),
        ("warning", str(discs / "images" / "disc2.png")),
    ]
    page = (tmp_path / "m-check.html").read_text()
    assert all(row["cause"] in page for row in rows)
    said = capsys.readouterr()
    assert "5 cases checked: 1 fault, 1 warning" in said.out
    assert said.out.index("disc0.png") < said.out.index("disc2.png")
    assert "1 problem named above, no manifest written" in said.err


def test_a_case_left_out_when_asked_is_in_the_table(discs, tmp_path, capsys):
    assert run(discs, tmp_path / "m.json", "--skip_bad") == 0

    assert (tmp_path / "m.json").is_file()
    assert "1 fault, 1 warning" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["csv", "html"])
def test_an_earlier_table_is_not_overwritten(discs, tmp_path, ending, capsys):
    earlier = tmp_path / f"m-check.{ending}"
    earlier.write_text("mine")

    assert run(discs, tmp_path / "m.json", "--skip_bad") == 2
    assert f"m-check.{ending}: exists already" in capsys.readouterr().err
    assert earlier.read_text() == "mine"

    assert run(discs, tmp_path / "m.json", "--skip_bad", "--overwrite") == 0
    assert earlier.read_text() != "mine"


def test_without_check_nothing_is_written_beside_the_manifest(discs, tmp_path):
    words = ["--task", "polyp", "--source", str(discs), "--out", str(tmp_path / "o" / "m.json")]

    assert prepare([*words, "--skip_bad"]) == 0

    assert [path.name for path in (tmp_path / "o").iterdir()] == ["m.json"]


def test_doctor_shows_the_same_table(discs, monkeypatch, capsys):
    monkeypatch.setattr(machine, "look", lambda place: [])
    monkeypatch.setattr(doctor, "_look_ahead", lambda config: ("", False))
    Image.fromarray(np.zeros((48, 40), np.uint8)).save(discs / "masks" / "disc0.png")
    Image.fromarray(np.full((48, 40, 3), 9, np.uint8)).save(discs / "images" / "disc3.png")

    assert doctor.main(["--manifest", str(discs / "manifest.json")]) == 0

    said = capsys.readouterr().out
    assert "images/disc2.png" in said
    assert "shows the same image as disc1" in said
    assert "every pixel has one colour" in said
    assert "polyp is empty in 1 of 6 cases: disc0" in said
    assert "warn   data set" in said
    assert "2 warnings in the table above" in said
