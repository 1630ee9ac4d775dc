"""What hospitals and other programs write: prepare and evaluate say the same of one file."""

import gzip
import json
import shutil

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.evaluate import main as evaluate
from inspire_med.prepare import main as prepare

SHAPE = (14, 12, 10)
LABEL = np.zeros(SHAPE, np.uint8)
LABEL[3:10, 3:9, 2:8], LABEL[5:8, 4:7, 3:6], LABEL[6, 5, 4] = 2, 4, 1
AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
REGIONS = ("--regions", "WT=1,2,4", "TC=1,4", "ET=4")


@pytest.fixture
def brats(tmp_path):
    """Two cases of BraTS; the folder of one of them holds what a test spoils."""

    def write(affine=AFFINE):
        random = np.random.default_rng(0)
        for name in ("BraTS2021_00001", "BraTS2021_00002"):
            folder = tmp_path / "set" / name
            folder.mkdir(parents=True)
            for channel in ("flair", "t1", "t1ce", "t2"):
                scan = random.integers(1, 99, SHAPE).astype(np.int16)
                nib.save(nib.Nifti1Image(scan, affine), folder / f"{name}_{channel}.nii.gz")
            nib.save(nib.Nifti1Image(LABEL, affine), folder / f"{name}_seg.nii.gz")
        return tmp_path / "set"

    return write


@pytest.fixture
def prepared(tmp_path):
    """Run prepare on a folder; exit status and manifest."""

    def run(folder, task="brats", *words):
        out = tmp_path / "manifest.json"
        status = prepare(["--task", task, "--source", str(folder), "--out", str(out), *words])
        return status, Manifest.load(out) if status == 0 else None

    return run


@pytest.fixture
def scored(tmp_path, undrawn):
    """Run evaluate on two folders; exit status and the summary."""

    def run(prediction, reference, *words, protocol="segmentation"):
        folders = ["--prediction", str(prediction), "--reference", str(reference)]
        out = tmp_path / "scores"
        options = ["--protocol", protocol, "--output", str(out), "--workers", "1"]
        status = evaluate([*folders, *options, *words])
        return status, json.loads((out / "scores.json").read_text())["summary"] if not status else 0

    return run


def labels_of(folder, there):
    """The label files of a set, alone in a folder."""
    there.mkdir()
    for path in folder.rglob("*_seg.*"):
        shutil.copy(path, there)
    return there


def poke(folder, **fields):
    """Change fields of the headers of all files and nothing else."""
    for path in folder.rglob("*.nii.gz"):
        raw = bytearray(gzip.decompress(path.read_bytes()))
        header = nib.Nifti1Header(bytes(raw[:348]), check=False)
        for name, value in fields.items():
            header[name] = value
        path.write_bytes(gzip.compress(bytes(header.binaryblock + raw[348:])))


def by_slope(path):
    """As nibabel writes labels that are to be uint16: 2 reads 2.00003."""
    image = nib.Nifti1Image(LABEL.astype(np.float64), AFFINE)
    image.set_data_dtype(np.uint16)
    nib.save(image, path)
    assert not np.array_equal(nib.load(path).get_fdata(), LABEL)


def times_ten(path):
    nib.save(nib.Nifti1Image(LABEL.astype(np.int16) * 10, AFFINE), path)
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[112:116] = np.array([0.1], "<f4").tobytes()  # scl_slope
    path.write_bytes(gzip.compress(bytes(raw)))


@pytest.mark.parametrize("write", [by_slope, times_ten])
def test_labels_under_a_slope_are_whole_numbers_for_all(
    brats, prepared, scored, tmp_path, write, capsys
):
    folder = brats()
    plain = labels_of(folder, tmp_path / "plain")
    for path in folder.rglob("*_seg.nii.gz"):
        write(path)

    status, manifest = prepared(folder)
    found, summary = scored(labels_of(folder, tmp_path / "slope"), plain, *REGIONS)

    assert (status, found) == (0, 0)
    assert manifest.regions["WT"] == (1, 2, 4)
    assert [summary[region]["dice"]["mean"] for region in ("WT", "TC", "ET")] == [1, 1, 1]
    said = capsys.readouterr().out
    assert said.count("whole numbers but for a last digit; rounded. (1 more likewise.)") == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"pixdim": [1, -1, -1, -1, 0, 0, 0, 0]},
        {"pixdim": [1, 0, 0, 0, 0, 0, 0, 0]},
        {"pixdim": [1, np.nan, 1, 1, 0, 0, 0, 0]},
        {"qform_code": 1, "quatern_b": 0, "quatern_c": 0, "quatern_d": 1.00000024},
        {"qform_code": 1, "quatern_b": np.nan},
    ],
)
def test_what_the_sform_makes_unused_disturbs_nobody(
    brats, prepared, scored, tmp_path, fields, capfd
):
    folder = brats()
    plain = labels_of(folder, tmp_path / "plain")
    poke(folder, **fields)

    status, manifest = prepared(folder)
    found, summary = scored(labels_of(folder, tmp_path / "odd"), plain, *REGIONS)

    assert (status, found) == (0, 0)
    assert [case.spacing_mm for case in manifest.cases] == [(1, 1, 1)] * 2
    assert summary["WT"]["dice"]["mean"] == 1
    assert "pixdim" not in "".join(capfd.readouterr())


