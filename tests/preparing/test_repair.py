"""Mended copies: what was done is right voxel by voxel, and the source is as it was."""

import csv
import gzip
import shutil

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from PIL import Image

from inspire_med.cases.checking.repair import Workshop
from inspire_med.cases.checking.verdict import Expectation
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.imaging.labels import read_labels
from inspire_med.imaging.resample import to_itk
from inspire_med.imaging.volume import read_volume
from inspire_med.prepare import main as prepare

NAME = "BraTS20_Training_001"


@pytest.fixture
def discs(disc_images, tmp_path):
    folder = tmp_path / "discs"
    shutil.copytree(disc_images.parent, folder, ignore=shutil.ignore_patterns("*.json"))
    return folder


@pytest.fixture
def mend(tmp_path):
    """Run prepare --repair; exit status and the rows of its report, by file name."""

    def run(folder, *words, task="brats"):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        out = ["--out", str(tmp_path / "m.json"), "--repair", str(tmp_path / "mended")]
        status = prepare(["--task", task, "--source", str(folder), *out, *words])
        assert {path: path.read_bytes() for path in before} == before  # the source is as it was
        report = tmp_path / "mended" / "repair.csv"
        rows = csv.DictReader(report.read_text().splitlines()) if report.is_file() else []
        return status, {row["file"].rpartition("/")[2]: row for row in rows}

    return run


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def files(root, kind):
    return root / NAME / f"{NAME}_{kind}.nii.gz"


def rewrite(path, change):
    """Change the raw bytes of a packed NIfTI."""
    raw = bytearray(gzip.decompress(path.read_bytes()))
    change(raw)
    path.write_bytes(gzip.compress(bytes(raw)))


def test_what_is_right_is_linked_and_the_manifest_is_of_the_copies(brats, tmp_path, mend):
    image = nib.load(files(brats, "t1"))
    values = image.get_fdata(dtype=np.float32)
    values[3, 4, 5] = np.nan
    nib.save(nib.Nifti1Image(values, image.affine), files(brats, "t1"))

    status, report = mend(brats)

    assert status == 0
    assert report[f"{NAME}_t1.nii.gz"]["cause"] == "NaN or infinite in 1 voxel, set to 0"
    assert list(report) == [f"{NAME}_t1.nii.gz"]
    mended = tmp_path / "mended"
    assert files(mended, "t2").resolve() == files(brats, "t2").resolve()
    assert not files(mended, "t1").is_symlink()
    values[3, 4, 5] = 0
    assert np.array_equal(read_volume(files(mended, "t1")).values, values)
    manifest = Manifest.load(tmp_path / "m.json")
    assert len(manifest.cases) == 4
    assert all(case.label.is_relative_to(mended) for case in manifest.cases)
    assert (
        prepare(["--task", "brats", "--source", str(mended), "--out", str(tmp_path / "n.json")])
        == 0
    )


def test_a_label_on_another_grid_is_brought_onto_the_image(brats, tmp_path, mend):
    own = read_labels(files(brats, "seg"))
    fine = np.repeat(own.labels, 2, axis=2)  # 1 mm slices in place of 2 mm
    affine = own.affine @ np.diag([1, 1, 0.5, 1])
    affine[:3, 3] = (own.affine @ [0, 0, -0.25, 1])[:3]
    nib.save(nib.Nifti1Image(fine.astype(np.uint8), affine), files(brats, "seg"))

    status, report = mend(brats)

    assert status == 0
    assert "resampled to the grid of" in report[f"{NAME}_seg.nii.gz"]["cause"]
    back = read_labels(files(tmp_path / "mended", "seg"))
    assert np.array_equal(back.labels, own.labels)
    assert np.allclose(back.affine, own.affine)


def test_a_label_that_its_header_puts_elsewhere_is_not_guessed(brats, tmp_path, mend, capsys):
    own = read_labels(files(brats, "seg"))
    nib.save(nib.Nifti1Image(own.labels, np.eye(4)), files(brats, "seg"))  # its header is lost

    status, report = mend(brats)

    assert status == 2
    row = report[f"{NAME}_seg.nii.gz"]
    assert row["verdict"] == "fault"
    assert "of its label lies outside of" in row["cause"]
    assert "1 fault named above without a way to mend, no manifest" in capsys.readouterr().err
    assert not (tmp_path / "m.json").exists()
    assert not files(tmp_path / "mended", "seg").exists()


