import gzip
import warnings

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses

from inspire_med.errors import InputError
from inspire_med.imaging.grid import same_grid
from inspire_med.imaging.volume import (
    count_components,
    is_volume,
    read_grid,
    read_volume,
    write_volume,
)

OBLIQUE = np.array(
    [
        [-1.99, -0.12, 0.03, 40.0],
        [-0.11, 1.95, -0.83, -31.0],
        [0.02, 0.41, 3.9, -17.0],
        [0, 0, 0, 1],
    ]
)
TURNED = np.array(
    [[-1.6, 0.9, 0, 40], [1.2, 1.2, 0, -31], [0, 0, 4, -17], [0, 0, 0, 1]]
)  # sizes 2, 1.5, 4; ITK takes no shear
LPS = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
VOXELS = np.arange(60, dtype=np.int16).reshape(5, 4, 3)


@pytest.fixture
def good(tmp_path, write_nifti):
    return write_nifti(tmp_path / "scan.nii.gz", VOXELS, OBLIQUE)


@pytest.fixture
def turned(tmp_path, write_nifti):
    return write_nifti(tmp_path / "turned.nii.gz", VOXELS, TURNED)


def test_reads_voxels_affine_and_spacing(good):
    volume = read_volume(good)
    data, grid = volume.values, volume.grid

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
    data = read_volume(tmp_path / "scaled.nii.gz").values

    np.testing.assert_allclose(data, stored.get_fdata())


def test_reads_one_component_of_a_4d_file(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "four.nii.gz", np.stack([VOXELS, VOXELS + 100], axis=-1))

    assert count_components(path) == 2
    assert read_grid(path, 1).shape == VOXELS.shape
    one = read_volume(path, 1).values
    np.testing.assert_array_equal(one, VOXELS + 100)
    assert one.base is None or one.base.nbytes == one.nbytes  # no view that keeps the others
    with pytest.raises(InputError, match=r"four\.nii\.gz: holds 2 volumes where one is expected"):
        read_volume(path)
    with pytest.raises(InputError, match="number 2, counted from 0, is asked for"):
        read_volume(path, 2)


def test_drops_a_fourth_axis_of_one(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "one.nii.gz", VOXELS[..., None])

    assert read_volume(path).values.shape == VOXELS.shape


@pytest.mark.parametrize(
    "dimensions", [(3, -1, 4, 3), (3, 0, 4, 3), (2, 5, 12, 1), (5, 5, 4, 3, 1, 2)]
)
def test_refuses_shapes_that_are_no_volume(good, dimensions, with_dimensions):
    with_dimensions(good, *dimensions)

    with pytest.raises(InputError, match=r"scan\.nii\.gz: "):
        read_volume(good)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_voxels_that_are_not_finite(tmp_path, write_nifti, value):
    data = VOXELS.astype(np.float32)
    data[1, 1, 1] = value
    path = write_nifti(tmp_path / "nan.nii.gz", data)

    with pytest.raises(InputError, match=r"nan\.nii\.gz: NaN or infinite in 1 voxel; export"):
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
    example = read_volume(tmp_path / "model.nii.gz")

    write_volume(tmp_path / "out.nii.gz", VOXELS.astype(np.uint8), example.grid, example.header)

    written, model = nib.load(tmp_path / "out.nii.gz"), nib.load(tmp_path / "model.nii.gz")
    np.testing.assert_allclose(written.affine, model.affine, atol=1e-5)
    assert (int(written.header["qform_code"]), int(written.header["sform_code"])) == codes
    assert written.header.get_xyzt_units() == ("mm", "sec")
    assert written.get_data_dtype() == np.uint8
    assert nib.aff2axcodes(written.affine) == nib.aff2axcodes(model.affine)
    np.testing.assert_array_equal(written.get_fdata(), VOXELS)


@pytest.mark.parametrize(
    "name", ["a.nii", "a.mha", "a.mhd", "a.nrrd", "a.nhdr", "a.hdr", "A.NII.GZ"]
)
def test_every_format_gives_the_same_volume(turned, tmp_path, name):
    image = sitk.ReadImage(str(turned))
    sitk.WriteImage(image, str(tmp_path / name.lower()))
    (tmp_path / name.lower()).rename(tmp_path / name)

    found, expected = read_volume(tmp_path / name), read_volume(turned)

    assert is_volume(tmp_path / name)
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.values.dtype == np.float32
    assert found.values.flags.forc
    assert same_grid(found.grid, expected.grid)
    assert same_grid(read_grid(tmp_path / name), expected.grid)
    np.testing.assert_allclose(found.grid.affine, expected.grid.affine, atol=1e-4)
    assert found.header.units[0] == "mm"


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd"])
def test_what_was_read_from_another_format_is_written_as_nifti(turned, tmp_path, name):
    sitk.WriteImage(sitk.ReadImage(str(turned)), str(tmp_path / name))
    volume = read_volume(tmp_path / name)

    write_volume(tmp_path / "b.nii.gz", volume.values, volume.grid, volume.header)

    found = read_volume(tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(found.values, VOXELS)
    assert same_grid(found.grid, volume.grid)
    assert (found.header.qform_code, found.header.sform_code) == (1, 1)


def test_refuses_another_name(tmp_path):
    (tmp_path / "a.img").write_bytes(b"voxels")

    with pytest.raises(
        InputError, match=r"a\.img: not a volume's name .* or give the header beside"
    ):
        read_volume(tmp_path / "a.img")


def test_an_unused_quaternion_that_is_broken_is_not_written_on(tmp_path, good):
    raw = bytearray(gzip.decompress(good.read_bytes()))
    raw[252:254] = b"\1\0"  # qform_code
    raw[256:260] = np.array([5], "<f4").tobytes()  # quatern_b
    (tmp_path / "b.nii").write_bytes(raw)
    volume = read_volume(tmp_path / "b.nii")

    write_volume(tmp_path / "c.nii", volume.values, volume.grid, volume.header)

    written = nib.load(tmp_path / "c.nii")
    np.testing.assert_allclose(written.affine, OBLIQUE, atol=1e-5)
    assert (int(written.header["qform_code"]), int(written.header["sform_code"])) == (0, 2)


@pytest.mark.parametrize(
    "kind", [np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), np.dtype(np.complex64)]
)
def test_refuses_colours_and_complex_numbers(tmp_path, write_nifti, kind):
    path = write_nifti(tmp_path / "a.nii.gz", np.zeros((3, 4, 5), kind))

    with pytest.raises(
        InputError, match=r"a\.nii\.gz: its voxels are colours, vectors or complex numbers"
    ):
        read_volume(path)
