import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.prepare import main as prepare
from inspire_med.preparing.options import make_parser, read_options


@pytest.fixture
def isles(tmp_path):
    assert prepare(["--task", "isles", "--phantom", "3", "--out", str(tmp_path / "made")]) == 0
    (tmp_path / "made" / "manifest.json").unlink()
    return tmp_path / "made"


def run(task, folder, out, *more):
    return prepare(["--task", task, "--source", str(folder), "--out", str(out), *more])


def test_writes_the_manifest_of_the_contract(brats, tmp_path):
    assert run("brats", brats, tmp_path / "m.json", "--folds", "2") == 0

    content = json.loads((tmp_path / "m.json").read_text())
    assert content["format"] == 1
    assert content["task"] == "brats"
    assert content["channels"] == ["flair", "t1", "t1ce", "t2"]
    assert content["regions"] == {"WT": [1, 2, 4], "TC": [1, 4], "ET": [4]}
    assert len(content["hash"]) == 64
    case = content["cases"][0]
    assert case["id"] == case["patient"] == "BraTS20_Training_000"
    place = "brats/BraTS20_Training_000/BraTS20_Training_000"
    assert case["images"]["t1ce"] == f"{place}_t1ce.nii.gz"
    assert case["label"] == f"{place}_seg.nii.gz"
    assert case["shape"] == [20, 18, 15]
    assert case["spacing_mm"] == [1.0, 1.0, 2.0]
    assert sorted(case["fold"] for case in content["cases"]) == [0, 0, 1, 1]


def test_touches_no_file_of_the_source(brats, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in brats.rglob("*")}

    run("brats", brats, tmp_path / "m.json")

    assert {path: path.stat().st_mtime_ns for path in brats.rglob("*")} == before


def test_several_sources_make_one_manifest(brats, tmp_path):
    first = brats / "BraTS20_Training_000"
    second = brats / "BraTS20_Training_001"
    arguments = ["--source", str(first), "--source", str(second), "--out", str(tmp_path / "m.json")]

    assert prepare(["--task", "brats", *arguments]) == 0

    assert len(Manifest.load(tmp_path / "m.json").cases) == 2


def test_images_and_labels_may_be_two_sources(isles, tmp_path):
    assert run("isles", isles, tmp_path / "one.json") == 0
    sources = ["--source", str(isles / "derivatives"), "--source", str(isles / "rawdata")]
    assert prepare(["--task", "isles", *sources, "--out", str(tmp_path / "two.json")]) == 0

    one, two = Manifest.load(tmp_path / "one.json"), Manifest.load(tmp_path / "two.json")
    assert one == two


@pytest.mark.slow
def test_the_dwi_is_checked_where_it_gives_the_grid(isles, tmp_path, capsys):
    """FLAIR lies on a grid of its own, so that of the DWI is the case's, chosen or not."""
    next(isles.rglob("*0002*_dwi.nii.gz")).write_bytes(b"no scan")

    assert run("isles", isles, tmp_path / "n.json", "--channels", "flair") == 2
    assert "_dwi.nii.gz: " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("channels", [["flair", "adc"], ["adc"]])
def test_a_channel_that_is_left_out_is_not_read(isles, tmp_path, channels):
    next(isles.rglob("*0002*_dwi.nii.gz")).write_bytes(b"no scan")

    assert run("isles", isles, tmp_path / "m.json", "--channels", *channels) == 0


def test_the_same_source_twice_is_refused(brats, tmp_path, capsys):
    assert run("brats", brats, tmp_path / "m.json", "--source", str(brats)) == 2
    assert "has the name of the one at" in capsys.readouterr().err


def test_bad_cases_are_all_named_and_nothing_is_written(brats, tmp_path, capsys):
    broken = brats / "BraTS20_Training_001" / "BraTS20_Training_001_t1.nii.gz"
    broken.write_bytes(broken.read_bytes()[:400])
    (brats / "BraTS20_Training_002" / "BraTS20_Training_002_flair.nii.gz").unlink()

    assert run("brats", brats, tmp_path / "m.json") == 2

    errors = capsys.readouterr().err
    assert f"{broken}: truncated or corrupt" in errors
    assert "case BraTS20_Training_002 lacks flair" in errors
    assert (
        "2 problems named above, no manifest written; mend the files, or pass --skip_bad" in errors
    )
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize("option", ["--skip_bad", "--skip-bad"])
def test_bad_cases_are_left_out_and_named_when_asked(brats, tmp_path, capsys, option):
    (brats / "BraTS20_Training_002" / "BraTS20_Training_002_flair.nii.gz").unlink()

    assert run("brats", brats, tmp_path / "m.json", option) == 0

    assert "case BraTS20_Training_002 lacks flair" in capsys.readouterr().err
    names = [case.id for case in Manifest.load(tmp_path / "m.json").cases]
    assert names == ["BraTS20_Training_000", "BraTS20_Training_001", "BraTS20_Training_003"]


