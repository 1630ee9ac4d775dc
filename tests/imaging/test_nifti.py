import gzip

import nibabel as nib
import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.imaging.nifti import open_nifti
from inspire_med.imaging.stored import MAX_VOXELS
from inspire_med.imaging.volume import read_volume

VOXELS = np.arange(60, dtype=np.int16).reshape(5, 4, 3)


@pytest.fixture
def good(tmp_path, write_nifti):
    return write_nifti(tmp_path / "scan.nii.gz", VOXELS)


def _read(path):
    return open_nifti(path).read(None)


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no\.nii\.gz: no such file; check the path"):
        _read(tmp_path / "no.nii.gz")


def test_refuses_an_empty_file(tmp_path):
    (tmp_path / "e.nii.gz").touch()

    with pytest.raises(InputError, match=r"e\.nii\.gz: the file is empty; fetch"):
        open_nifti(tmp_path / "e.nii.gz")


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_refuses_a_truncated_gz(tmp_path, write_nifti, kept):
    noise = np.random.default_rng(0).integers(0, 1000, (20, 20, 20)).astype(np.int16)
    path = write_nifti(tmp_path / "cut.nii.gz", noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])

    with pytest.raises(InputError, match=r"cut\.nii\.gz: truncated or corrupt .*; fetch"):
        _read(path)


@pytest.mark.parametrize("voxels", [0, 1, 2, 119])
def test_refuses_a_whole_gz_of_too_few_voxels(tmp_path, write_nifti, voxels):
    path = write_nifti(tmp_path / "few.nii.gz", np.full((6, 5, 4), 7, np.int16))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[: 352 + 2 * voxels]))

    with pytest.raises(
        InputError, match=r"few\.nii\.gz: truncated or corrupt .*its voxels.*; fetch"
    ):
        _read(path)


def test_refuses_a_gz_whose_checksum_fails(good):
    damaged = bytearray(good.read_bytes())
    damaged[-8] ^= 0xFF  # the CRC stands in the last eight bytes
    good.write_bytes(damaged)

    with pytest.raises(InputError, match="truncated or corrupt"):
        _read(good)


def test_refuses_a_truncated_nii_before_reading_voxels(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "cut.nii", VOXELS)
    path.write_bytes(path.read_bytes()[:380])

    with pytest.raises(InputError, match="the header promises 120 bytes of voxels and the file"):
        open_nifti(path)


def test_refuses_gz_that_is_not_compressed(tmp_path, write_nifti):
    plain = write_nifti(tmp_path / "plain.nii", VOXELS)
    wrong = plain.rename(tmp_path / "wrong.nii.gz")

    with pytest.raises(InputError, match=r"wrong\.nii\.gz: named \.gz but not compressed; rename"):
        _read(wrong)


def test_refuses_nii_that_is_compressed(good):
    wrong = good.rename(good.with_name("wrong.nii"))

    with pytest.raises(InputError, match=r"wrong\.nii: compressed but not named \.gz; rename"):
        _read(wrong)


def test_refuses_text_named_nifti(tmp_path):
    (tmp_path / "page.nii").write_text("<html>404 not found</html>" * 50)

    with pytest.raises(InputError, match=r"page\.nii: not a NIfTI file"):
        _read(tmp_path / "page.nii")


def test_refuses_a_header_that_promises_more_than_the_file_can_hold(good, with_dimensions):
    with_dimensions(good, 3, 2000, 2000, 2000)

    with pytest.raises(InputError, match="promises 16000000000 bytes of voxels and the file of"):
        open_nifti(good)


@pytest.mark.parametrize("size", [-1, 0])
def test_refuses_an_axis_without_voxels(good, with_dimensions, size):
    with_dimensions(good, 3, size, 4, 3)

    with pytest.raises(InputError, match=rf"its shape \({size}, 4, 3\) is not that of a volume"):
        open_nifti(good)


def test_refuses_a_header_that_promises_a_little_more(good, with_dimensions):
    with_dimensions(good, 3, 5, 4, 4)

    with pytest.raises(InputError, match="truncated or corrupt"):
        _read(good)


def test_refuses_a_header_that_promises_voxels_far_beyond_the_end(good):
    raw = bytearray(gzip.decompress(good.read_bytes()))
    raw[108:112] = np.array([1e9], "<f4").tobytes()  # vox_offset
    good.write_bytes(gzip.compress(bytes(raw)))

    with pytest.raises(InputError, match=r"the header promises .* bytes of voxels and the file"):
        open_nifti(good)


