"""Masks as DICOM segmentations, read back by highdicom and judged by dciodvfy."""

import shutil
import subprocess

import highdicom as hd
import numpy as np
import pytest
from dicom_series import write_enhanced, write_mosaic, write_plain
from pydicom import dcmread
from pydicom.sr.codedict import codes
from scipy.spatial.transform import Rotation

from inspire_med.errors import InputError
from inspire_med.imaging.dicom.series import series_of
from inspire_med.imaging.volume import open_volume
from inspire_med.interop.dicom_seg import Author, write_segmentation
from inspire_med.tasks.find import EDITIONS, TASKS

REGIONS = {"WT": (1, 2), "ET": (2,)}
AUTHOR = Author("inspire_med brats", "0123456789abcdef")
SHAPE = (12, 10, 7)
INFARCT = ("55641003", "Infarct")  # of SNOMED CT; pydicom's dictionary leaves it out
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SHIFT = np.array([[1, 0, 0, 0.01], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


@pytest.fixture
def affine() -> np.ndarray:
    """Oblique, slices far apart, counted against the way of RAS+ along two axes."""
    found = np.eye(4)
    turn = Rotation.from_euler("xyz", (10, -20, 30), degrees=True).as_matrix()
    found[:3, :3] = turn * (-0.9, -1.1, 4.5)
    found[:3, 3] = (-30, 20, 10)
    return found


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4000, SHAPE).astype(np.uint16)


@pytest.fixture
def labels() -> np.ndarray:
    """Asymmetric, so that no turned or mirrored axis goes unseen; the first slices are empty."""
    found = np.zeros(SHAPE, np.uint8)
    found[2:9, 3:5, 2:6] = 1
    found[7:9, 3, 2:4] = 2
    return found


@pytest.fixture(params=["plain", "enhanced", "mosaic", "diffusion"])
def series(request, tmp_path, values, affine):
    """A series of each make: a file a slice, and one file for all, of one or several volumes."""
    made = {
        "plain": lambda: write_plain(tmp_path / "in", values, affine)[3],
        "enhanced": lambda: write_enhanced(tmp_path / "in" / "a.dcm", values, affine),
        "mosaic": lambda: write_mosaic(tmp_path / "in" / "a.dcm", values, affine),
        "diffusion": lambda: write_enhanced(
            tmp_path / "in" / "a.dcm", np.stack([values, values], -1), affine, b_values=[0, 1000]
        ),
    }
    return series_of(made[request.param]())


def test_each_region_is_read_back_where_it_lies(tmp_path, series, labels, affine):
    path = tmp_path / "out.dcm"

    write_segmentation(path, labels, affine, REGIONS, series, AUTHOR)

    read = hd.seg.segread(path)
    for number, region in enumerate(REGIONS, start=1):
        volume = read.get_volume(
            segment_numbers=[number], combine_segments=True, relabel=True, skip_overlap_checks=True
        )
        for index in np.argwhere(volume.array):
            mm = _LPS @ volume.affine @ [*index, 1]
            i, j, k = np.rint(np.linalg.inv(affine) @ mm)[:3].astype(int)
            assert labels[i, j, k] in REGIONS[region]
        assert (volume.array > 0).sum() == np.isin(labels, REGIONS[region]).sum()
    (referenced,) = read.ReferencedSeriesSequence
    assert referenced.SeriesInstanceUID == series.uid
    own = {str(dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in series.files}
    assert {str(i.ReferencedSOPInstanceUID) for i in referenced.ReferencedInstanceSequence} <= own


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not here")
@pytest.mark.parametrize("empty", [False, True])
def test_dciodvfy_finds_no_fault(tmp_path, series, labels, affine, empty):
    path = tmp_path / "out.dcm"
    own = np.zeros_like(labels) if empty else labels

    write_segmentation(path, own, affine, REGIONS, series, AUTHOR)

    said = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
    assert "Segmentation" in said.stderr
    assert "Error" not in said.stderr


def test_segments_say_what_they_are_and_who_made_them(tmp_path, values, labels, affine):
    source = series_of(write_plain(tmp_path / "in", values, affine)[0])
    words, known = {"WT": "whole tumour"}, {"WT": ("108369006", "Neoplasm")}

    write_segmentation(tmp_path / "o.dcm", labels, affine, REGIONS, source, AUTHOR, known, words)

    read = hd.seg.segread(tmp_path / "o.dcm")
    first, second = (read.get_segment_description(number) for number in (1, 2))
    assert first.segment_label == "whole tumour"
    assert first.segmented_property_type.meaning == "Neoplasm"
    assert second.segment_label == "ET"
    assert second.segmented_property_type.value == codes.SCT.Lesion.value
    made_by = first.algorithm_identification
    assert (made_by.name, made_by.version) == ("inspire_med brats", "0123456789abcdef")
    assert (read.PatientID, read.Modality) == ("p1", "SEG")


def test_the_codes_of_tasks_are_in_the_standards_dictionary():
    for task in (*TASKS.values(), *(each for family in EDITIONS.values() for each in family)):
        for value, meaning in task.codes.values():
            if (value, meaning) != INFARCT:
                known = getattr(codes.SCT, meaning)
                assert (known.value, known.meaning) == (value, meaning)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda labels, affine: (labels[1:], affine), "12 x 10 x 7 voxels and the mask 11 x 10"),
        (lambda labels, affine: (labels, _SHIFT @ affine), "lies 0.01 mm away from the mask"),
        (lambda labels, affine: (labels, affine @ np.diag([1, 1, -1, 1])), " mm away from the"),
    ],
)
def test_a_mask_of_another_grid_is_refused_and_nothing_written(
    tmp_path, values, labels, affine, change, sentence
):
    source = series_of(write_plain(tmp_path / "in", values, affine)[0])
    mask, place = change(labels, affine)

    with pytest.raises(InputError, match="give the series that the mask was made from") as refused:
        write_segmentation(tmp_path / "out.dcm", mask, place, REGIONS, source, AUTHOR)

    assert sentence in str(refused.value)
    assert not (tmp_path / "out.dcm").exists()


def test_a_series_without_a_frame_of_reference_is_refused(tmp_path, values, labels, affine):
    file = write_plain(tmp_path / "in", values, affine, FrameOfReferenceUID="")[0]

    with pytest.raises(InputError, match="says nothing of its frame of reference"):
        write_segmentation(tmp_path / "o.dcm", labels, affine, REGIONS, series_of(file), AUTHOR)


def test_the_grid_that_is_compared_is_the_one_that_is_read(series, affine):
    assert np.allclose(open_volume(series.files[0]).affine, affine, atol=1e-4)