def test_nothing_but_bad_cases_is_refused(brats, tmp_path, capsys):
    for path in brats.rglob("*_t1.nii.gz"):
        path.unlink()

    assert run("brats", brats, tmp_path / "m.json", "--skip_bad") == 2
    assert "brats: no usable case is left" in capsys.readouterr().err


def test_a_case_that_alone_lacks_its_label_is_named(brats, tmp_path, capsys):
    (brats / "BraTS20_Training_002" / "BraTS20_Training_002_seg.nii.gz").unlink()

    assert run("brats", brats, tmp_path / "m.json") == 2
    assert "case BraTS20_Training_002 has no label file and others have" in capsys.readouterr().err


def test_a_set_without_labels_has_no_folds(brats, tmp_path):
    for path in brats.rglob("*_seg.nii.gz"):
        path.unlink()

    assert run("brats", brats, tmp_path / "m.json") == 0

    manifest = Manifest.load(tmp_path / "m.json")
    assert all(case.label is None and case.fold is None for case in manifest.cases)


def test_labels_3_and_4_are_told_apart_by_the_files(brats, tmp_path):
    for path in brats.rglob("*_seg.nii.gz"):
        image = nib.load(path)
        label = np.asarray(image.dataobj)
        nib.save(
            nib.Nifti1Image(np.where(label == 4, 3, label).astype(np.uint8), image.affine), path
        )

    assert run("brats", brats, tmp_path / "m.json") == 0

    assert Manifest.load(tmp_path / "m.json").regions["ET"] == (3,)


def test_channels_can_be_chosen(brats, tmp_path, capsys):
    assert run("brats", brats, tmp_path / "m.json", "--channels", "t1ce", "flair") == 0
    assert Manifest.load(tmp_path / "m.json").channels == ("t1ce", "flair")

    assert run("brats", brats, tmp_path / "n.json", "--channels", "pd") == 2
    assert "channel pd: unknown; choose from flair, t1, t1ce, t2" in capsys.readouterr().err
    assert run("brats", brats, tmp_path / "n.json", "--channels", "t1", "t2", "t1") == 2
    assert "--channels: names t1 twice; name it once." in capsys.readouterr().err


def test_a_missing_flair_is_declared_and_left_out(isles, tmp_path, capsys):
    next(isles.rglob("*0002*_flair.nii.gz")).unlink()

    assert run("isles", isles, tmp_path / "m.json") == 0

    manifest = Manifest.load(tmp_path / "m.json")
    assert manifest.channels == ("dwi", "adc")
    assert "flair is left out, because 1 of 3 cases lack it" in manifest.notes[0]
    assert manifest.notes[0] in capsys.readouterr().out


def test_a_missing_flair_is_filled_and_marked_when_asked(isles, tmp_path):
    next(isles.rglob("*0002*_flair.nii.gz")).unlink()

    assert run("isles", isles, tmp_path / "m.json", "--fill_missing") == 0

    manifest = Manifest.load(tmp_path / "m.json")
    assert manifest.channels == ("dwi", "adc", "flair")
    assert [case.filled for case in manifest.cases] == [(), ("flair",), ()]


def test_registration_is_asked_for_once_and_kept_in_the_manifest(isles, tmp_path):
    assert run("isles", isles, tmp_path / "plain.json") == 0
    assert run("isles", isles, tmp_path / "moved.json", "--register") == 0

    plain, moved = Manifest.load(tmp_path / "plain.json"), Manifest.load(tmp_path / "moved.json")
    assert (plain.register, moved.register) == (False, True)
    assert plain.hash != moved.hash


def test_registration_is_for_isles(brats, tmp_path, capsys):
    assert run("brats", brats, tmp_path / "m.json", "--register") == 2
    assert "--register: brats lies on one grid already; leave it out." in capsys.readouterr().err