def test_the_rest_is_prepared_when_asked(brats, tmp_path, mend):
    files(brats, "t1").write_bytes(files(brats, "t1").read_bytes()[:100])

    status, report = mend(brats, "--skip_bad")

    assert status == 0
    assert "truncated or corrupt" in report[f"{NAME}_t1.nii.gz"]["cause"]
    assert len(Manifest.load(tmp_path / "m.json").cases) == 3


def test_labels_near_whole_numbers_are_rounded(brats, tmp_path, mend):
    own = read_labels(files(brats, "seg"))
    nib.save(nib.Nifti1Image(own.labels * np.float32(1.02), own.affine), files(brats, "seg"))

    status, report = mend(brats)

    assert status == 0
    assert report[f"{NAME}_seg.nii.gz"]["cause"] == "rounded to whole numbers"
    assert np.array_equal(read_labels(files(tmp_path / "mended", "seg")).labels, own.labels)


def test_labels_between_labels_are_not_guessed(brats, mend):
    own = read_labels(files(brats, "seg"))
    nib.save(nib.Nifti1Image(own.labels * np.float32(0.6), own.affine), files(brats, "seg"))

    status, report = mend(brats)

    assert status == 2
    assert "values between labels" in report[f"{NAME}_seg.nii.gz"]["cause"]


def test_a_scan_on_another_grid_is_resampled_where_both_overlap(brats, tmp_path, mend):
    own = read_volume(files(brats, "t2"))
    affine = own.grid.affine.copy()
    affine[:3, 3] += affine[:3, 2]  # one slice further up
    nib.save(nib.Nifti1Image(own.values, affine), files(brats, "t2"))

    status, report = mend(brats)

    assert status == 0
    assert "resampled linearly to the grid" in report[f"{NAME}_t2.nii.gz"]["cause"]
    back = read_volume(files(tmp_path / "mended", "t2"))
    assert np.allclose(back.values[..., 1:], own.values[..., :-1], atol=1e-3)
    assert np.allclose(back.grid.affine, own.grid.affine)


def test_metres_become_millimetres(brats, tmp_path, mend):
    own = read_volume(files(brats, "t1")).grid

    def in_metres(raw):
        header = nib.Nifti1Header(bytes(raw[:348]))
        header["xyzt_units"] = 1
        for row in ("srow_x", "srow_y", "srow_z"):
            header[row] /= 1000
        header["pixdim"][1:4] /= 1000
        raw[:348] = header.binaryblock

    for kind in ("flair", "t1", "t1ce", "t2", "seg"):
        rewrite(files(brats, kind), in_metres)
    assert np.allclose(read_volume(files(brats, "t1")).grid.affine, own.affine)

    # Fewer than five cases have no outliers, but a fault takes its whole case along.
    image = nib.load(files(brats, "flair"))
    values = image.get_fdata(dtype=np.float32)
    values[0, 0, 0] = np.inf
    nib.save(nib.Nifti1Image(values, image.affine, image.header), files(brats, "flair"))
    status, report = mend(brats)

    assert status == 0
    assert report[f"{NAME}_t1.nii.gz"]["cause"] == "lengths turned from meters to millimetres"
    header = nib.load(files(tmp_path / "mended", "t1")).header
    assert header.get_xyzt_units()[0] == "mm"
    assert np.allclose(header.get_best_affine(), own.affine)


def test_a_case_stored_otherwise_is_turned_as_its_set_lies(brats, tmp_path, mend):
    for number in (7, 8):
        shutil.copytree(brats / NAME, brats / f"BraTS20_Training_00{number}")
        for path in (brats / f"BraTS20_Training_00{number}").iterdir():
            path.rename(path.with_name(path.name.replace("001", f"00{number}")))
    shown = {kind: read_volume(files(brats, kind)) for kind in ("flair", "t1", "t1ce", "t2")}
    for kind in (*shown, "seg"):
        nib.save(nib.as_closest_canonical(nib.load(files(brats, kind))), files(brats, kind))

    status, report = mend(brats)

    assert status == 0
    assert {row["cause"] for row in report.values()} == {"axes put in the order LPS"}
    assert len(report) == 5
    for kind, volume in shown.items():
        back = read_volume(files(tmp_path / "mended", kind))
        assert np.array_equal(back.values, volume.values)
        assert np.allclose(back.grid.affine, volume.grid.affine)


