import gzip
import warnings

import nibabel as nib
import numpy as np
import pytest

from inspire_med.data.nifti import (
    read_grid,
    read_volume,
    write_volume,
)
from inspire_med.errors import InputError
from inspire_med.reading.nifti import MAX_VOXELS

OBLIQUE = np.array(
    [
        [-1.99, -0.12, 0.03, 40.0],
        [-0.11, 1.95, -0.83, -31.0],
        [0.02, 0.41, 3.9, -17.0],
        [0, 0, 0, 1],
    ]
)
LPS = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
VOXELS = np.arange(60, dtype=np.int16).reshape(5, 4, 3)


@pytest.fixture
def good(tmp_path, write_nifti):
    return write_nifti(tmp_path / "scan.nii.gz", VOXELS, OBLIQUE)


def test_reads_voxels_affine_and_spacing(good):
    data, grid = read_volume(good)

    np.testing.assert_array_equal(data, VOXELS)
    assert data.dtype == np.float32
    np.testing.assert_allclose(grid.affine, OBLIQUE, atol=1e-6)
    # The length of the first column: sqrt(1.99^2 + 0.11^2 + 0.02^2).
    assert grid.spacing_mm[0] == pytest.approx(1.99314, abs=1e-5)


def test_applies_slope_and_intercept(tmp_path):
    image = nib.Nifti1Image(VOXELS, np.eye(4))
    image.header.set_slope_inter(0.5, 10)
    nib.save(image, tmp_path / "scaled.nii.gz")

    stored = nib.load(tmp_path / "scaled.nii.gz")
    data, _ = read_volume(tmp_path / "scaled.nii.gz")

    np.testing.assert_allclose(data, stored.get_fdata())


def test_reads_one_component_of_a_4d_file(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "four.nii.gz", np.stack([VOXELS, VOXELS + 100], axis=-1))

    np.testing.assert_array_equal(read_volume(path, 1)[0], VOXELS + 100)
    with pytest.raises(InputError, match=r"four\.nii\.gz: holds 2 volumes where one is expected"):
        read_volume(path)
    with pytest.raises(InputError, match="number 2, counted from 0, is asked for"):
        read_volume(path, 2)


def test_drops_a_fourth_axis_of_one(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "one.nii.gz", VOXELS[..., None])

    assert read_volume(path)[0].shape == VOXELS.shape


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no\.nii\.gz: no such file; check the path"):
        read_volume(tmp_path / "no.nii.gz")


def test_refuses_an_empty_file(tmp_path):
    (tmp_path / "e.nii.gz").touch()

    with pytest.raises(InputError, match=r"e\.nii\.gz: the file is empty; fetch"):
        read_grid(tmp_path / "e.nii.gz")


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_refuses_a_truncated_gz(tmp_path, write_nifti, kept):
    noise = np.random.default_rng(0).integers(0, 1000, (20, 20, 20)).astype(np.int16)
    path = write_nifti(tmp_path / "cut.nii.gz", noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])

    with pytest.raises(InputError, match=r"cut\.nii\.gz: truncated or corrupt .*; fetch"):
        read_volume(path)


def test_refuses_a_gz_whose_checksum_fails(good):
    damaged = bytearray(good.read_bytes())
    damaged[-8] ^= 0xFF  # the CRC stands in the last eight bytes
    good.write_bytes(damaged)

    with pytest.raises(InputError, match="truncated or corrupt"):
        read_volume(good)


def test_refuses_a_truncated_nii_before_reading_voxels(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "cut.nii", VOXELS)
    path.write_bytes(path.read_bytes()[:380])

    with pytest.raises(InputError, match="the header promises 120 bytes of voxels and the file"):
        read_grid(path)


def test_refuses_gz_that_is_not_compressed(tmp_path, write_nifti):
    plain = write_nifti(tmp_path / "plain.nii", VOXELS)
    wrong = plain.rename(tmp_path / "wrong.nii.gz")

    with pytest.raises(InputError, match=r"wrong\.nii\.gz: named \.gz but not compressed; rename"):
        read_volume(wrong)


def test_refuses_nii_that_is_compressed(good):
    wrong = good.rename(good.with_name("wrong.nii"))

    with pytest.raises(InputError, match=r"wrong\.nii: compressed but not named \.gz; rename"):
        read_volume(wrong)


def test_refuses_another_suffix(tmp_path):
    (tmp_path / "scan.mha").write_bytes(b"ObjectType = Image")

    with pytest.raises(InputError, match=r"scan\.mha: not a \.nii or \.nii\.gz file; convert"):
        read_volume(tmp_path / "scan.mha")


def test_refuses_text_named_nifti(tmp_path):
    (tmp_path / "page.nii").write_text("<html>404 not found</html>" * 50)

    with pytest.raises(InputError, match=r"page\.nii: not a NIfTI file"):
        read_volume(tmp_path / "page.nii")