def test_a_published_list_makes_fold_0(disc_images, tmp_path):
    (tmp_path / "val.txt").write_text("disc1\ndisc4\n")
    folder = disc_images.parent

    assert run("polyp", folder, tmp_path / "m.json", "--split", str(tmp_path / "val.txt")) == 0

    training, validation = Manifest.load(tmp_path / "m.json").fold(0)
    assert [case.id for case in validation] == ["disc1", "disc4"]
    assert len(training) == 4


def test_a_list_of_cases_is_all_there_is(disc_images, tmp_path, capsys):
    (tmp_path / "some.txt").write_text("disc1\ndisc4\ndisc5\n")
    words = ["--cases", str(tmp_path / "some.txt"), "--folds", "3"]

    assert run("polyp", disc_images.parent, tmp_path / "m.json", *words) == 0

    some = Manifest.load(tmp_path / "m.json")
    assert [case.id for case in some.cases] == ["disc1", "disc4", "disc5"]
    assert some.folds == (0, 1, 2)
    (tmp_path / "some.txt").write_text("disc9\n")
    assert run("polyp", disc_images.parent, tmp_path / "n.json", *words) == 2
    assert "some.txt: names disc9, which is not among the cases" in capsys.readouterr().err


def test_a_set_of_one_patient_is_said_to_have_no_folds(brats, tmp_path, capsys):
    out = tmp_path / "m.json"

    assert run("brats", brats / "BraTS20_Training_000", out) == 0

    assert "no folds: every labelled case is of one patient or one video" in capsys.readouterr().out
    with pytest.raises(InputError, match="no labelled case has a fold; train on all by --fold no"):
        Manifest.load(out).fold(0)


def test_look_alikes_across_folds_are_named(disc_images, tmp_path, capsys):
    for place in ("images", "masks"):
        shutil.copytree(disc_images.parent / place, tmp_path / "set" / place)
        shutil.copy(tmp_path / "set" / place / "disc1.png", tmp_path / "set" / place / "next.png")
    pixels = np.array(Image.open(tmp_path / "set" / "images" / "next.png"))
    pixels[0, 0] ^= 1  # one image twice would be refused
    Image.fromarray(pixels).save(tmp_path / "set" / "images" / "next.png")
    (tmp_path / "val.txt").write_text("next\n")

    options = ["--split", str(tmp_path / "val.txt")]
    assert run("polyp", tmp_path / "set", tmp_path / "m.json", *options) == 0

    assert "warning: disc1 and next" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["brats", "isles", "polyp"])
def test_phantoms_and_their_manifest_appear_together(tmp_path, task):
    out = tmp_path / "made"

    assert prepare(["--task", task, "--phantom", "2", "--out", str(out)]) == 0

    manifest = Manifest.load(out / "manifest.json")
    assert len(manifest.cases) == 2
    for case in manifest.cases:
        assert all(path.is_relative_to(out) for path in (*case.images.values(), case.label))
        assert all(path.is_file() for path in (*case.images.values(), case.label))
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["brats", "isles", "polyp"])
def test_one_seed_makes_one_set_wherever_it_lies(tmp_path, monkeypatch, task):
    hashes = set()
    for number, place in ((1, "a"), (22, "b")):
        monkeypatch.setattr("os.getpid", lambda number=number: number)
        assert prepare(["--task", task, "--phantom", "2", "--out", str(tmp_path / place)]) == 0
        hashes.add(Manifest.load(tmp_path / place / "manifest.json").hash)

    assert len(hashes) == 1