def test_refuses_more_voxels_than_are_read(tmp_path):
    # Zeros pack a thousandfold: a small file may hold what a machine cannot.
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4))
    path = tmp_path / "bomb.nii.gz"
    raw = bytearray(image.to_bytes())
    raw[40:48] = np.array([3, 2048, 1024, 1024], "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(raw)) + b"\0" * (MAX_VOXELS * 2 // 1000))

    with pytest.raises(InputError, match="voxels are more than the"):
        open_nifti(path)


def test_refuses_a_gz_that_unpacks_to_more_than_its_header_says(good):
    raw = gzip.decompress(good.read_bytes())
    good.write_bytes(gzip.compress(raw + b"\0" * 2**22))

    with pytest.raises(InputError, match="it holds more than its header says"):
        _read(good)


# The sform of SHIFTED; what does not decide says something else in each test below.
SHIFTED = np.array([[-2.0, 0, 0, 7], [0, -2, 0, 8], [0, 0, 2.5, 9], [0, 0, 0, 1]])


@pytest.fixture
def poked(tmp_path):
    """A .nii of a given affine and codes with fields of its header overwritten."""

    def write(affine=SHIFTED, codes=(0, 1), **fields):
        image = nib.Nifti1Image(VOXELS, affine)
        image.set_qform(affine, code=codes[0])
        image.set_sform(affine, code=codes[1])
        for name, value in fields.items():
            image.header[name] = value
        image.header["vox_offset"] = fields.get("vox_offset", 352)
        path = tmp_path / "a.nii"
        path.write_bytes(image.header.binaryblock + bytes(4) + VOXELS.tobytes("F"))
        return path

    return write


@pytest.mark.parametrize(
    "fields",
    [
        {"pixdim": [1, -2, -2, -2.5, 1, 1, 1, 1]},
        {"pixdim": [1, 0, 0, 0, 1, 1, 1, 1]},
        {"pixdim": [1, np.nan, 2, 2.5, 1, 1, 1, 1]},
        {"pixdim": [np.nan, 2, 2, 2.5, 1, 1, 1, 1]},
        {"pixdim": [1, 2.01, 1.99, 2.5, 1, 1, 1, 1]},  # rounded
        {"quatern_b": 0, "quatern_c": 0, "quatern_d": 1.00000024},
        {"quatern_b": 5, "quatern_c": 3},
        {"quatern_b": np.nan, "qoffset_x": np.inf},
        {"xyzt_units": 0},
        {"xyzt_units": 7},  # no unit at all
    ],
)
@pytest.mark.parametrize("qform_code", [0, 1])
def test_where_the_sform_decides_nothing_else_is_read_and_nothing_is_said(
    poked, fields, qform_code, capfd, caplog
):
    stored = open_nifti(poked(codes=(qform_code, 1), **fields))

    np.testing.assert_array_equal(stored.affine, SHIFTED)
    assert (capfd.readouterr(), caplog.text) == (("", ""), "")


@pytest.mark.parametrize("size", [-2, 0, np.nan])
def test_a_quaternion_beside_a_broken_voxel_size_is_not_handed_on(poked, size):
    fine = open_nifti(poked(codes=(1, 2))).header
    broken = open_nifti(poked(codes=(1, 2), pixdim=[1, size, 2, 2.5, 1, 1, 1, 1])).header

    np.testing.assert_allclose(fine.qform, SHIFTED)
    assert (fine.qform_code, fine.sform_code) == (1, 2)
    assert (broken.qform, broken.qform_code, broken.sform_code) == (None, 0, 2)


def test_an_sform_without_code_is_not_read(poked):
    path = poked(codes=(1, 0), srow_x=[np.nan] * 4)

    np.testing.assert_allclose(open_nifti(path).affine, SHIFTED)


def test_a_quaternion_that_is_rounded_up_still_decides(poked):
    affine = np.diag([-2.0, -2, 2.5, 1])
    path = poked(affine, codes=(1, 0), quatern_b=0, quatern_c=0, quatern_d=1.00000024)

    np.testing.assert_allclose(open_nifti(path).affine, affine, atol=1e-6)


def test_a_quaternion_that_is_no_rotation_does_not_decide(poked):
    with pytest.raises(InputError, match=r"a\.nii: its header has no usable voxel size or affine"):
        open_nifti(poked(codes=(1, 0), quatern_b=5))


@pytest.mark.parametrize("offset", [0, 100, np.nan, -np.inf])
def test_refuses_voxels_that_begin_within_the_header(poked, offset):
    with pytest.raises(InputError, match=r"a\.nii: not a NIfTI file \((.*offset|.*begin|cannot)"):
        open_nifti(poked(vox_offset=offset))


def test_without_codes_the_voxel_size_alone_decides_as_in_nibabel(poked):
    path = poked(codes=(0, 0))

    # centre at the origin: voxel (2, 1.5, 1) of (5, 4, 3), i from right to left
    expected = [[-2, 0, 0, 4], [0, 2, 0, -3], [0, 0, 2.5, -2.5], [0, 0, 0, 1]]
    np.testing.assert_allclose(open_nifti(path).affine, expected)


@pytest.mark.parametrize("codes", [(1, 0), (0, 0)])
@pytest.mark.parametrize("size", [0, -2, np.nan])
def test_refuses_a_voxel_size_of_nothing_where_it_decides(poked, codes, size):
    path = poked(codes=codes, pixdim=[1, size, 2, 2.5, 1, 1, 1, 1])

    with pytest.raises(InputError, match=r"a\.nii: its header has no usable voxel size \(pixdim"):
        open_nifti(path)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 2, 2.6), (-1, 2, 2.5)])
