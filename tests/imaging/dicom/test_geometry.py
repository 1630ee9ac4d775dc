"""Where voxels lie, beside dcm2niix, SimpleITK and highdicom."""

import subprocess

import dcm2niix
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspire_med.errors import InputError
from inspire_med.imaging.itk import affine_of as affine_of_itk
from inspire_med.imaging.volume import open_volume
from tests.common.dicom_series import write_enhanced, write_mosaic, write_plain

PLACES = {
    "axial": {"turn": (0, 0, 0), "spacing": (1, 1, 3)},
    "sagittal": {"turn": (90, 0, 90), "spacing": (1, 1, 2)},
    "oblique": {},
    "oblique, counted backwards": {"mirror": (1, 1, -1)},
    "anisotropic": {"turn": (-5, 3, 80), "spacing": (0.4, 1.3, 6.6)},
}
KINDS = {
    "plain": lambda folder, *what: write_plain(folder, *what)[0],
    "enhanced": lambda folder, *what: write_enhanced(folder / "a.dcm", *what),
    "mosaic": lambda folder, *what: write_mosaic(folder / "a.dcm", *what),
}


def canonical(values, affine):
    return nibabel.as_closest_canonical(nibabel.Nifti1Image(np.asarray(values, np.float32), affine))


def opened(path):
    stored = open_volume(path)
    return canonical(stored.read(np.float32), stored.affine)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_voxels_lie_where_dcm2niix_puts_them(tmp_path, voxels, placed, kind, place):
    affine = placed(**PLACES[place])
    path = KINDS[kind](tmp_path / "series", voxels, affine)
    (tmp_path / "out").mkdir()
    command = [dcm2niix.bin, "-z", "n", "-b", "n", "-f", "x", "-o", tmp_path / "out", path.parent]
    subprocess.run(command, check=True, capture_output=True)

    own = opened(path)

    peer = nibabel.as_closest_canonical(nibabel.load(tmp_path / "out" / "x.nii"))
    np.testing.assert_allclose(own.affine, peer.affine, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(own.get_fdata(), peer.get_fdata())
    truth = canonical(voxels, affine)
    np.testing.assert_allclose(own.affine, truth.affine, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(own.get_fdata(), truth.get_fdata())


def test_a_plain_series_lies_where_itk_puts_it(tmp_path, voxels, placed):
    paths = write_plain(tmp_path, voxels, placed())
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path))

    stored = open_volume(paths[3])

    image = sitk.ReadImage(names)
    np.testing.assert_allclose(stored.affine, affine_of_itk(image), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(stored.read(np.float32), sitk.GetArrayFromImage(image).T)


def test_a_plain_series_lies_where_highdicom_puts_it(tmp_path, voxels, placed):
    highdicom = pytest.importorskip("highdicom")
    paths = write_plain(tmp_path, voxels, placed(mirror=(1, 1, -1)))
    peer = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in paths])

    stored = open_volume(paths[0])

    own = np.diag([-1, -1, 1, 1]) @ stored.affine  # theirs is LPS+, the last axis first
    peers = peer.affine[:, [2, 1, 0, 3]]
    np.testing.assert_allclose(own[:, :2], peers[:, :2], atol=1e-6)
    back = peer.shape[0] - 1 if own[:3, 2] @ peers[:3, 2] < 0 else 0
    np.testing.assert_allclose(own @ [0, 0, back, 1], peers[:, 3], atol=1e-6)
    flipped = peer.array[::-1] if back else peer.array
    np.testing.assert_array_equal(stored.read(np.float32), flipped.T)


angles = st.floats(-180, 180)
sizes = st.floats(0.2, 8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    turn=st.tuples(angles, angles, angles),
    spacing=st.tuples(sizes, sizes, sizes),
    mirror=st.sampled_from([(1, 1, 1), (1, 1, -1), (-1, 1, 1)]),
    order=st.permutations(range(7)),
    kind=st.sampled_from(["plain", "enhanced", "mosaic"]),
)
def test_any_place_comes_back(tmp_path_factory, voxels, placed, turn, spacing, mirror, order, kind):
    affine = placed(turn, spacing, mirror=mirror)
    folder = tmp_path_factory.mktemp("any")
    if kind == "plain":
        path = write_plain(folder, voxels, affine, [f"{place}.dcm" for place in order])[0]
    else:
        path = KINDS[kind](folder, voxels, affine)

    stored = open_volume(path)

    values = stored.read(np.float32)
    back = np.linalg.inv(affine) @ stored.affine
    index = np.indices(values.shape).reshape(3, -1)
    made = back[:3, :3] @ index + back[:3, 3:]
    np.testing.assert_allclose(made, np.round(made), atol=1e-3)
    np.testing.assert_array_equal(values.ravel(), voxels[tuple(np.round(made).astype(int))])


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (
            [3],
            "1 slice missing between 9.00 and 18.00 mm along the normal, where others are 4.5 mm",
        ),
        ([2, 3], "2 slices missing"),
    ],
)
def test_missing_slices_are_said_with_their_place(tmp_path, voxels, placed, left, words):
    affine = placed((0, 0, 0), origin=(0, 0, 0))
    paths = write_plain(tmp_path, voxels, affine)
    for place in left:
        paths[place].unlink()
    with pytest.raises(InputError, match=words):
        open_volume(paths[0])


def test_uneven_slices_are_refused(tmp_path, voxels, placed):
    affine = placed((0, 0, 0), origin=(0, 0, 0))
    places = [["0", "0", str(z)] for z in (0, 4.5, 9, 12, 18, 22.5, 27)]
    paths = write_plain(tmp_path, voxels, affine, ImagePositionPatient=places)
    with pytest.raises(InputError, match=r"slices 3 mm apart between 9.00 and 12.00 mm .* 4.5 mm"):
        open_volume(paths[0])


def test_a_slice_that_is_there_twice_is_refused(tmp_path, voxels, placed):
    paths = write_plain(tmp_path, voxels, placed((0, 0, 0), origin=(0, 0, 0)))
    (tmp_path / "again.dcm").write_bytes(paths[2].read_bytes())
    with pytest.raises(InputError, match=r"(again|0002).dcm: the same slice as .*, at 9.00 mm"):
        open_volume(paths[0])


def test_a_tilted_gantry_is_refused(tmp_path, voxels, placed):
    affine = placed((0, 0, 0), spacing=(1, 1, 4))
    affine[1, 2] = 4 * np.tan(np.radians(12))
    paths = write_plain(tmp_path, voxels, affine, SliceThickness="4")
    with pytest.raises(InputError, match=r"a gantry tilted by 12.0 degrees; .* dcm2niix"):
        open_volume(paths[0])


def test_slices_of_two_sizes_are_refused(tmp_path, voxels, placed):
    spacings = [["1.1", "0.9"]] * 6 + [["1.1", "0.8"]]
    paths = write_plain(tmp_path, voxels, placed(), PixelSpacing=spacings)
    with pytest.raises(InputError, match="0.8 mm, and .* same series is of .* 0.9 mm"):
        open_volume(paths[0])


def test_a_mosaic_without_its_own_header_is_refused(tmp_path, voxels, placed):
    path = write_mosaic(tmp_path / "a.dcm", voxels, placed())
    content = pydicom.dcmread(path)
    del content[0x0029, 0x1010]
    content.save_as(path)
    with pytest.raises(InputError, match="a mosaic that does not say how its slices lie"):
        open_volume(path)