def test_nothing_that_exists_is_overwritten_unless_asked(disc_images, tmp_path, capsys):
    out, made = tmp_path / "m.json", tmp_path / "made"
    out.write_text("mine")
    made.mkdir()
    (made / "notes.txt").write_text("mine")

    assert run("polyp", disc_images.parent, out) == 2
    assert prepare(["--task", "polyp", "--phantom", "1", "--out", str(made)]) == 2
    assert capsys.readouterr().err.count("exists already") == 2
    assert out.read_text() == (made / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("held", ["mine", '{"name": "of a data set"}'])
def test_only_a_manifest_is_replaced_by_a_manifest(disc_images, tmp_path, capsys, held):
    out = tmp_path / "m.json"
    out.write_text(held)

    assert run("polyp", disc_images.parent, out, "--overwrite") == 2
    assert "m.json: is no manifest, and stays; choose another place." in capsys.readouterr().err
    assert out.read_text() == held

    out.write_text('{"format": 1, "cases": "spoilt by hand"}')
    assert run("polyp", disc_images.parent, out, "--overwrite") == 0
    assert json.loads(out.read_text())["task"] == "polyp"


def test_phantoms_are_overwritten_and_nothing_else_is(tmp_path, capsys):
    made, mine = tmp_path / "made", tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    phantom = ["--task", "polyp", "--overwrite", "--phantom"]
    assert prepare([*phantom, "2", "--out", str(made)]) == 0

    assert prepare([*phantom, "1", "--out", str(made)]) == 0
    assert prepare([*phantom, "1", "--out", str(mine)]) == 2

    assert len(Manifest.load(made / "manifest.json").cases) == 1
    assert "mine: holds other things than phantoms" in capsys.readouterr().err
    assert (mine / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "liver", "--phantom", "1"], "task liver: unknown; choose one of"),
        (["--task", "brats"], "--source: missing; give the data set's folder, or --phantom N"),
        (["--task", "brats", "--phantom", "0"], "--phantom 0: not a number of cases"),
        (["--task", "brats", "--source", "nowhere"], "nowhere: no such folder"),
        (["--task", "brats", "--source", "x", "--folds", "0"], "--folds 0: one fold is validated"),
        (
            ["--task", "brats", "--source", "x", "--folds", "1", "--group_by", "site"],
            "so there are two or more; give 2 or more, or leave it out and train on all cases by",
        ),
        (["--task", "brats", "--source", "x", "--seed", "-1"], "--seed -1: below zero; give 0"),
        (["--task", "brats", "--source", "x", "--workers", "0"], "--workers 0: not a number of"),
        (["--task", "brats", "--source", "x", "--allow_leak", "all"], "--allow_leak: all is no k"),
        (["--task", "brats", "--source", "x", "--group_by", "age"], "--group_by: age is not one"),
        (["--task", "brats", "--source", "x", "--split", "pranett"], "pranett: no such file, and"),
        (["--task", "brats", "--source", "x", "--cases", "a.txt"], "a.txt: no such file, and no"),
        (
            ["--task", "brats", "--source", "x", "--split", "pranet", "--group_by", "site"],
            "--group_by: --split says the folds already; leave one of them out",
        ),
        (["--download", "msd-heart", "--source", "x"], "--download: fetches and does no more"),
        (["--download", "msd-heart", "--check"], "no more; leave out --check, and go on"),
        (["--task", "brats", "--phantom", "2", "--source", "x"], "--source: a phantom is made"),
        (["--source", "x"], "--task: missing; say what the set is for"),
        (["--task", "brats", "--sorce", "x"], "--sorce: unknown; did you mean --source"),
    ],
)
def test_a_faulty_request_gets_one_sentence(tmp_path, capsys, arguments, words):
    out = tmp_path / "out"

    assert prepare([*arguments, "--out", str(out)]) == 2

    errors = capsys.readouterr().err.strip()
    assert words in errors
    assert "\n" not in errors
    assert not out.exists()


def test_out_must_be_a_file_for_a_manifest(disc_images, tmp_path, capsys):
    assert run("polyp", disc_images.parent, tmp_path) == 2
    assert "a folder; give the manifest's file name" in capsys.readouterr().err


@pytest.mark.parametrize(("dims", "kind"), [(2, "a volume"), (3, "a picture")])
def test_pictures_are_no_volumes(brats, disc_images, tmp_path, capsys, dims, kind):
    pattern = "{case}/{case}_t1.nii.gz" if dims == 2 else "images/{case}.png"
    task = tmp_path / "own.yaml"
    task.write_text(
        f"{{spatial_dims: {dims}, channels: [a], regions: {{b: 1}}, intensity: none, "
        f'images: "{pattern}"}}'
    )

    assert run(str(task), brats if dims == 2 else disc_images.parent, tmp_path / "m.json") == 2

    assert f": {kind}, but the task own has spatial_dims {dims} (" in capsys.readouterr().err


def test_an_unknown_protocol_of_a_task_is_named(brats, tmp_path, capsys):
    task = tmp_path / "own.yaml"
    task.write_text(
        "{spatial_dims: 3, channels: [a], regions: {b: 1}, intensity: none, "
        'images: "{case}/{case}_t1.nii.gz", protocol: segmentatoin}'
    )

    assert run(str(task), brats, tmp_path / "m.json") == 2

    assert "task own: field protocol: option --protocol: unknown" in capsys.readouterr().err