def _with_dimensions(path, *dimensions):
    """Overwrite the header's dimensions (int16 from byte 40) and keep the voxels."""
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[40 : 40 + 2 * len(dimensions)] = np.array(dimensions, "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(raw)))


def test_refuses_a_header_that_promises_more_than_the_file_can_hold(good):
    _with_dimensions(good, 3, 2000, 2000, 2000)

    with pytest.raises(InputError, match="promises 16000000000 bytes of voxels and the file of"):
        read_grid(good)


def test_refuses_a_header_that_promises_a_little_more(good):
    _with_dimensions(good, 3, 5, 4, 4)

    with pytest.raises(InputError, match="truncated or corrupt"):
        read_volume(good)


def test_refuses_more_voxels_than_are_read(tmp_path):
    # Zeros pack a thousandfold: a small file may hold what a machine cannot.
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4))
    path = tmp_path / "bomb.nii.gz"
    raw = bytearray(image.to_bytes())
    raw[40:48] = np.array([3, 2048, 1024, 1024], "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(raw)) + b"\0" * (MAX_VOXELS * 2 // 1000))

    with pytest.raises(InputError, match="voxels are more than the"):
        read_grid(path)


def test_refuses_a_gz_that_unpacks_to_more_than_its_header_says(good):
    raw = gzip.decompress(good.read_bytes())
    good.write_bytes(gzip.compress(raw + b"\0" * 2**22))

    with pytest.raises(InputError, match="it holds more than its header says"):
        read_volume(good)


@pytest.mark.parametrize(
    "dimensions", [(3, -1, 4, 3), (3, 0, 4, 3), (2, 5, 12, 1), (5, 5, 4, 3, 1, 2)]
)
def test_refuses_shapes_that_are_no_volume(good, dimensions):
    _with_dimensions(good, *dimensions)

    with pytest.raises(InputError, match=r"scan\.nii\.gz: "):
        read_volume(good)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_voxels_that_are_not_finite(tmp_path, write_nifti, value):
    data = VOXELS.astype(np.float32)
    data[1, 1, 1] = value
    path = write_nifti(tmp_path / "nan.nii.gz", data)

    with pytest.raises(InputError, match=r"nan\.nii\.gz: 1 voxels are NaN or infinite; export"):
        read_volume(path)


def test_refuses_an_affine_without_volume(tmp_path):
    raw = bytearray(nib.Nifti1Image(VOXELS, OBLIQUE).to_bytes())
    raw[280:296] = bytes(16)  # the sform's first row
    (tmp_path / "flat.nii").write_bytes(raw)

    with pytest.raises(InputError, match="no usable voxel size or affine"):
        read_volume(tmp_path / "flat.nii")


def _complaint(path):
    with warnings.catch_warnings():
        # Random slopes overflow float32; the check for infinities refuses them.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            read_volume(path)
        except InputError as error:
            return str(error)
    return None


def test_answers_any_damage_of_the_header_with_one_sentence(tmp_path, write_nifti):
    whole = write_nifti(tmp_path / "base.nii", VOXELS, OBLIQUE).read_bytes()
    random = np.random.default_rng(0)
    path = tmp_path / "fuzz.nii"
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for place in random.integers(0, 348, int(random.integers(1, 6))):
            damaged[place] = int(random.integers(256))
        path.write_bytes(damaged)
        message = _complaint(path)
        refused += message is not None
        assert message is None or message.startswith(f"{path}: ")
    assert refused > 50


@pytest.mark.parametrize(
    "affine", [np.diag([2.0, 2, 3, 1]), LPS, OBLIQUE], ids=["ras", "lps", "oblique"]
)
@pytest.mark.parametrize("codes", [(1, 1), (2, 1), (0, 2), (1, 0)])
def test_written_volume_has_the_grid_and_codes_of_its_model(tmp_path, affine, codes):
    image = nib.Nifti1Image(VOXELS, affine)
    image.set_qform(affine, code=codes[0], strip_shears=True)
    image.set_sform(affine, code=codes[1])
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "model.nii.gz")
    grid = read_grid(tmp_path / "model.nii.gz")
    record = {"affine": grid.affine.tolist(), "header": dict(grid.header)}

    write_volume(tmp_path / "out.nii.gz", VOXELS.astype(np.uint8), record)

    written, model = nib.load(tmp_path / "out.nii.gz"), nib.load(tmp_path / "model.nii.gz")
    np.testing.assert_allclose(written.affine, model.affine, atol=1e-5)
    assert (int(written.header["qform_code"]), int(written.header["sform_code"])) == codes
    assert written.header.get_xyzt_units() == ("mm", "sec")
    assert written.get_data_dtype() == np.uint8
    assert nib.aff2axcodes(written.affine) == nib.aff2axcodes(model.affine)
    np.testing.assert_array_equal(written.get_fdata(), VOXELS)


@pytest.mark.parametrize(
    "kind", [np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), np.dtype(np.complex64)]
)
def test_refuses_colours_and_complex_numbers(tmp_path, write_nifti, kind):
    path = write_nifti(tmp_path / "a.nii.gz", np.zeros((3, 4, 5), kind))

    with pytest.raises(InputError, match=r"a\.nii\.gz: its voxels are colours or complex numbers"):
        read_volume(path)
