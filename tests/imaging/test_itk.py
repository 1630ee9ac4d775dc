import re

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses

from inspire_med.errors import InputError
from inspire_med.imaging.itk import open_itk
from inspire_med.imaging.volume import read_grid

VOXELS = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)
KINDS = ["a.mha", "a.mhd", "a.nrrd", "a.nhdr"]


@pytest.fixture
def write(tmp_path):
    """Write (i, j, k) by SimpleITK and answer with the path."""

    def write(name="a.mha", array=VOXELS, *, packed=False, is_vector=False):
        image = sitk.GetImageFromArray(np.ascontiguousarray(array.T), isVector=is_vector)
        sitk.WriteImage(image, str(tmp_path / name), packed)
        return tmp_path / name

    return write


def change(path, old, new):
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new))
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_left_and_front_are_turned_to_right_and_front(write, tmp_path, name, packed):
    image = sitk.GetImageFromArray(np.ascontiguousarray(VOXELS.T))
    image.SetSpacing((1, 2, 3))
    image.SetOrigin((4, 5, 6))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))  # i leads to +y, j to -x, in LPS+
    sitk.WriteImage(image, str(tmp_path / name), packed)

    stored = open_itk(tmp_path / name)

    # RAS+: x and y change their signs
    expected = [[0, 2, 0, -4], [-1, 0, 0, -5], [0, 0, 3, 6], [0, 0, 0, 1]]
    np.testing.assert_array_equal(stored.affine, expected)
    np.testing.assert_array_equal(stored.read(None), VOXELS)
    assert stored.read(np.float32).dtype == np.float32


def test_a_fourth_axis_comes_last(write):
    four = np.stack([VOXELS, VOXELS + 100], axis=-1)

    stored = open_itk(write(array=four))

    assert stored.shape == (5, 4, 3, 2)
    np.testing.assert_array_equal(stored.read(None), four)


@pytest.mark.parametrize("name", KINDS)
def test_refuses_missing_empty_and_foreign_files(tmp_path, name):
    with pytest.raises(InputError, match=rf"{name}: no such file"):
        open_itk(tmp_path / name)
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=rf"{name}: the file is empty"):
        open_itk(tmp_path / name)
    (tmp_path / name).write_text("<html>not found</html>")
    with pytest.raises(
        InputError, match=rf"{name}: not a readable {name[1:]} file .*; export"
    ) as e:
        open_itk(tmp_path / name)
    assert "(unknown)" not in str(e.value)


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd"])
@pytest.mark.parametrize("packed", [False, True])
def test_refuses_a_file_that_is_cut(write, capfd, name, packed):
    path = write(name, packed=packed)
    path.write_bytes(path.read_bytes()[:-25])

    with pytest.raises(InputError, match=rf"{name}: (truncated or corrupt|the header promises)"):
        open_itk(path).read(None)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr"])
@pytest.mark.parametrize("left", [95, None])
def test_refuses_a_data_file_that_is_cut_or_gone(write, name, left):
    path = write(name)
    data = path.with_suffix(".raw")
    whole = data.read_bytes()
    data.unlink()
    if left:
        data.write_bytes(whole[:left])

    wrong = "the header promises 120 bytes" if left else r"its voxels stand in a\.raw, which is not"
    with pytest.raises(InputError, match=rf"{name}: {wrong}"):
        open_itk(path)


@pytest.mark.parametrize(
    ("name", "sizes"), [("a.mha", b"DimSize = 5 4 "), ("a.nrrd", b"sizes: 5 4 ")]
)
@pytest.mark.parametrize("slices", [b"9", b"9999999"])
@pytest.mark.parametrize("packed", [False, True])
def test_refuses_a_header_that_promises_more_than_is_there(write, name, sizes, slices, packed):
    path = change(write(name, packed=packed), sizes + b"3", sizes + slices)

    # of a packed MetaImage, ITK itself would hand on memory that nobody wrote
    with pytest.raises(InputError, match=rf"{name}: (truncated or corrupt|the header promises)"):
        open_itk(path).read(None)


def test_refuses_more_voxels_than_are_read(write):
    path = change(write(packed=True), b"DimSize = 5 4 3", b"DimSize = 2048 1024 1024")
    path.write_bytes(path.read_bytes() + bytes(2**23))

    with pytest.raises(InputError, match=r"a\.mha: 2147483648 voxels are more than the"):
        open_itk(path)


@pytest.mark.parametrize("name", ["../secret.raw", "/etc/passwd", "LIST", "a%03d.raw"])
@pytest.mark.parametrize("header", ["a.mhd", "a.nhdr"])
def test_refuses_voxels_that_do_not_stand_beside_their_header(write, header, name):
    path = change(write(header), b"a.raw", name.encode())

    with pytest.raises(InputError, match=rf"{header}: its voxels stand in '{re.escape(name)}'"):
        open_itk(path)


@pytest.mark.parametrize("name", ["", "x" * 300])
def test_refuses_voxels_in_a_file_that_no_name_leads_to(write, name):
    path = change(write("a.mhd"), b"a.raw", name.encode())

    with pytest.raises(InputError, match=rf"a\.mhd: its voxels stand in '{name}', not in one file"):
        open_itk(path)


@pytest.mark.parametrize("name", KINDS)
def test_refuses_what_is_not_one_grey_value_a_voxel(write, tmp_path, name):
    colours = np.zeros((3, 4, 3, 5), np.uint8)
    with pytest.raises(InputError, match=rf"{name}: its voxels are colours, vectors"):
        open_itk(write(name, colours, is_vector=True))


@pytest.mark.parametrize(
    ("name", "line"),
    [("a.mha", b"DistanceUnits = um\n"), ("a.nrrd", b'space units: "um" "um" "um"\n')],
)
def test_refuses_other_lengths_than_millimetres(write, name, line):
    before = b"DimSize" if name == "a.mha" else b"sizes"
    path = write(name)
    assert open_itk(change(path, before, line.replace(b"um", b"mm") + before)).shape == (5, 4, 3)

    with pytest.raises(InputError, match=rf"{name}: gives lengths in .*um.*; export it in mm"):
        open_itk(change(path, line.replace(b"um", b"mm"), line))


def test_a_line_of_voxels_is_no_volume(write):
    path = change(write("a.mha", packed=True), b"NDims = 3", b"NDims = 1")

    with pytest.raises(InputError, match=r"a\.mha: its shape \(5,\) is not that of a volume"):
        read_grid(path)


@pytest.mark.parametrize("count", [b"1e+30", b"0", b"-3", b"99", b"x"])
def test_refuses_a_number_of_dimensions_that_would_crash_itk(write, count):
    path = change(write("a.mha"), b"NDims = 3", b"NDims = " + count)

    with pytest.raises(InputError, match=r"a\.mha: a header of '.*' dimensions; export"):
        open_itk(path)


def test_refuses_a_voxel_size_of_nothing(write):
    path = change(write("a.nrrd"), b"(1,0,0)", b"(0,0,0)")

    with pytest.raises(InputError, match=r"a\.nrrd: "):
        open_itk(path)
