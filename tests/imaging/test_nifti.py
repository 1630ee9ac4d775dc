import gzip

import nibabel as nib
import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.imaging.nifti import MAX_VOXELS, open_nifti, read_nifti

VOXELS = np.arange(60, dtype=np.int16).reshape(5, 4, 3)


@pytest.fixture
def good(tmp_path, write_nifti):
    return write_nifti(tmp_path / "scan.nii.gz", VOXELS)


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no\.nii\.gz: no such file; check the path"):
        read_nifti(tmp_path / "no.nii.gz")


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
        read_nifti(path)


def test_refuses_a_gz_whose_checksum_fails(good):
    damaged = bytearray(good.read_bytes())
    damaged[-8] ^= 0xFF  # the CRC stands in the last eight bytes
    good.write_bytes(damaged)

    with pytest.raises(InputError, match="truncated or corrupt"):
        read_nifti(good)


def test_refuses_a_truncated_nii_before_reading_voxels(tmp_path, write_nifti):
    path = write_nifti(tmp_path / "cut.nii", VOXELS)
    path.write_bytes(path.read_bytes()[:380])

    with pytest.raises(InputError, match="the header promises 120 bytes of voxels and the file"):
        open_nifti(path)


def test_refuses_gz_that_is_not_compressed(tmp_path, write_nifti):
    plain = write_nifti(tmp_path / "plain.nii", VOXELS)
    wrong = plain.rename(tmp_path / "wrong.nii.gz")

    with pytest.raises(InputError, match=r"wrong\.nii\.gz: named \.gz but not compressed; rename"):
        read_nifti(wrong)


def test_refuses_nii_that_is_compressed(good):
    wrong = good.rename(good.with_name("wrong.nii"))

    with pytest.raises(InputError, match=r"wrong\.nii: compressed but not named \.gz; rename"):
        read_nifti(wrong)


def test_refuses_another_suffix(tmp_path):
    (tmp_path / "scan.mha").write_bytes(b"ObjectType = Image")

    with pytest.raises(InputError, match=r"scan\.mha: not a \.nii or \.nii\.gz file; convert"):
        read_nifti(tmp_path / "scan.mha")


def test_refuses_text_named_nifti(tmp_path):
    (tmp_path / "page.nii").write_text("<html>404 not found</html>" * 50)

    with pytest.raises(InputError, match=r"page\.nii: not a NIfTI file"):
        read_nifti(tmp_path / "page.nii")


def test_refuses_a_header_that_promises_more_than_the_file_can_hold(good, with_dimensions):
    with_dimensions(good, 3, 2000, 2000, 2000)

    with pytest.raises(InputError, match="promises 16000000000 bytes of voxels and the file of"):
        open_nifti(good)


def test_refuses_a_header_that_promises_a_little_more(good, with_dimensions):
    with_dimensions(good, 3, 5, 4, 4)

    with pytest.raises(InputError, match="truncated or corrupt"):
        read_nifti(good)


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
        read_nifti(good)