def test_refuses_two_voxel_sizes(poked, sizes):
    path = poked(pixdim=[1, *sizes, 1, 1, 1, 1])

    said = " x ".join(f"{abs(size):g}" for size in sizes)
    told = rf"a\.nii: its affine says voxels of 2 x 2 x 2\.5 mm and its pixdim of {said} mm; find"
    with pytest.raises(InputError, match=told):
        open_nifti(path)


@pytest.mark.parametrize("codes", [(0, 1), (1, 0), (0, 0), (1, 2)])
@pytest.mark.parametrize(("unit", "mm"), [(1, 1000), (2, 1), (3, 0.001), (0, 1), (2 + 8, 1)])
def test_lengths_are_millimetres_whatever_the_file_counts_in(poked, codes, unit, mm):
    there = open_nifti(poked(codes=codes))
    found = open_nifti(poked(codes=codes, xyzt_units=unit))

    np.testing.assert_allclose(found.affine[:3], mm * there.affine[:3])
    assert found.header.units[0] == ("mm" if unit else "unknown")
    if codes[0]:
        np.testing.assert_allclose(np.array(found.header.qform)[:3], found.affine[:3], atol=1e-4)


def test_a_pair_of_header_and_voxels_is_one_file(tmp_path):
    nib.save(nib.Nifti1Pair(VOXELS, SHIFTED), tmp_path / "a.hdr")

    stored = open_nifti(tmp_path / "a.hdr")

    np.testing.assert_array_equal(stored.affine, SHIFTED)
    np.testing.assert_array_equal(stored.read(None), VOXELS)
    (tmp_path / "a.img").write_bytes((tmp_path / "a.img").read_bytes()[:100])
    with pytest.raises(InputError, match=r"a\.hdr: the header promises 120 bytes"):
        open_nifti(tmp_path / "a.hdr")
    (tmp_path / "a.img").unlink()
    with pytest.raises(InputError, match=r"a\.hdr: its voxels stand in a\.img, which is not there"):
        open_nifti(tmp_path / "a.hdr")


def test_refuses_analyze_which_does_not_say_where_left_is(tmp_path):
    nib.save(nib.AnalyzeImage(VOXELS, SHIFTED), tmp_path / "a.hdr")

    with pytest.raises(
        InputError, match=r"a\.hdr: an Analyze header, which does not say where left"
    ):
        open_nifti(tmp_path / "a.hdr")


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_reads_either_version_in_either_byte_order(tmp_path, kind, swapped):
    order = ">" if swapped else "<"
    image = kind(VOXELS.astype(f"{order}i2"), SHIFTED)
    header = image.header.as_byteswapped(order)
    nib.save(kind(VOXELS, SHIFTED, header), tmp_path / "a.nii.gz")

    stored = open_nifti(tmp_path / "a.nii.gz")

    np.testing.assert_array_equal(stored.affine, SHIFTED)
    np.testing.assert_array_equal(stored.read(None), VOXELS)


def test_refuses_places_and_values_beyond_all_bounds_in_silence(tmp_path):
    image = nib.Nifti2Image(np.full((2, 3, 4), 1e300), np.eye(4))
    nib.save(image, tmp_path / "large.nii")
    image.header["srow_x"][0], image.header["sform_code"] = 1e200, 1
    image.header.set_data_offset(544)
    far = image.header.binaryblock + bytes(4) + np.ones(24).tobytes()
    (tmp_path / "far.nii").write_bytes(far)

    with pytest.raises(InputError, match=r"large\.nii: NaN or infinite in 24 voxels"):
        read_volume(tmp_path / "large.nii")
    with pytest.raises(InputError, match=r"far\.nii: its header has no usable voxel size"):
        open_nifti(tmp_path / "far.nii")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [None, np.float32])
def test_what_is_read_part_by_part_is_as_nibabel_reads_it(tmp_path, monkeypatch, name, kind):
    monkeypatch.setattr("inspire_med.imaging.nifti._AT_ONCE", 7)  # 60 voxels: the last part is 4
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    image = nib.Nifti1Image(np.arange(60, dtype=">i2").reshape(3, 4, 5), np.eye(4), header)
    image.header.set_slope_inter(0.37, -11)
    nib.save(image, tmp_path / name)

    read = open_nifti(tmp_path / name).read(kind)

    expected = np.asanyarray(nib.load(tmp_path / name).dataobj)
    np.testing.assert_array_equal(read, expected if kind is None else expected.astype(kind))
    assert read.dtype == (expected.dtype if kind is None else kind)
