import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from PIL import Image

from inspire_med.errors import InputError
from inspire_med.imaging.labels import label_map_of, read_labels, refuse_others, said_once


def nifti(path, array, affine=None):
    nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


BALL = np.zeros((5, 6, 7), dtype=np.int16)
BALL[2, 3, 4] = 4


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 2)])
def test_a_label_map_knows_which_values_it_holds(shape):
    labels = np.zeros(shape, np.uint16)
    labels[0, 1] = 700
    labels[2, 3] = 4

    assert label_map_of(labels, [1] * len(shape), "a").values == {0, 4, 700}
    assert label_map_of(labels[2:, 3:4], [1] * len(shape), "a").values == {4}


class TestNifti:
    def test_labels_spacing_and_affine_are_the_files(self, tmp_path):
        affine = np.diag([0.9, -2.0, 5.0, 1.0])

        found = read_labels(nifti(tmp_path / "a.nii.gz", BALL, affine))

        np.testing.assert_array_equal(found.labels, BALL)
        # not float32's 0.8999999762: ties with a tolerance would break on it
        assert found.spacing_mm == (0.9, 2.0, 5.0)
        np.testing.assert_allclose(found.affine, affine, rtol=1e-7)

    def test_whole_numbers_stored_as_floats_are_labels(self, tmp_path):
        found = read_labels(nifti(tmp_path / "a.nii", BALL.astype(np.float32)))

        assert found.labels.dtype == np.uint8
        assert found.labels.max() == 4

    @pytest.mark.parametrize(
        ("top", "kind"),
        [(255, np.uint8), (256, np.uint16), (300, np.uint16), (65535, np.uint16)],
    )
    def test_labels_beyond_255_keep_their_value(self, tmp_path, top, kind):
        found = read_labels(nifti(tmp_path / "a.nii", (BALL > 0) * np.int32(top)))

        assert (found.labels.max(), found.labels.dtype, found.note) == (top, kind, "")

    def test_a_single_slice_stays_a_volume(self, tmp_path):
        assert read_labels(nifti(tmp_path / "a.nii", BALL[..., 4:5])).labels.shape == (5, 6, 1)

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

    def test_the_voxel_size_is_the_affines(self, tmp_path):
        path = nifti(tmp_path / "a.nii", BALL, np.diag([2.0, 2.0, 2.0, 1.0]))
        raw = bytearray(path.read_bytes())
        raw[80:92] = bytes(12)  # pixdim of the three axes
        path.write_bytes(bytes(raw))

        assert read_labels(path).spacing_mm == (2.0, 2.0, 2.0)

    @pytest.mark.parametrize("number", [np.nan, np.inf])
    def test_refuses_an_affine_that_is_nowhere(self, tmp_path, number):
        path = nifti(tmp_path / "a.nii", BALL)
        raw = bytearray(path.read_bytes())
        raw[292:296] = np.array([number], dtype="<f4").tobytes()  # srow_x[3], the shift
        path.write_bytes(bytes(raw))

        with pytest.raises(InputError, match=r"a.nii: its header has no usable voxel size or aff"):
            read_labels(path)

    def test_a_slope_of_a_tenth_gives_whole_labels(self, tmp_path):
        image = nib.Nifti1Image(10 * BALL, np.eye(4))
        path = tmp_path / "a.nii"
        for name, value in {"scl_slope": 0.1, "scl_inter": 0, "vox_offset": 352}.items():
            image.header[name] = value
        path.write_bytes(image.header.binaryblock + bytes(4) + (10 * BALL).tobytes("F"))

        found = read_labels(path)  # float32's 0.1 is 0.100000001

        np.testing.assert_array_equal(found.labels, BALL)
        assert found.labels.dtype == np.uint8
        assert found.note == ("a.nii: its labels are whole numbers but for a last digit; rounded.")

    @pytest.mark.parametrize(("apart", "taken"), [(0.0009, True), (-0.0009, True), (0.0011, False)])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_labels_within_a_thousandth_of_whole_numbers_are_rounded(
        self, tmp_path, apart, taken, kind
    ):
        path = nifti(tmp_path / "a.nii.gz", (BALL + apart * (BALL > 0)).astype(kind))

        if taken:
            found = read_labels(path)
            np.testing.assert_array_equal(found.labels, BALL)
            assert "rounded" in found.note
        else:
            with pytest.raises(InputError, match="values that are not whole numbers"):
                read_labels(path)

    def test_a_last_digit_below_nothing_is_nothing(self, tmp_path):
        found = read_labels(nifti(tmp_path / "a.nii.gz", np.full((2, 3, 4), -1e-4)))

        assert not found.labels.any()

    @pytest.mark.parametrize("name", ["a.mha", "a.nrrd"])
    def test_labels_may_stand_in_another_format(self, tmp_path, name):
        image = sitk.GetImageFromArray(np.ascontiguousarray(BALL.T))
        image.SetSpacing((1, 2, 3))
        sitk.WriteImage(image, str(tmp_path / name))

        found = read_labels(tmp_path / name)

        np.testing.assert_array_equal(found.labels, BALL)
        assert found.spacing_mm == (1.0, 2.0, 3.0)
        assert found.grid is not None
        np.testing.assert_array_equal(found.affine, np.diag([-1.0, -2, 3, 1]))

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