def test_an_empty_folder_is_named(tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    assert run("isles", tmp_path / "empty", tmp_path / "m.json") == 2
    assert "empty: the folder is empty; give one with sub-*" in capsys.readouterr().err


def test_msd_volumes_of_four_channels_are_read(tmp_path):
    folder = tmp_path / "Task01_BrainTumour"
    for place in ("imagesTr", "labelsTr"):
        (folder / place).mkdir(parents=True)
    scan = np.random.default_rng(0).integers(1, 99, (6, 5, 4, 4)).astype(np.int16)
    label = np.zeros((6, 5, 4), np.uint8)
    label[2:4, 2:4, 1:3] = 3
    nib.save(nib.Nifti1Image(scan, np.eye(4)), folder / "imagesTr" / "BRATS_001.nii.gz")
    nib.save(nib.Nifti1Image(label, np.eye(4)), folder / "labelsTr" / "BRATS_001.nii.gz")
    entry = {"image": "./imagesTr/BRATS_001.nii.gz", "label": "./labelsTr/BRATS_001.nii.gz"}
    modality = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
    index = {"modality": modality, "training": [entry]}
    (folder / "dataset.json").write_text(json.dumps(index))

    assert run("brats", folder, tmp_path / "m.json") == 0

    manifest = Manifest.load(tmp_path / "m.json")
    assert manifest.regions == {"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)}
    assert manifest.cases[0].components == {"flair": 0, "t1": 1, "t1ce": 2, "t2": 3}


def test_a_mask_of_another_size_is_named(disc_images, tmp_path, capsys):
    folder = tmp_path / "set"
    for place in ("images", "masks"):
        shutil.copytree(disc_images.parent / place, folder / place)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "masks" / "disc0.png")

    assert run("polyp", folder, tmp_path / "m.json") == 2
    assert "disc0.png: its size 9 x 9 is not that of disc0.png, 40 x 48" in capsys.readouterr().err


def test_options_may_stand_in_a_file(isles, tmp_path):
    config, out = tmp_path / "options.yaml", tmp_path / "m.json"
    sources = f"[{isles / 'rawdata'}, {isles / 'derivatives'}]"
    config.write_text(f"task: isles\nsource: {sources}\nchannels: [adc, dwi]\nfolds: 2\nout: {out}")

    assert prepare(["--config", str(config), "--folds", "3"]) == 0

    manifest = Manifest.load(out)
    assert manifest.channels == ("adc", "dwi")
    assert {case.fold for case in manifest.cases} == {0, 1, 2}


def test_a_file_may_name_one_source_and_one_channel(isles, tmp_path):
    config, out = tmp_path / "options.yaml", tmp_path / "m.json"
    config.write_text(f"task: isles\nsource: {isles}\nchannels: dwi\nout: {out}")

    assert prepare(["--config", str(config)]) == 0

    assert Manifest.load(out).channels == ("dwi",)


def test_the_options_can_be_printed_as_such_a_file(tmp_path, capsys):
    words = ["--task", "isles", "--source", "a", "--source", "b", "--out", "m.json", "--skip-bad"]
    with pytest.raises(SystemExit, match="0"):
        prepare([*words, "--print_config"])

    printed = yaml.safe_load(capsys.readouterr().out)
    assert (printed["task"], printed["source"], printed["out"]) == ("isles", ["a", "b"], "m.json")
    assert printed["skip_bad"] is True


def test_help_answers_in_about_a_second():
    start = time.monotonic()
    command = [sys.executable, "-m", "inspire_med.prepare", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True)

    assert answer.returncode == 0
    assert "--phantom" in answer.stdout
    # One second on a free machine; tests share theirs.
    assert time.monotonic() - start < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "place", "count", "channels"),
    [
        ("brats", "brats2018", 6, ("flair", "t1", "t1ce", "t2")),
        ("isles", "isles2022", 2, ("dwi", "adc")),
    ],
)
def test_real_releases_are_read_where_they_lie(real_data, tmp_path, task, place, count, channels):
    assert run(task, real_data / place, tmp_path / "m.json") == 0

    manifest = Manifest.load(tmp_path / "m.json")
    assert len(manifest.cases) == count
    assert manifest.channels == channels
    assert {case.fold for case in manifest.cases} == set(range(min(5, count)))
    if task == "brats":
        assert manifest.regions["ET"] == (4,)
        assert {case.site for case in manifest.cases} == {"HGG", "LGG"}


