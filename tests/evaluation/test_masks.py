import gzip

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.evaluation.masks import read_label_map


def nifti(path, array, affine=None):
    nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


def picture(path, pixels, mode=None):
    image = Image.fromarray(np.asarray(pixels, dtype=np.uint8))
    (image.convert(mode) if mode else image).save(path)
    return path


BALL = np.zeros((5, 6, 7), dtype=np.int16)
BALL[2, 3, 4] = 4


class TestNifti:
    def test_labels_spacing_and_affine_are_the_files(self, tmp_path):
        affine = np.diag([0.9, -2.0, 5.0, 1.0])

        found = read_label_map(nifti(tmp_path / "a.nii.gz", BALL, affine))

        np.testing.assert_array_equal(found.labels, BALL)
        # the float32 of the header, not rounded: ties with a tolerance depend on it
        assert found.spacing_mm == (float(np.float32(0.9)), 2.0, 5.0)
        np.testing.assert_allclose(found.affine, affine, rtol=1e-7)

    def test_whole_numbers_stored_as_floats_are_labels(self, tmp_path):
        found = read_label_map(nifti(tmp_path / "a.nii", BALL.astype(np.float32)))

        assert found.labels.dtype == np.uint8
        assert found.labels.max() == 4

    def test_a_fourth_axis_of_one_is_dropped(self, tmp_path):
        found = read_label_map(nifti(tmp_path / "a.nii.gz", BALL[..., None]))

        assert found.labels.shape == BALL.shape
        assert len(found.spacing_mm) == 3

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.linspace(0, 1, 8).reshape(2, 2, 2), "probabilities rather than labels"),
            (np.linspace(0, 9, 8).reshape(2, 2, 2), "values that are not whole numbers"),
            (np.array([[[0.0, np.nan]]]), "NaN or infinite"),
            (np.array([[[0.0, np.inf]]]), "NaN or infinite"),
            (np.array([[[0, -1]]], dtype=np.int16), "negative values"),
            (np.array([[[0, 70000]]], dtype=np.int32), "too large for a label"),
            (np.zeros((2, 2, 2, 3), dtype=np.uint8), "is not one mask"),
        ],
    )
    def test_refuses_what_is_no_label_map(self, tmp_path, array, message):
        with pytest.raises(InputError, match=rf"a.nii.gz: .*{message}"):
            read_label_map(nifti(tmp_path / "a.nii.gz", array))

    def test_refuses_a_truncated_file(self, tmp_path):
        rng = np.random.default_rng(0)
        path = nifti(tmp_path / "a.nii.gz", rng.integers(0, 99, (20, 20, 20)).astype(np.uint8))
        path.write_bytes(path.read_bytes()[:-2000])

        with pytest.raises(
            InputError, match=r"a.nii.gz: not a readable NIfTI file .*copy it again"
        ):
            read_label_map(path)

    def test_refuses_a_header_that_promises_more_than_there_is(self, tmp_path):
        path = nifti(tmp_path / "a.nii.gz", BALL)
        raw = bytearray(gzip.decompress(path.read_bytes()))
        raw[42:48] = np.array([30000] * 3, dtype="<i2").tobytes()
        path.write_bytes(gzip.compress(bytes(raw)))

        with pytest.raises(InputError, match="not a readable NIfTI file"):
            read_label_map(path)

    def test_refuses_a_header_without_voxel_size(self, tmp_path):
        path = nifti(tmp_path / "a.nii", BALL)
        raw = bytearray(path.read_bytes())
        raw[80:92] = bytes(12)  # pixdim of the three axes
        path.write_bytes(bytes(raw))

        with pytest.raises(InputError, match="one positive size an axis is needed"):
            read_label_map(path)

    def test_refuses_a_file_that_only_looks_like_one(self, tmp_path):
        (tmp_path / "a.nii.gz").write_text("not an image")

        with pytest.raises(InputError, match="not a readable NIfTI file"):
            read_label_map(tmp_path / "a.nii.gz")


class TestPicture:
    def test_is_binarised_at_128(self, tmp_path):
        # a rim of JPEG noise and half tones: foreground begins at 128
        found = read_label_map(picture(tmp_path / "a.png", [[0, 12, 250, 255] * 5 + [127, 128]]))

        assert found.labels.tolist() == [[0, 0, 1, 1] * 5 + [0, 1]]
        assert found.spacing_mm == (1.0, 1.0)
        assert found.note == ""

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
    def test_a_black_and_white_mask_may_be_stored_in_any_mode(self, tmp_path, mode):
        found = read_label_map(picture(tmp_path / "a.png", [[0, 255], [255, 0]], mode))

        assert found.labels.tolist() == [[0, 1], [1, 0]]

    @pytest.mark.parametrize("value", [1, 100])
    def test_a_dark_mask_of_two_values_is_taken_and_said(self, tmp_path, value):
        found = read_label_map(picture(tmp_path / "a.png", [[0, value], [0, 0]]))

        assert found.labels.tolist() == [[0, 1], [0, 0]]
        assert f"holds only 0 and {value}" in found.note

    def test_half_bright_foreground_is_foreground(self, tmp_path):
        found = read_label_map(picture(tmp_path / "a.png", [[0, 128], [0, 128]]))

        assert found.labels.tolist() == [[0, 1], [0, 1]]
        assert found.note == ""

    def test_a_black_mask_is_empty(self, tmp_path):
        found = read_label_map(picture(tmp_path / "a.png", np.zeros((3, 3))))

        assert not found.labels.any()
        assert found.note == ""

    def test_refuses_class_numbers(self, tmp_path):
        with pytest.raises(InputError, match="a.png: several values, the brightest 2"):
            read_label_map(picture(tmp_path / "a.png", [[0, 1, 2]]))

    def test_refuses_a_palette_of_colours(self, tmp_path):
        image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
        image.putpalette([0, 0, 0, 128, 0, 0])
        image.save(tmp_path / "a.png")

        with pytest.raises(InputError, match="a.png: a colour picture"):
            read_label_map(tmp_path / "a.png")

    def test_refuses_a_colour_picture(self, tmp_path):
        pixels = np.zeros((4, 4, 3))
        pixels[..., 0] = 255

        with pytest.raises(InputError, match="a.png: a colour picture"):
            read_label_map(picture(tmp_path / "a.png", pixels))

    def test_refuses_probabilities(self, tmp_path):
        with pytest.raises(InputError, match="pixels are grey, probabilities or a photograph"):
            read_label_map(picture(tmp_path / "a.png", np.arange(256).reshape(16, 16)))

    def test_refuses_sixteen_bits(self, tmp_path):
        Image.fromarray(np.full((4, 4), 60000, dtype=np.uint16)).save(tmp_path / "a.png")

        with pytest.raises(InputError, match=r"a.png: stored as (uint16|int32); give an 8-bit"):
            read_label_map(tmp_path / "a.png")

    def test_refuses_a_truncated_picture(self, tmp_path):
        rng = np.random.default_rng(0)
        path = picture(tmp_path / "a.png", rng.integers(0, 2, (64, 64)) * 255)
        path.write_bytes(path.read_bytes()[:200])

        with pytest.raises(InputError, match=r"a.png: not a readable image"):
            read_label_map(path)


def test_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_label_map(tmp_path / "a.nii.gz")


def test_refuses_another_kind_of_file(tmp_path):
    (tmp_path / "a.mha").write_text("")

    with pytest.raises(InputError, match=r"a.mha: not a mask file; give .nii"):
        read_label_map(tmp_path / "a.mha")
