"""Which files make up which volumes, and what is none."""

import numpy as np
import pydicom
import pytest

from inspire_med.errors import InputError
from inspire_med.imaging.dicom.series import series_in, series_of, survey
from inspire_med.imaging.volume import count_components, files_of, open_volume, read_volume
from tests.common.dicom_series import MR, save, write_enhanced, write_mosaic, write_plain


def test_files_are_sorted_along_the_normal_however_they_are_called(tmp_path, voxels, placed):
    names = ["IM3", "IM1", "x.dcm", "1.2.840.7", "IM0", "a.IMA", "IM9"]
    made = write_plain(tmp_path, voxels, placed(), names)

    (series,) = series_in(tmp_path)

    assert list(series.files) in (made, made[::-1])
    assert series == series_of(made[4])
    assert files_of(made[2]) == series.files
    heights = [open_volume(path).affine.tolist() for path in made]
    assert all(each == heights[0] for each in heights)  # any file stands for all


def test_a_series_says_what_it_is(tmp_path, voxels, placed):
    write_plain(
        tmp_path, voxels, placed(), PatientID="77", SeriesDescription="DWI", ProtocolName="stroke",
        DiffusionBValue=1000.0, ContrastBolusAgent="Gadavist", Modality="MR",
    )  # fmt: skip
    (series,) = series_in(tmp_path)
    said = (series.patient_id, series.modality, series.description, series.protocol)
    assert said == ("77", "MR", "DWI", "stroke")
    assert (series.b_value, series.contrast, series.study_date) == (1000, "Gadavist", "20200102")
    assert "Doe" not in repr(series)


def test_slope_and_intercept_are_each_slices_own(tmp_path, voxels, placed):
    slopes = [str(1 + number / 4) for number in range(7)]
    intercepts = [str(-number) for number in range(7)]
    paths = write_plain(
        tmp_path, voxels, placed(), RescaleSlope=slopes, RescaleIntercept=intercepts
    )
    number = np.arange(7)
    expected = voxels * (1 + number / 4) - number
    np.testing.assert_array_equal(read_volume(paths[0]).values, expected)


def test_slope_and_intercept_of_frames_are_each_frames_own(tmp_path, voxels, placed):
    scaling = [(1 + number / 4, -number) for number in range(7)]
    path = write_enhanced(tmp_path / "a.dcm", voxels, placed(), scaling=scaling)
    number = np.arange(7)
    expected = voxels * (1 + number / 4) - number
    np.testing.assert_array_equal(read_volume(path).values, expected)


@pytest.mark.parametrize(
    ("tag", "values", "words"),
    [
        ("DiffusionBValue", [0.0, 1000.0], ["b-value 0.0", "b-value 1000.0"]),
        ("EchoTime", ["12", "96"], ["echo time 12", "echo time 96"]),
        ("TemporalPositionIdentifier", [1, 2], ["time 1", "time 2"]),
        ("AcquisitionNumber", [2, 10], ["acquisition 2", "acquisition 10"]),
    ],
)
def test_volumes_of_one_series_are_told_apart(tmp_path, voxels, placed, tag, values, words):
    first = write_plain(tmp_path, voxels, placed(), **{tag: values[0]})
    names = [f"second{number}.dcm" for number in range(7)]
    second = write_plain(tmp_path, voxels + 1, placed(), names, **{tag: values[1]})

    found = series_in(tmp_path)

    assert [each.part for each in found] == words
    assert [set(each.files) for each in found] == [set(first), set(second)]
    assert found[0].uid == found[1].uid
    np.testing.assert_array_equal(read_volume(first[3]).values + 1, read_volume(second[5]).values)
    if tag == "DiffusionBValue":
        assert [each.b_value for each in found] == [0, 1000]


def test_a_tag_that_differs_from_slice_to_slice_parts_nothing(tmp_path, voxels, placed):
    write_plain(tmp_path, voxels, placed(), AcquisitionNumber=list(range(1, 8)))
    assert len(series_in(tmp_path)) == 1


def test_volumes_of_one_enhanced_file_lie_along_a_fourth_axis(tmp_path, voxels, placed):
    both = np.stack([voxels, voxels + 9], axis=-1)
    path = write_enhanced(tmp_path / "a.dcm", both, placed(), b_values=(0, 1000))

    found = series_in(tmp_path)

    assert [(each.b_value, each.component) for each in found] == [(0, 0), (1000, 1)]
    assert count_components(path) == 2
    np.testing.assert_array_equal(read_volume(path, 1).values, voxels + 9)


def test_mosaics_of_two_b_values_are_two_volumes(tmp_path, voxels, placed):
    for name, b_value in (("a", 0.0), ("b", 1000.0)):
        write_mosaic(tmp_path / f"{name}.dcm", voxels, placed(), DiffusionBValue=b_value)
    assert [(each.b_value, len(each.files)) for each in series_in(tmp_path)] == [(0, 1), (1000, 1)]


def one_slice(folder, voxels, placed):
    write_plain(folder, voxels[..., :1], placed())


def localizer(folder, voxels, placed):
    write_plain(folder, voxels, placed(), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])


def three_directions(folder, voxels, placed):
    for name, turn in (("a", (0, 0, 0)), ("b", (90, 0, 0)), ("c", (90, 0, 90))):
        write_plain(folder, voxels[..., :1], placed(turn), [name])


def capture(folder, voxels, placed):
    write_plain(folder, voxels, placed(), SOPClassUID="1.2.840.10008.5.1.4.1.1.7")