@pytest.mark.slow
def test_kvasirs_official_split_is_880_to_120(real_data, tmp_path, capsys):
    folder, names = real_data / "polyp" / "Kvasir-SEG", real_data / "polyp" / "splits"

    assert run("polyp", folder, tmp_path / "m.json", "--split", "kvasir-official") == 0

    training, validation = Manifest.load(tmp_path / "m.json").fold(0)
    assert (len(training), len(validation)) == (880, 120)
    listed = (names / "kvasir_official_train_880.txt").read_text().split()
    assert {case.id for case in training} == set(listed)
    assert "as published: Kvasir-SEG 880 train, 120 val." in capsys.readouterr().out


def test_a_split_that_parts_a_video_is_refused_and_stated_where_it_is_allowed(tmp_path, capsys):
    for place, kind in (("images", "RGB"), ("masks", "L")):
        (tmp_path / "CVC-ClinicDB" / place).mkdir(parents=True)
        for number in (1, 2, 30):
            noise = np.random.default_rng(number).integers(0, 255, (9, 12, 3), np.uint8)
            picture = noise if kind == "RGB" else noise[..., 0] // 128 * 255
            Image.fromarray(picture).save(tmp_path / "CVC-ClinicDB" / place / f"{number}.png")
    (tmp_path / "val.txt").write_text("2\n30\n")
    words = ["polyp", tmp_path / "CVC-ClinicDB", tmp_path / "m.json", "--split"]

    assert run(*words, str(tmp_path / "val.txt"), "--allow_leak", "patient,duplicate") == 2
    assert "the split: 1 of the 2 sequences tested on is also trained on" in capsys.readouterr().err
    assert not (tmp_path / "m.json").exists()

    assert run(*words, str(tmp_path / "val.txt"), "--allow_leak", "sequence") == 0
    (note,) = (each for each in Manifest.load(tmp_path / "m.json").notes if "leak" in each)
    assert note.startswith("A leak, allowed by name: 1 of the 2 sequences tested on is also traine")
    assert f"note: {note}" in capsys.readouterr().out


def test_one_site_a_fold(disc_images, tmp_path):
    for name, kept in (("north", "012"), ("south", "345")):
        shutil.copytree(
            disc_images.parent, tmp_path / name, ignore=shutil.ignore_patterns("*.json")
        )
        for file in (tmp_path / name).rglob("*.png"):
            if file.stem[-1] not in kept:
                file.unlink()
    words = ["--source", str(tmp_path / "south"), "--group_by", "site"]

    assert run("polyp", tmp_path / "north", tmp_path / "m.json", *words) == 0

    cases = Manifest.load(tmp_path / "m.json").cases
    assert {(case.site, case.fold) for case in cases} == {("north", 0), ("south", 1)}


def test_two_sets_that_number_their_files_alike_are_told_apart(disc_images, tmp_path):
    for name in ("ETIS", "ColonDB"):
        shutil.copytree(
            disc_images.parent, tmp_path / name, ignore=shutil.ignore_patterns("*.json")
        )
    more = ["--source", str(tmp_path / "ColonDB"), "--folds", "2"]

    assert run("polyp", tmp_path / "ETIS", tmp_path / "m.json", *more) == 0

    ids = {case.id for case in Manifest.load(tmp_path / "m.json").cases}
    assert ids == {f"{name}-disc{k}" for name in ("ETIS", "ColonDB") for k in range(6)}


def test_linked_cases_are_found(brats, tmp_path):
    subset = tmp_path / "subset"
    subset.mkdir()
    for case in sorted(path for path in brats.iterdir() if path.is_dir())[:2]:
        (subset / case.name).symlink_to(case)
    (subset / "loop").symlink_to(subset)

    assert run("brats", subset, tmp_path / "m.json", "--folds", "2") == 0

    assert len(Manifest.load(tmp_path / "m.json").cases) == 2


def test_a_folder_that_cannot_be_read_is_named(brats, tmp_path, capsys, monkeypatch):
    closed = brats / "BraTS20_Training_001"
    honest = os.scandir

    def scandir(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path)

    monkeypatch.setattr(os, "scandir", scandir)

    assert run("brats", brats, tmp_path / "m.json") == 2

    assert f"{closed}: cannot be read (Permission denied); mend its rights" in (
        capsys.readouterr().err
    )