def test_two_voxel_sizes_are_refused_by_all(brats, prepared, scored, tmp_path, capsys):
    folder = brats(np.diag([-2.5, -2.5, 2.5, 1]))
    poke(folder, pixdim=[1, 1, 1, 1, 0, 0, 0, 0])
    labels = labels_of(folder, tmp_path / "labels")

    sentence = "affine says voxels of 2.5 x 2.5 x 2.5 mm and its pixdim of 1 x 1 x 1 mm; find out"
    assert prepared(folder)[0] == 2
    assert "".join(capsys.readouterr()).count(sentence) == 10  # each file is named
    assert scored(labels, labels, *REGIONS)[0] == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("code", "unit_mm"), [(1, 1000.0), (3, 0.001)])
def test_lengths_in_other_units_become_millimetres(
    brats, prepared, scored, tmp_path, code, unit_mm
):
    folder = brats(AFFINE / [[unit_mm], [unit_mm], [unit_mm], [1]])
    poke(folder, xyzt_units=code)
    labels = labels_of(folder, tmp_path / "labels")
    moved = labels_of(folder, tmp_path / "moved")
    for path in moved.iterdir():
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.roll(LABEL, 2, axis=0), image.affine, image.header), path)

    status, manifest = prepared(folder)
    found, summary = scored(moved, labels, *REGIONS)

    assert (status, found) == (0, 0)
    assert manifest.cases[0].spacing_mm == (1, 1, 1)
    assert summary["WT"]["hd95_mm"]["mean"] == pytest.approx(2)  # two voxels of 1 mm


def test_five_voxels_of_four_tenths_of_a_millimetre_are_two_millimetres(tmp_path, scored):
    for name, first in (("reference", 2), ("prediction", 7)):
        mask = np.zeros((24, 8, 8), np.uint8)
        mask[first : first + 12, 2:6, 2:6] = 1
        (tmp_path / name).mkdir()
        affine = np.diag(np.float32([0.4, 0.4, 0.4, 1]))
        nib.save(nib.Nifti1Image(mask, affine), tmp_path / name / "a.nii.gz")

    status, summary = scored(tmp_path / "prediction", tmp_path / "reference")

    assert status == 0
    assert summary["label 1"]["nsd@2mm"]["mean"] == 1
    assert summary["label 1"]["nsd@1mm"]["mean"] < 1


def test_a_patient_under_two_names_stays_in_one_fold(brats, prepared, capsys):
    folder = brats()
    for path in list((folder / "BraTS2021_00001").iterdir()):
        there = folder / "BraTS2021_00009" / path.name.replace("00001", "00009")
        there.parent.mkdir(exist_ok=True)
        shutil.copy(path, there)

    status, manifest = prepared(folder, "brats", "--folds", "2")

    assert status == 0
    one, other, copy = manifest.cases
    assert one.fold == copy.fold != other.fold
    assert one.patient == copy.patient
    assert "one patient's: BraTS2021_00009 that of BraTS2021_00001" in capsys.readouterr().out


def test_links_to_nowhere_are_named_or_left_out(brats, prepared, capsys):
    folder = brats()
    for path in (folder / "BraTS2021_00002").iterdir():
        path.unlink()
        path.symlink_to(f"nowhere/{path.name}")

    assert prepared(folder)[0] == 2
    assert capsys.readouterr().err.count("a link to nowhere/BraTS2021_00002_") == 5
    status, manifest = prepared(folder, "brats", "--skip_bad")
    assert status == 0
    assert [case.id for case in manifest.cases] == ["BraTS2021_00001"]
    assert capsys.readouterr().err.count("a link to nowhere/BraTS2021_00002_") == 5


@pytest.mark.parametrize("suffix", [".mha", ".nhdr", ".hdr"])
def test_other_formats_are_prepared_and_scored(brats, prepared, scored, tmp_path, suffix):
    folder = brats(np.diag([-1.0, -2.0, 3.0, 1.0]))
    plain = labels_of(folder, tmp_path / "plain")
    for path in folder.rglob("*.nii.gz"):
        sitk.WriteImage(sitk.ReadImage(str(path)), str(path).replace(".nii.gz", suffix))
        path.unlink()
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.rglob("*_seg*"):
        shutil.copy(path, other)

    status, manifest = prepared(folder)
    found, summary = scored(other, plain, *REGIONS)

    assert (status, found) == (0, 0)
    assert [case.spacing_mm for case in manifest.cases] == [(1, 2, 3)] * 2
    assert summary["ET"]["dice"]["mean"] == 1