def report(folder, voxels, placed):
    write_plain(folder, voxels, placed(), SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")


def without_place(folder, voxels, placed):
    for path in write_plain(folder, voxels, placed()):
        content = pydicom.dcmread(path)
        del content.ImagePositionPatient
        content.save_as(path)


def colours(folder, voxels, placed):
    write_plain(folder, voxels, placed(), PhotometricInterpretation="RGB", SamplesPerPixel=3)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (one_slice, "one slice is no volume"),
        (localizer, "a localizer"),
        (three_directions, "its slices lie in several directions, as a localizer's do"),
        (capture, "a secondary capture"),
        (report, r"no CT, MR or PET image \(SOP class 1.2.840.10008.5.1.4.1.1.88.11\)"),
        (without_place, "no standard tag says where its slices lie"),
        (colours, "its voxels are colours"),
    ],
)
def test_what_is_no_volume_is_left_out_aloud(tmp_path, voxels, placed, write, words):
    write(tmp_path / "odd", voxels, placed)
    write_plain(tmp_path / "good", voxels, placed(), SeriesDescription="good")

    found = survey(tmp_path)

    assert [each.description for each in found.series] == ["good"]
    (said,) = found.skipped
    path = next((tmp_path / "odd").iterdir())
    with pytest.raises(InputError, match=words) as refused:
        open_volume(path)
    assert str(refused.value) == said


def test_two_patients_in_one_series_are_refused(tmp_path, voxels, placed):
    paths = write_plain(tmp_path, voxels, placed())
    content = pydicom.dcmread(paths[4])
    content.PatientID = "p2"
    content.save_as(paths[4])
    with pytest.raises(InputError, match=r"0004.dcm: patient p2, and .* same series is of p1"):
        series_in(tmp_path)


def test_two_patients_in_one_folder_are_two_series(tmp_path, voxels, placed):
    for patient in ("p1", "p2"):
        names = [f"{patient}-{number}" for number in range(7)]
        write_plain(tmp_path, voxels, placed(), names, PatientID=patient)
    assert [each.patient_id for each in series_in(tmp_path)] == ["p1", "p2"]


def test_a_transfer_syntax_that_nobody_knows_is_named(tmp_path, voxels, placed):
    path = write_enhanced(tmp_path / "a.dcm", voxels, placed())
    content = pydicom.dcmread(path)
    content.file_meta.TransferSyntaxUID = "1.2.3.4.5"
    content.save_as(path, implicit_vr=False, little_endian=True)
    words = r"a.dcm: its voxels are stored in the transfer syntax 1.2.3.4.5, which is not known"
    with pytest.raises(InputError, match=words):
        open_volume(path)


def test_a_compressed_header_is_not_read(tmp_path, voxels, placed):
    path = write_enhanced(tmp_path / "a.dcm", voxels, placed())
    content = pydicom.dcmread(path)
    content.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    content.save_as(path)
    with pytest.raises(InputError, match="its header is compressed"):
        open_volume(path)


def test_more_voxels_than_the_file_can_hold_are_refused_before_any_is_read(
    tmp_path, voxels, placed, monkeypatch
):
    write_plain(tmp_path, voxels, placed(), Rows=60000, Columns=60000)
    monkeypatch.setattr("inspire_med.imaging.dicom.reading.pixel_array", None)
    with pytest.raises(InputError, match=r"promises 7200000000 bytes of voxels"):
        open_volume(tmp_path / "0000.dcm")


def test_compressed_voxels_are_read(tmp_path, voxels, placed):
    for path in write_plain(tmp_path, voxels, placed()):
        content = pydicom.dcmread(path)
        content.compress("1.2.840.10008.1.2.5")  # run lengths
        content.save_as(path)
    np.testing.assert_array_equal(read_volume(tmp_path / "0000.dcm").values, voxels)


@pytest.mark.parametrize("length", [200, 700, 900])
def test_a_file_that_was_cut_off_is_refused(tmp_path, voxels, placed, length):
    paths = write_plain(tmp_path, voxels, placed())
    paths[2].write_bytes(paths[2].read_bytes()[:length])
    with pytest.raises(InputError, match=r"0002.dcm: truncated or corrupt"):
        read_volume(paths[2])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.dcm", b"nothing", "not a DICOM file"),
        ("a.dcm", b"", "empty"),
        ("a.dcm", None, "no such file"),
        ("a", b"nothing", "not a volume's name"),
    ],
)
def test_what_is_no_dicom_is_refused(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        open_volume(tmp_path / name)


def test_without_the_extra_the_line_that_installs_it_is_said(tmp_path, voxels, placed, monkeypatch):
    path = write_enhanced(tmp_path / "a.dcm", voxels, placed())
    monkeypatch.setattr("inspire_med.imaging.dicom.known._NEEDED", ("no_such_package",))
    with pytest.raises(InputError, match=r"pip install 'inspire-med\[dicom\]'"):
        open_volume(path)


def test_a_length_that_is_no_length_allocates_nothing(tmp_path, voxels, placed):
    path = write_enhanced(tmp_path / "a.dcm", voxels, placed())
    raw = path.read_bytes()
    at = raw.index(b"\x08\x00\x3e\x10LO")  # the series' description
    path.write_bytes(raw[:at] + b"\x08\x00\x3e\x10UT\0\0\xf0\xff\xff\xff" + raw[at + 8 :])
    with pytest.raises(InputError, match=r"a.dcm: "):
        open_volume(path)


def test_dicomdir_and_hidden_files_are_passed_over(tmp_path, voxels, placed):
    paths = write_plain(tmp_path, voxels, placed())
    content = pydicom.dcmread(paths[0])
    content.SOPClassUID = MR
    save(content, tmp_path / "DICOMDIR")
    save(content, tmp_path / ".hidden")
    (series,) = series_in(tmp_path)
    assert set(series.files) == set(paths)