class TestArrays:
    @pytest.mark.parametrize("kind", [bool, np.int64, np.float64])
    def test_are_label_maps_on_no_grid(self, kind):
        array = (BALL > 0).astype(kind)

        found = label_map_of(array, (1, 2, 0.5), "answer")

        np.testing.assert_array_equal(found.labels, array)
        assert found.labels.dtype == np.uint8
        assert (found.spacing_mm, found.grid, found.name, found.note) == (
            (1.0, 2.0, 0.5),
            None,
            "answer",
            "",
        )

    def test_are_rounded_where_a_digit_is_off_and_it_is_said(self):
        found = label_map_of(BALL + 5e-4, (1, 1, 1), "answer")

        np.testing.assert_array_equal(found.labels, BALL)
        assert found.note.startswith("answer: its labels are whole numbers but for a last digit")

    def test_may_have_two_axes_and_trailing_ones(self):
        assert label_map_of(BALL[0], (1, 1), "a").labels.shape == (6, 7)
        assert label_map_of(BALL[..., None, None], (1, 1, 1), "a").labels.shape == (5, 6, 7)

    @pytest.mark.parametrize(
        ("array", "spacing_mm", "message"),
        [
            (BALL, None, "answer: an array has no spacing of its own"),
            (BALL, (1, 1), r"answer: spacing \(1.0, 1.0\) for shape \(5, 6, 7\)"),
            (BALL, (1, 0, 1), "one positive size an axis"),
            (BALL, (1, np.inf, 1), "one positive size an axis"),
            (BALL.astype(complex), (1, 1, 1), "answer: stored as complex128; give whole-number"),
            (BALL[:0], (1, 1, 1), "answer: shape .* is not one mask"),
            (-BALL, (1, 1, 1), r"answer: holds negative values \(lowest -4\)"),
        ],
    )
    def test_are_refused_where_they_are_no_labels(self, array, spacing_mm, message):
        with pytest.raises(InputError, match=message):
            label_map_of(array, spacing_mm, "answer")


def test_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_labels(tmp_path / "a.nii.gz")


def test_refuses_another_kind_of_file(tmp_path):
    (tmp_path / "a.txt").write_text("labels")

    with pytest.raises(InputError, match=r"a.txt: not a mask file; give a volume .* or an image"):
        read_labels(tmp_path / "a.txt")


class TestPictures:
    """What white is, in tests/imaging/test_picture.py."""

    INDICES = np.array([[0, 1, 2], [2, 7, 0]], np.uint8)

    @pytest.mark.parametrize("values", [None, (0, 1), (1,)])
    def test_are_black_and_white_where_nothing_else_is_expected(self, tmp_path, values):
        Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "a.png")

        assert read_labels(tmp_path / "a.png", values).labels.tolist() == [[0, 1]]

    @pytest.mark.parametrize("values", [(0, 1, 2), (2,), (255, 0)])
    @pytest.mark.parametrize("mode", ["L", "P", "RGB", "LA", "I;16"])
    def test_hold_other_labels_as_grey_values_or_places_in_the_palette(
        self, tmp_path, values, mode
    ):
        image = Image.fromarray(self.INDICES)
        if mode == "P":
            image = Image.fromarray(self.INDICES, "P")
            image.putpalette([255, 0, 0] * 128 + [0, 255, 0] * 128)
        elif mode == "I;16":
            image = Image.fromarray(self.INDICES.astype(np.uint16))
        else:
            image = image.convert(mode)
        image.save(tmp_path / "a.png")

        found = read_labels(tmp_path / "a.png", values)

        assert found.labels.tolist() == self.INDICES.tolist()
        assert found.labels.dtype == np.uint8
        assert (found.spacing_mm, found.grid) == ((1.0, 1.0), None)

    def test_labels_in_colour_are_refused(self, tmp_path):
        Image.fromarray(np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8)).save(tmp_path / "a.png")

        with pytest.raises(InputError, match="a.png: a colour picture, not a mask"):
            read_labels(tmp_path / "a.png", (0, 1, 2))

    def test_labels_turned_by_a_tag_are_refused(self, tmp_path):
        exif = Image.Exif()
        exif[274] = 3
        Image.fromarray(self.INDICES).save(tmp_path / "a.png", exif=exif)

        with pytest.raises(InputError, match="a.png: its EXIF data turn or mirror it"):
            read_labels(tmp_path / "a.png", (0, 1, 2))


def test_notes_of_one_kind_are_said_once():
    notes = ["a.png: holds 0 and 7.", "b.png: turned.", "c.png: holds 0 and 38.", "d.png: holds 1."]

    assert said_once(notes) == [
        "a.png: holds 0 and 7. (1 more likewise.)",
        "b.png: turned.",
        "d.png: holds 1.",
    ]
    assert said_once([]) == []


@pytest.mark.parametrize("shape", [(2, 4), (2, 2, 2)])
def test_labels_that_are_not_expected_are_named(shape):
    labels = np.array([0, 1, 2, 2, 4, 7, 9, 11]).reshape(shape)

    refuse_others(labels, (0, 1, 2, 4, 7, 9, 11), "a.png")
    with pytest.raises(InputError, match=r"a.png: holds label 4, 7, which is in no region"):
        refuse_others(labels, {11, 9, 2, 1, 0}, "a.png")
    with pytest.raises(InputError, match=r"holds label 1, 2, 4, 7, 9 and 1 more, which"):
        refuse_others(labels, (0,), "a.png")


def test_says_where_axes_are_not_at_right_angles(tmp_path, write_nifti):
    mask = np.ones((2, 3, 4), np.uint8)
    upright, slanted = np.diag([2.0, 2, 2, 1]), np.diag([2.0, 2, 2, 1])
    upright[0, 1], slanted[0, 1] = 0.02, 0.4  # 0.6 and 11.3 degrees

    assert not read_labels(write_nifti(tmp_path / "a.nii.gz", mask, upright)).note
    note = read_labels(write_nifti(tmp_path / "b.nii.gz", mask, slanted)).note
    assert (
        note == "b.nii.gz: its axes are not at right angles; distances are taken as if they were."
    )