class TestPictures:
    DISC = (np.indices((40, 48)) ** 2).sum(axis=0) < 20**2

    @pytest.fixture
    def polyps(self, tmp_path):
        random = np.random.default_rng(0)
        for kind in ("images", "masks"):
            (tmp_path / "set" / kind).mkdir(parents=True)
        for number in range(3):
            picture = random.integers(0, 255, (40, 48, 3)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "set" / "images" / f"p{number}.png")
            mask = Image.fromarray(self.DISC.astype(np.uint8) * 255)
            mask.save(tmp_path / "set" / "masks" / f"p{number}.png")
        shutil.copytree(tmp_path / "set" / "masks", tmp_path / "plain")
        return tmp_path / "set"

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_the_alpha_channel_is_the_mask_where_it_alone_varies(
        self, polyps, prepared, scored, tmp_path, mode, capsys
    ):
        pixels = np.full((40, 48, 4), 255, np.uint8)
        pixels[..., 3] = self.DISC * 255
        Image.fromarray(pixels).convert(mode).save(polyps / "masks" / "p2.png")

        assert prepared(polyps, "polyp")[0] == 0
        assert "p2.png: only its alpha channel varies" in capsys.readouterr().out
        status, summary = scored(polyps / "masks", tmp_path / "plain")
        assert status == 0
        assert summary["foreground"]["dice"]["mean"] == 1
        status, official = scored(
            polyps / "masks", tmp_path / "plain", "--overwrite", protocol="polyp-pranet"
        )
        assert status == 0
        assert official["polyp"]["max_dice"]["mean"] == pytest.approx(1)

    @pytest.mark.parametrize("protocol", ["segmentation", "polyp-pranet"])
    def test_a_mask_that_a_tag_turns_is_refused(
        self, polyps, prepared, scored, tmp_path, protocol, capsys
    ):
        exif = Image.Exif()
        exif[274] = 3
        mask = Image.fromarray(self.DISC.astype(np.uint8) * 255)
        mask.rotate(180).save(polyps / "masks" / "p2.png", exif=exif)

        statuses = [
            prepared(polyps, "polyp")[0],
            scored(polyps / "masks", tmp_path / "plain", protocol=protocol)[0],
            scored(tmp_path / "plain", polyps / "masks", protocol=protocol)[0],
        ]

        assert statuses == [2, 2, 2]
        assert "".join(capsys.readouterr()).count("p2.png: its EXIF data turn or mirror it") == 3

    def test_a_list_of_cases_may_come_from_notepad(self, polyps, prepared, tmp_path):
        (tmp_path / "validation.txt").write_bytes(b"\xef\xbb\xbfp0\r\np1\r\n")

        status, manifest = prepared(polyps, "polyp", "--split", str(tmp_path / "validation.txt"))

        assert status == 0
        assert [case.fold for case in manifest.cases] == [0, 0, None]

    def test_a_list_that_parts_two_copies_is_refused(self, polyps, prepared, tmp_path, capsys):
        shutil.copy(polyps / "images" / "p0.png", polyps / "images" / "p2.png")
        (tmp_path / "validation.txt").write_text("p0\n")

        assert prepared(polyps, "polyp", "--split", str(tmp_path / "validation.txt"))[0] == 2
        assert (
            "tested on is also trained on, such as that of cases p0 and p2"
            in capsys.readouterr().err
        )

    @pytest.mark.parametrize("black", [1, 3])
    def test_empty_masks_are_counted_and_said(self, polyps, prepared, black, capsys):
        for number in range(black):
            path = polyps / "masks" / f"p{number}.png"
            Image.fromarray(np.zeros((40, 48), np.uint8)).save(path)

        assert prepared(polyps, "polyp")[0] == 0
        out, err = capsys.readouterr()
        assert f"region polyp: label 1; empty in {black} of 3 cases\n" in out
        assert ("region polyp is empty in every case; no network can learn it" in err) == (
            black == 3
        )

    def test_ids_that_clash_are_refused(self, polyps, prepared, capsys):
        for kind in ("images", "masks"):
            (polyps / kind / "p1.png").rename(polyps / kind / "p0_prob.png")

        assert prepared(polyps, "polyp")[0] == 2
        assert "case p0_prob: its mask would have the name of the probabilities of p0" in (
            capsys.readouterr().err
        )

    def test_named_regions_are_values_of_grey_or_palette(self, tmp_path, scored):
        indices = np.zeros((40, 48), np.uint8)
        indices[5:20, 5:20], indices[20:30, 5:20] = 1, 2
        for name, array in (("a", indices), ("b", np.where(indices == 2, 0, indices))):
            (tmp_path / name).mkdir()
            picture = Image.fromarray(array)
            if name == "b":
                picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] * 80)
            picture.save(tmp_path / name / "x.png")

        status, summary = scored(tmp_path / "b", tmp_path / "a", "--regions", "one=1", "two=2")

        assert status == 0
        assert summary["one"]["dice"]["mean"] == 1
        assert summary["two"]["dice"]["mean"] == 0
