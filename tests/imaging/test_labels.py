import nibabel as nib
import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.imaging.labels import read_labels


def nifti(path, array, affine=None):
    nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


BALL = np.zeros((5, 6, 7), dtype=np.int16)
BALL[2, 3, 4] = 4


class TestNifti:
    def test_labels_spacing_and_affine_are_the_files(self, tmp_path):
        affine = np.diag([0.9, -2.0, 5.0, 1.0])

        found = read_labels(nifti(tmp_path / "a.nii.gz", BALL, affine))

        np.testing.assert_array_equal(found.labels, BALL)
        # the float32 of the header, not rounded: ties with a tolerance depend on it
        assert found.spacing_mm == (float(np.float32(0.9)), 2.0, 5.0)
        np.testing.assert_allclose(found.affine, affine, rtol=1e-7)

    def test_whole_numbers_stored_as_floats_are_labels(self, tmp_path):
        found = read_labels(nifti(tmp_path / "a.nii", BALL.astype(np.float32)))

        assert found.labels.dtype == np.uint8
        assert found.labels.max() == 4

    def test_a_fourth_axis_of_one_is_dropped(self, tmp_path):
        found = read_labels(nifti(tmp_path / "a.nii.gz", BALL[..., None]))

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
            (
                np.array([[[0, 70000]]], dtype=np.int32),
                "holds 70000, too large for a label; is it an image",
            ),
            (np.zeros((2, 2, 2, 3), dtype=np.uint8), "is not one mask"),
        ],
    )
    def test_refuses_what_is_no_label_map(self, tmp_path, array, message):
        with pytest.raises(InputError, match=rf"a.nii.gz: .*{message}"):
            read_labels(nifti(tmp_path / "a.nii.gz", array))

    def test_refuses_a_truncated_file(self, tmp_path):
        rng = np.random.default_rng(0)
        path = nifti(tmp_path / "a.nii.gz", rng.integers(0, 99, (20, 20, 20)).astype(np.uint8))
        path.write_bytes(path.read_bytes()[:-2000])

        with pytest.raises(
            InputError, match=r"a.nii.gz: truncated or corrupt .*; fetch or export it again"
        ):
            read_labels(path)

    def test_refuses_a_header_without_voxel_size(self, tmp_path):
        path = nifti(tmp_path / "a.nii", BALL)
        raw = bytearray(path.read_bytes())
        raw[80:92] = bytes(12)  # pixdim of the three axes
        path.write_bytes(bytes(raw))

        with pytest.raises(InputError, match="one positive size an axis is needed"):
            read_labels(path)

    @pytest.mark.parametrize("number", [np.nan, np.inf])
    def test_refuses_an_affine_that_is_nowhere(self, tmp_path, number):
        path = nifti(tmp_path / "a.nii", BALL)
        raw = bytearray(path.read_bytes())
        raw[292:296] = np.array([number], dtype="<f4").tobytes()  # srow_x[3], the shift
        path.write_bytes(bytes(raw))

        with pytest.raises(InputError, match=r"a.nii: its affine holds NaN or infinite numbers"):
            read_labels(path)

    @pytest.mark.parametrize(
        ("start", "content"),
        [
            (70, b"\xe3\x00"),  # a data type that there is not
            (108, b"\x00\x00\xc8\x42"),  # voxels that begin within the header
            (108, b"\x00\x00\x80\x7f"),  # voxels that begin infinitely far on
        ],
    )
    def test_refuses_a_damaged_header(self, tmp_path, start, content):
        path = nifti(tmp_path / "a.nii", BALL)
        raw = bytearray(path.read_bytes())
        raw[start : start + len(content)] = content
        path.write_bytes(bytes(raw))

        with pytest.raises(
            InputError, match=r"a.nii: .*; (export it as .nii.gz|fetch or export it again)"
        ):
            read_labels(path)


def test_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_labels(tmp_path / "a.nii.gz")


def test_refuses_another_kind_of_file(tmp_path):
    (tmp_path / "a.mha").write_text("")

    with pytest.raises(InputError, match=r"a.mha: not a mask file; give .nii"):
        read_labels(tmp_path / "a.mha")
