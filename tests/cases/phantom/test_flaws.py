import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.look_alike import LOOK_ALIKE_BITS, picture_signature
from inspire_med.imaging.picture import read_picture
from inspire_med.prepare import main as prepare


def make(task: str, out: Path, *flaws: str, cases: int = 14, seed: int = 0) -> int:
    words = ["--task", task, "--phantom", str(cases), "--out", str(out), "--seed", str(seed)]
    return prepare([*words, "--flaws", *flaws])


def listed(out: Path) -> dict[str, dict]:
    return {entry["flaw"]: entry for entry in json.loads((out / "flaws.json").read_text())["flaws"]}


def voxels(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


@pytest.fixture(scope="module")
def flawed(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("flawed")
    for task in ("nnunet", "polyp"):
        assert make(task, folder / task, "all") == 0
    return {task: folder / task for task in ("nnunet", "polyp")}


def test_no_two_flaws_share_a_case(flawed):
    for out in flawed.values():
        touched = [
            name for entry in listed(out).values() for name in {entry["case"], entry.get("of")}
        ]
        touched = [name for name in touched if name]
        assert len(touched) == len(set(touched))
        assert not (out / "manifest.json").exists()


def test_volumes_are_flawed_as_listed_and_nowhere_else(flawed, tmp_path):
    out = flawed["nnunet"]
    raw, found = out / "Dataset900_Phantom", listed(out)
    image, label = (
        {name: raw / part.format(entry["case"]) for name, entry in found.items()}
        for part in ("imagesTr/{}_0000.nii.gz", "labelsTr/{}.nii.gz")
    )

    with pytest.raises(EOFError):
        voxels(image["cut"])
    assert np.ptp(voxels(image["constant"])) == 0
    assert np.isnan(voxels(image["nan"])).sum() == 8
    assert not label["no_label"].exists()
    assert not voxels(label["empty_label"]).any()
    assert (voxels(label["odd_value"]) == 7).sum() == 8
    outside = voxels(label["label_outside"]) > 0
    assert (voxels(image["label_outside"])[outside] < -500).mean() > 0.5  # in the air
    grids = [nib.load(path["label_moved"]).affine for path in (image, label)]
    np.testing.assert_allclose((grids[1] - grids[0])[:3, 3], (5, 0, 0))
    shapes = [nib.load(path["label_grid"]).shape for path in (image, label)]
    assert shapes[1] == tuple((size + 1) // 2 for size in shapes[0])
    assert "no_channel" not in found  # there is one alone

    assert prepare(["--task", "nnunet", "--phantom", "14", "--out", str(tmp_path / "whole")]) == 0
    whole = tmp_path / "whole" / "Dataset900_Phantom"
    named = {name for entry in found.values() for name in entry["files"]}
    for path in whole.glob("*Tr/*"):
        same = out / "Dataset900_Phantom" / path.relative_to(whole)
        marred = same.relative_to(out).as_posix() in named
        assert marred != (same.is_file() and same.read_bytes() == path.read_bytes())


def test_a_twin_has_the_voxels_and_a_patient_the_body_of_another_case(flawed):
    raw, found = flawed["nnunet"] / "Dataset900_Phantom", listed(flawed["nnunet"])

    def both(flaw: str, part: str) -> list[nib.Nifti1Image]:
        entry = found[flaw]
        return [nib.load(raw / part.format(entry[key])) for key in ("case", "of")]

    twins = both("twin", "imagesTr/{}_0000.nii.gz")
    np.testing.assert_array_equal(*[np.asarray(each.dataobj) for each in twins])
    assert twins[0].get_data_dtype() != twins[1].get_data_dtype()
    np.testing.assert_array_equal(
        *[np.asarray(each.dataobj) for each in both("patient", "labelsTr/{}.nii.gz")]
    )
    first, second = (
        np.asarray(each.dataobj) for each in both("patient", "imagesTr/{}_0000.nii.gz")
    )
    assert (first != second).mean() > 0.5
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.99


def test_pictures_are_flawed_as_listed(flawed):
    out, found = flawed["polyp"], listed(flawed["polyp"])

    def files(flaw: str, key: str = "case") -> tuple[Path, Path]:
        image, mask = sorted(out.rglob(f"{found[flaw][key]}.*"))
        assert (image.parent.name, mask.parent.name) == ("images", "masks")
        return image, mask

    with (
        Image.open(out / found["cut"]["files"][0]) as picture,
        pytest.raises(OSError, match="truncated"),
    ):
        picture.load()
    assert np.ptp(read_picture(files("constant")[0])) == 0
    assert not (out / found["no_label"]["files"][0]).exists()
    assert read_picture(files("empty_label")[1]).max() < 128
    sizes = [read_picture(path).shape[:2] for path in files("label_size")]
    assert sizes[1] == (sizes[0][0] // 2, sizes[0][1] // 2)
    pairs = {
        flaw: [files(flaw, key)[0] for key in ("case", "of")]
        for flaw in ("twin", "frame", "patient")
    }
    assert [path.suffix for path in pairs["twin"]] == [".png", ".jpg"]
    np.testing.assert_array_equal(*map(read_picture, pairs["twin"]))
    bits = {
        flaw: [
            np.unpackbits(np.frombuffer(picture_signature(read_picture(path)), np.uint8))
            for path in paths
        ]
        for flaw, paths in pairs.items()
    }
    assert 0 < (bits["frame"][0] != bits["frame"][1]).sum() <= LOOK_ALIKE_BITS
    for image, mask in map(files, ("frame", "patient")):
        assert read_picture(image).shape == read_picture(mask).shape


def test_flairs_are_missing_in_as_many_cases_as_asked(tmp_path):
    assert make("isles", tmp_path / "made", "no_channel", "no_channel", cases=3) == 0

    scans = sorted(path.name for path in (tmp_path / "made").rglob("*flair*"))
    assert scans == ["sub-strokecase0003_ses-0001_flair.nii.gz"]
    words = ["--task", "isles", "--source", str(tmp_path / "made"), "--fill_missing"]
    assert prepare([*words, "--out", str(tmp_path / "m.json")]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--task", "polyp", "--phantom", "1", "--flaws", "odd_value"],
            "--flaws odd_value: no flaw that polyp files can have; choose from all, cut, ",
        ),
        (
            ["--task", "polyp", "--phantom", "1", "--flaws", "twin", "cut"],
            "--phantom 1: 2 flaws are asked for, and each takes a case of its own; give 2 or more",
        ),
        (
            ["--task", "polyp", "--source", ".", "--flaws", "all"],
            "--flaws: is of made cases; give --phantom N, or leave it out",
        ),
        (
            ["--task", "polyp", "--source", ".", "--phantom_size", "full"],
            "--phantom_size: is of made cases; give --phantom N, or leave it out",
        ),
        (
            ["--task", "brats-menrt", "--phantom", "1"],
            "--phantom: there is no maker of brats-menrt cases; give --source",
        ),
    ],
)
def test_what_cannot_be_made_is_said_in_one_sentence(tmp_path, capsys, words, sentence):
    assert prepare([*words, "--out", str(tmp_path / "made")]) == 2

    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "made").exists()