@pytest.mark.parametrize("packed", [True, False])
def test_names_that_do_not_say_whether_a_file_is_packed(brats, tmp_path, mend, packed):
    """nii.gz that is not compressed, and nii that is."""
    path = files(brats, "t1")
    own = read_volume(path)
    if packed:
        path.rename(path.with_suffix(""))  # x.nii, compressed
    else:
        path.write_bytes(gzip.decompress(path.read_bytes()))

    status, report = mend(brats)

    assert status == 0
    name = path.name.removesuffix(".gz") if packed else path.name
    assert report[name]["cause"] == ("unpacked" if packed else "compressed as its name says")
    back = read_volume(tmp_path / "mended" / NAME / name)
    assert np.array_equal(back.values, own.values)


def test_an_mha_stays_one(brats, tmp_path, mend):
    for path in list(brats.rglob("*.nii.gz")):
        image = sitk.ReadImage(str(path))
        if path == files(brats, "t1"):
            image = sitk.Cast(image, sitk.sitkFloat32)
            image[1, 2, 3] = float("nan")
        sitk.WriteImage(image, str(path.with_name(path.name.replace(".nii.gz", ".mha"))))
        path.unlink()

    status, report = mend(brats)

    assert status == 0
    name = f"{NAME}_t1.mha"
    assert report[name]["cause"] == "NaN or infinite in 1 voxel, set to 0"
    own, back = (
        read_volume(brats / NAME / name.replace("t1", "t2")),
        read_volume(tmp_path / "mended" / NAME / name),
    )
    assert np.allclose(own.grid.affine, back.grid.affine)
    assert back.values[1, 2, 3] == 0


def turned(path, tag):
    """Store a picture so that its tag brings it back to what it was."""
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[tag]
    with Image.open(path) as image:
        stored = image.transpose(back)
    exif = Image.Exif()
    exif[274] = tag
    stored.save(path, exif=exif)


@pytest.mark.parametrize("tag", [3, 6])
def test_pictures_are_turned_upright_by_their_tags(discs, tmp_path, mend, tag):
    shown = pixels(discs / "images" / "disc2.png")
    turned(discs / "images" / "disc2.png", tag)

    status, report = mend(discs, task="polyp")

    assert status == 0
    assert report["disc2.png"]["cause"] == "turned upright by its EXIF tag"
    with Image.open(tmp_path / "mended" / "images" / "disc2.png") as back:
        assert np.array_equal(np.asarray(back), shown)
        assert back.getexif().get(274, 1) == 1


def test_a_quarter_turn_is_left_out_where_the_mask_lies_on_the_stored_pixels(discs, tmp_path, mend):
    path = discs / "images" / "disc2.png"
    stored = pixels(path)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(stored).save(path, exif=exif)

    status, report = mend(discs, task="polyp")

    assert status == 0
    assert "its EXIF turn left out" in report["disc2.png"]["cause"]
    assert np.array_equal(pixels(tmp_path / "mended" / "images" / "disc2.png"), stored)


def test_sixteen_bits_become_eight(discs, tmp_path, mend):
    grey = np.arange(48 * 40, dtype=np.uint16).reshape(48, 40) * 34
    Image.fromarray(grey).save(discs / "images" / "disc1.png")
    Image.fromarray((grey > 30000).astype(np.uint16) * 65535).save(discs / "masks" / "disc1.png")

    status, _ = mend(discs, task="polyp")

    assert status == 0
    image = pixels(tmp_path / "mended" / "images" / "disc1.png")
    assert np.array_equal(image, np.rint(grey / 257))
    mask = pixels(tmp_path / "mended" / "masks" / "disc1.png")
    assert np.array_equal(mask, (grey > 30000) * 255)


