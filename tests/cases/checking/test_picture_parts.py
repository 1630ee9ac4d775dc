"""Pictures with a file for each channel: checked, mended, prepared, written for nnU-Net."""

import json

import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.checking.picture import look_at_picture
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.prepare import prepare_case, read_planes
from inspire_med.cases.twins import read_fingerprints
from inspire_med.prepare import main as prepare

PLANES = np.random.default_rng(0).integers(0, 255, (4, 2, 30, 20), np.uint8)


@pytest.fixture
def raw(tmp_path):
    """A raw folder of four cases, each of a near infrared and a thermal picture of 20 x 30."""
    folder = tmp_path / "Dataset007_Night"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for number, planes in enumerate(PLANES):
        for place, plane in enumerate(planes):
            Image.fromarray(plane).save(folder / "imagesTr" / f"c{number}_{place:04d}.png")
        mask = np.zeros((30, 20), np.uint8)
        mask[5:9, 4 + number : 12] = 1
        Image.fromarray(mask).save(folder / "labelsTr" / f"c{number}.png")
    described = {
        "channel_names": {"0": "nir", "1": "thermal"},
        "labels": {"background": 0, "spot": 1},
        "numTraining": 4,
        "file_ending": ".png",
    }
    (folder / "dataset.json").write_text(json.dumps(described))
    return folder


def prepared(source, out, *more):
    words = ["--task", "nnunet", "--source", str(source), "--out", str(out), *more]
    assert prepare(words) == 0
    return Manifest.load(out)


def planes_of(manifest):
    asked = manifest.channels, manifest.regions, manifest.task.preparation
    return np.stack([read_planes(case, *asked)[0] for case in manifest.cases])


def test_each_file_is_a_channel(raw, tmp_path):
    manifest = prepared(raw, tmp_path / "m.json")

    assert manifest.channels == ("nir", "thermal")
    assert np.array_equal(planes_of(manifest), PLANES)
    assert len(read_fingerprints(manifest.cases[0])) == 2
    case = manifest.cases[0]
    image = prepare_case(case, manifest.channels, manifest.regions, manifest.task.preparation).image
    for seen, plane in zip(image, PLANES[0].astype(float), strict=True):
        assert np.allclose(seen, (plane - plane.mean()) / plane.std(), atol=1e-4)


def test_one_channel_can_be_chosen_or_filled(raw, tmp_path):
    chosen = prepared(raw, tmp_path / "t.json", "--channels", "thermal")
    assert np.array_equal(planes_of(chosen), PLANES[:, 1:])

    (raw / "imagesTr" / "c2_0001.png").unlink()
    filled = prepared(raw, tmp_path / "f.json", "--fill_missing")
    expected = PLANES.copy()
    expected[2, 1] = 0
    assert np.array_equal(planes_of(filled), expected)


@pytest.mark.parametrize("form", ["nnunet", "monai"])
def test_it_is_written_for_others_and_comes_back(raw, tmp_path, form):
    """A TIFF among them is written anew, the rest are links."""
    (raw / "imagesTr" / "c1_0001.png").unlink()
    Image.fromarray(PLANES[1, 1]).save(raw / "imagesTr" / "c1_0001.tif")
    place = tmp_path / ("Dataset008_Night" if form == "nnunet" else "list.json")
    words = ["--task", "nnunet", "--source", str(raw), "--out", str(place), "--as", form]
    assert prepare(words) == 0

    words = ["--task", form, "--source", str(place), "--out", str(tmp_path / "back.json")]
    assert prepare(words) == 0

    back = Manifest.load(tmp_path / "back.json")
    assert back.channels == ("nir", "thermal")
    assert np.array_equal(planes_of(back), PLANES)
    if form == "nnunet":
        assert (place / "imagesTr" / "c0_0001.png").is_symlink()
        assert not (place / "imagesTr" / "c1_0001.png").is_symlink()


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((20, 20), np.uint8) + np.eye(20, dtype=np.uint8), "its size 20 x 20 is not that"),
        (np.arange(1800, dtype=np.uint32).reshape(30, 20, 3).astype(np.uint8), "a colour picture"),
    ],
)
def test_a_file_of_another_size_or_in_colour_is_named(raw, tmp_path, capsys, picture, said):
    Image.fromarray(picture).save(raw / "imagesTr" / "c3_0001.png")
    words = ["--task", "nnunet", "--source", str(raw), "--out", str(tmp_path / "m.json")]

    assert prepare(words) == 2

    assert f"c3_0001.png: {said}" in capsys.readouterr().err


def test_the_second_file_is_mended_too(raw, tmp_path):
    wide = PLANES[3, 1].astype(np.uint16) * 257
    Image.fromarray(wide).save(raw / "imagesTr" / "c3_0001.png")

    mended = prepared(raw, tmp_path / "m.json", "--repair", str(tmp_path / "mended"))

    assert np.array_equal(planes_of(mended), PLANES)


def test_one_pixel_of_another_colour_is_seen_wherever_it_lies(tmp_path):
    picture = np.full((40, 50, 3), 90, np.uint8)
    Image.fromarray(picture).save(tmp_path / "even.png")
    picture[21, 37, 1] = 91
    Image.fromarray(picture).save(tmp_path / "odd.png")

    even, odd = (look_at_picture("a", tmp_path / f"{name}.png") for name in ("even", "odd"))

    assert [finding.cause for finding in even.findings] == ["every pixel has one colour"]
    assert (even.coloured, odd.coloured, odd.findings) == (False, True, ())