def test_a_linked_manifest_is_replaced_and_its_paths_are_right(brats, tmp_path):
    far = tmp_path / "far" / "deep"
    far.mkdir(parents=True)
    (far / "m.json").write_text('{"format": 1, "cases": []}')
    (tmp_path / "m.json").symlink_to(far / "m.json")

    assert run("brats", brats, tmp_path / "m.json", "--overwrite") == 0

    assert all(c.images["t1"].is_file() for c in Manifest.load(tmp_path / "m.json").cases)


def test_what_was_decided_about_dark_masks_is_noted_once(disc_images, tmp_path, capsys):
    folder = tmp_path / "dark"
    shutil.copytree(disc_images.parent, folder, ignore=shutil.ignore_patterns("*.json"))
    for path in (folder / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) // 255).save(path)

    assert run("polyp", folder, tmp_path / "m.json", "--folds", "2") == 0

    note = "disc0.png: holds only 0 and 1; 1 is taken as foreground. (5 more likewise.)"
    assert f"note: {note}" in capsys.readouterr().out
    assert note in json.loads((tmp_path / "m.json").read_text())["notes"]


def test_what_lies_beside_phantoms_is_kept(tmp_path, capsys):
    words = ["--task", "polyp", "--phantom", "2", "--out", str(tmp_path / "made")]
    assert prepare([*words, "--folds", "2"]) == 0
    (tmp_path / "made" / "manifest-plan.yaml").touch()  # by --plan
    assert prepare([*words, "--folds", "2", "--overwrite"]) == 0
    (tmp_path / "made" / "run").mkdir()

    assert prepare([*words, "--folds", "2", "--overwrite"]) == 2

    assert "holds other things than phantoms" in capsys.readouterr().err
    assert (tmp_path / "made" / "run").is_dir()


def test_where_nothing_can_be_written_is_said_before_any_file_is_read(brats, tmp_path, capsys):
    assert (
        run(
            "brats", brats, brats / "BraTS20_Training_000" / "BraTS20_Training_000_t1.nii.gz/m.json"
        )
        == 2
    )

    assert "is a file, not a folder; choose another place" in capsys.readouterr().err


def test_every_file_that_links_to_nowhere_is_named(tmp_path, ball_volumes, capsys):
    source = tmp_path / "set"
    shutil.copytree(ball_volumes.parent, source, ignore=shutil.ignore_patterns("*.json"))
    broken = sorted((source / "BraTS20_Training_002").iterdir())
    for path in broken:
        path.unlink()
        path.symlink_to(f"nowhere/{path.name}")
    words = ["--task", "brats", "--source", str(source), "--out", str(tmp_path / "m.json")]

    assert prepare(words) == 2
    said = capsys.readouterr().err
    assert all(
        f"{path}: a link to nowhere/{path.name}, which is not there" in said for path in broken
    )

    assert prepare([*words, "--skip_bad"]) == 0
    assert str(broken[0]) in capsys.readouterr().err
    ids = [case.id for case in Manifest.load(tmp_path / "m.json").cases]
    assert ids == [f"BraTS20_Training_{number:03d}" for number in (0, 1, 3)]


@pytest.mark.parametrize(
    ("words", "name"), [(["--plan"], "auto"), (["--plan", "large"], "large"), ([], None)]
)
def test_a_plan_may_be_asked_for_without_a_word(words, name):
    parser = make_parser("")

    options = read_options(
        parser.parse_args(["--task", "polyp", "--source", "s", "--out", "m.json", *words])
    )

    assert options.plan == name


def test_a_plan_without_a_manifest_is_refused(tmp_path, capsys):
    words = ["--task", "polyp", "--source", "s", "--out", str(tmp_path / "f"), "--as", "nnunet"]

    assert prepare([*words, "--plan"]) == 2

    assert "--plan: lies beside a manifest, and none is written here" in capsys.readouterr().err


def test_a_plan_that_is_there_is_not_written_over(disc_images, tmp_path, capsys):
    plan = tmp_path / "m-plan.yaml"
    plan.write_text("mine")
    words = ["--task", "polyp", "--source", str(disc_images.parent), "--out"]

    assert prepare([*words, str(tmp_path / "m.json"), "--plan", "small"]) == 2

    assert "m-plan.yaml: exists already" in capsys.readouterr().err
    assert (plan.read_text(), (tmp_path / "m.json").exists()) == ("mine", False)