def test_a_mask_of_half_the_size_is_enlarged_and_one_of_another_shape_is_not(discs, tmp_path, mend):
    for number, size in ((0, (20, 24)), (1, (40, 24))):
        with Image.open(discs / "masks" / f"disc{number}.png") as mask:
            mask.resize(size, Image.Resampling.NEAREST).save(discs / "masks" / f"disc{number}.png")

    status, report = mend(discs, "--skip_bad", task="polyp")

    assert status == 0
    assert report["disc0.png"]["cause"] == "resampled to 40 x 48, nearest neighbour"
    assert pixels(tmp_path / "mended" / "masks" / "disc0.png").shape == (48, 40)
    assert report["disc1.png"]["cause"] == "40 x 24 is no other size of 40 x 48"
    assert [case.id for case in Manifest.load(tmp_path / "m.json").cases] == [
        "disc0", "disc2", "disc3", "disc4", "disc5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("brats/inside", "lie in each other"),
        (".", "holds other things than a repair"),
        ("mine", "exists already"),
    ],
)
def test_no_folder_of_somebodys_is_used(brats, tmp_path, capsys, place, words):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    more = ["--overwrite"] if words != "exists already" else []
    out = ["--out", str(tmp_path / "m.json"), "--repair", str(tmp_path / place), *more]

    assert prepare(["--task", "brats", "--source", str(brats), *out]) == 2

    assert words in capsys.readouterr().err
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"
    assert not (brats / "inside").exists()


def test_a_file_beside_the_source_has_no_place_in_the_copy(tmp_path):
    workshop = Workshop((tmp_path / "set",), tmp_path / "mended", Expectation(("t1",), (0, 1)), {})

    inside = tmp_path / "set" / "images" / ".." / "a.nii.gz"
    assert workshop.place(inside) == tmp_path / "mended" / "a.nii.gz"
    with pytest.raises(InputError, match=r"raw/a.nii.gz: lies outside of --source"):
        workshop.place(tmp_path / "set" / ".." / "raw" / "a.nii.gz")


def test_an_earlier_repair_is_replaced_when_asked(brats, mend):
    assert mend(brats)[0] == 0
    assert mend(brats)[0] == 2
    assert mend(brats, "--overwrite")[0] == 0


def write_in_two_files(path, values, grid, packed):
    """A header, and the voxels in a file of their own."""
    if path.suffix == ".hdr":
        nib.save(nib.Nifti1Pair(values, grid.affine), path)
    else:
        sitk.WriteImage(to_itk(values, grid), str(path), useCompression=packed)


@pytest.mark.parametrize(
    ("ending", "packed"),
    [(".mhd", False), (".mhd", True), (".nhdr", False), (".nhdr", True), (".hdr", False)],
)
def test_headers_keep_their_voxels_beside_them(brats, tmp_path, mend, ending, packed):
    """Of a case that is at fault and of those that are only linked."""
    values = {}
    for number in (2, 3):
        shutil.rmtree(brats / f"BraTS20_Training_00{number}")
    for path in list(brats.rglob("*.nii.gz")):
        own = read_volume(path)
        voxels = own.values.astype(np.uint8 if "_seg" in path.name else np.float32)
        if path == files(brats, "t1"):
            voxels[1, 2, 3] = np.nan
        place = path.with_name(path.name.replace(".nii.gz", ending))
        write_in_two_files(place, voxels, own.grid, packed)
        path.unlink()
        values[place.relative_to(brats)] = np.nan_to_num(voxels), own.grid.affine
    assert len(values) == 10
    assert len(list(brats.rglob("*.*"))) == 20

    status, report = mend(brats)

    assert status == 0
    assert list(report) == [f"{NAME}_t1{ending}"]
    for name, (voxels, affine) in values.items():
        back = read_volume(tmp_path / "mended" / name)
        assert np.array_equal(back.values, voxels)
        assert np.allclose(back.grid.affine, affine)
    out = ["--source", str(tmp_path / "mended"), "--out", str(tmp_path / "n.json")]
    assert prepare(["--task", "brats", *out]) == 0
