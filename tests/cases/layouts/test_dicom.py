"""Folders of DICOM studies to cases, and their series to channels."""

import shutil

import numpy as np
import pytest

from inspire_med.cases.layouts.recognise import find_cases, find_inputs
from inspire_med.cases.layouts.series_choice import with_named
from inspire_med.errors import InputError
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.find import TASKS, as_stored
from inspire_med.tasks.task import SeriesRule
from tests.common.dicom_series import write_enhanced, write_plain

BRATS, ISLES = TASKS["brats"], TASKS["isles"]
USUAL = {"flair": "Ax T2 FLAIR", "t1": "t1_mprage_sag", "t1ce": "t1_mprage_sag_Gd", "t2": "t2_tse"}
VOXELS = np.arange(4 * 3 * 2, dtype=np.uint16).reshape(4, 3, 2)


def write(folder, names=(), **said):
    return write_plain(folder, VOXELS, np.diag([2.0, 2, 3, 1]), names, **said)


def write_study(root, patient="p1", names=USUAL, **said):
    """A study, a folder a series; answers with the first file of each channel."""
    return {
        channel: write(
            root / f"{patient}-S{number}", SeriesDescription=name, PatientID=patient,
            SeriesNumber=number, **said,
        )[0]
        for number, (channel, name) in enumerate(names.items())
    }  # fmt: skip


def test_series_are_chosen_by_what_they_are_called(tmp_path):
    files = write_study(tmp_path)

    found = find_cases(BRATS, tmp_path)

    (case,) = found.cases
    assert (case.id, case.patient, found.layout) == ("p1_20200102", "p1", "dicom")
    assert case.images == files
    assert not found.problems
    assert not case.components


@pytest.mark.parametrize(
    ("task", "said", "channel"),
    [
        (BRATS, {"SeriesDescription": "AX T1 FSE"}, "t1"),
        (BRATS, {"SeriesDescription": "AX T1 FSE", "ContrastBolusAgent": "GADAVIST"}, "t1ce"),
        (BRATS, {"SeriesDescription": "T1 pre contrast", "ContrastBolusAgent": "Dotarem"}, "t1"),
        (BRATS, {"SeriesDescription": "AX T1 +C"}, "t1ce"),
        (BRATS, {"SeriesDescription": "T1 POST", "ContrastBolusAgent": ""}, "t1ce"),
        (BRATS, {"SeriesDescription": "t1_se", "ContrastBolusAgent": "NO"}, "t1"),
        (BRATS, {"SeriesDescription": "SAG T1", "ProtocolName": "head without and +C"}, "t1"),
        (BRATS, {"SeriesDescription": "t2_tirm_tra_dark-fluid"}, "flair"),
        (BRATS, {"SeriesDescription": "3", "ProtocolName": "T2 TSE"}, "t2"),
        (BRATS, {"SeriesDescription": "ep2d_diff T2"}, None),
        (BRATS, {"SeriesDescription": "T2* GRE", "ProtocolName": "t2_star"}, None),
        (ISLES, {"SeriesDescription": "ep2d_diff", "DiffusionBValue": 1000.0}, "dwi"),
        (ISLES, {"SeriesDescription": "ep2d_diff", "DiffusionBValue": 0.0}, None),
        (ISLES, {"SeriesDescription": "diff", "ImageType": ["DERIVED", "PRIMARY", "ADC"]}, "adc"),
        (ISLES, {"SeriesDescription": "Apparent Diffusion Coefficient (mm2/s)"}, "adc"),
    ],
)
def test_a_series_is_the_channel_that_it_says(tmp_path, task, said, channel):
    (file, *_) = write(tmp_path, **said)
    (case,) = find_inputs(task, tmp_path).cases
    assert case.images == ({channel: file} if channel else {})


def test_b_values_of_one_series_are_chosen_among(tmp_path):
    for number, b_value in enumerate((0.0, 1000.0)):
        names = [f"{number}{place}" for place in range(2)]
        write(tmp_path, names, SeriesDescription="ep2d_diff", DiffusionBValue=b_value)
    (case,) = find_inputs(ISLES, tmp_path).cases
    assert case.images["dwi"].name in ("10", "11")


def test_a_volume_of_an_enhanced_file_is_a_component(tmp_path):
    both = np.stack([VOXELS, VOXELS], axis=-1)
    what = {"b_values": (0, 1000), "SeriesDescription": "ep2d_diff"}
    path = write_enhanced(tmp_path / "a.dcm", both, np.diag([2.0, 2, 3, 1]), **what)
    (case,) = find_inputs(ISLES, tmp_path).cases
    assert (case.images, case.components) == ({"dwi": path}, {"dwi": 1})


def test_a_flat_export_of_several_patients_is_told_apart(tmp_path):
    for patient in ("p1", "p2"):
        for channel, path in write_study(tmp_path / "tree", patient).items():
            for place, file in enumerate(sorted(path.parent.iterdir())):
                target = tmp_path / "flat" / f"IM{patient[1]}{list(USUAL).index(channel)}{place}"
                target.parent.mkdir(exist_ok=True)
                shutil.copy(file, target)
    (tmp_path / "flat" / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")

    found = find_cases(BRATS, tmp_path / "flat")

    assert [(case.id, len(case.images)) for case in found.cases] == [
        ("p1_20200102", 4), ("p2_20200102", 4),
    ]  # fmt: skip
    assert any("DICOM of 2 patients, told apart by PatientID: p1, p2" in n for n in found.notes)


def test_two_studies_of_one_day_have_two_names(tmp_path):
    for number in ("1.2.3", "1.2.4"):
        write_study(tmp_path / number, StudyInstanceUID=number)
    ids = [case.id for case in find_cases(BRATS, tmp_path).cases]
    assert ids == ["p1_20200102_1.2.3", "p1_20200102_1.2.4"]


def test_a_patient_without_a_number_is_his_study(tmp_path):
    write_study(tmp_path, "", StudyInstanceUID="1.2.3")
    (case,) = find_cases(BRATS, tmp_path).cases
    assert (case.id, case.patient) == ("1.2.3", "1.2.3")


def test_one_study_of_two_patients_is_refused(tmp_path):
    write_study(tmp_path, "p1", StudyInstanceUID="1.2.3")
    write_study(tmp_path, "p2", StudyInstanceUID="1.2.3")
    problems = find_cases(BRATS, tmp_path).problems
    assert any("one study holds series of the patients p1 and p2" in each for each in problems)


def test_two_series_for_a_channel_are_named_and_neither_is_taken(tmp_path):
    write_study(tmp_path)
    write(tmp_path / "again", SeriesDescription="t2_tse_repeated", SeriesInstanceUID="1.2.9")

    found = find_cases(BRATS, tmp_path)

    assert found.problems[0].split(": ", 1)[1].startswith(
        "case p1_20200102: the channel t2 could be 't2_tse_repeated' or 't2_tse'; choose by "
        "--channel t2=NAME"
    ) or "could be 't2_tse' or 't2_tse_repeated'; choose by" in found.problems[0]  # fmt: skip
    assert "t2" not in found.cases[0].images


@pytest.mark.parametrize("name", ["t2_tse", "T2_TSE", "1.2.9", "*repeated"])
def test_a_named_series_is_taken(tmp_path, name):
    files = write_study(tmp_path)
    again = write(tmp_path / "again", SeriesDescription="t2_repeated", SeriesInstanceUID="1.2.9")

    found = find_inputs(with_named(BRATS, [f"t2={name}"]), tmp_path)

    wanted = files["t2"] if name.lower() == "t2_tse" else again[0]
    assert (found.problems, found.cases[0].images["t2"]) == ((), wanted)


def test_a_name_that_no_series_has_is_said_with_those_that_there_are(tmp_path):
    write_study(tmp_path)
    found = find_inputs(with_named(BRATS, ["t2=haste"]), tmp_path)
    (problem,) = found.problems
    assert "no series is named 'haste'; there are 'Ax T2 FLAIR', 't1_mprage_sag'" in problem


def test_a_channel_that_no_series_is_is_said_with_those_that_there_are(tmp_path):
    write_study(tmp_path, names={"flair": "FLAIR", "t1": "T1"})
    notes = find_inputs(BRATS, tmp_path).notes
    words = "no series is told to be the channel t1ce, there are 'FLAIR', 'T1'; choose by --channel"
    assert any(words in note for note in notes)


@pytest.mark.parametrize("word", ["t2", "t2=", "t9=x", "=x"])
def test_odd_names_of_channels_are_refused(word):
    with pytest.raises(InputError, match=f"--channel {word}: not of the form NAME=SERIES"):
        with_named(BRATS, [word])


def test_a_channel_is_named_once():
    with pytest.raises(InputError, match="names t2 twice"):
        with_named(BRATS, ["t2=a", "t2=b"])


def test_a_file_brings_its_study_along(tmp_path):
    for patient in ("p1", "p2"):
        for number, name in enumerate(USUAL.values()):
            names = [f"{patient}{number}{place}" for place in range(2)]
            write(tmp_path, names, SeriesDescription=name, PatientID=patient)
    (case,) = find_inputs(BRATS, tmp_path / "p221").cases
    assert (case.patient, len(case.images)) == ("p2", 4)


def test_a_label_lies_beside_the_series(tmp_path, write_nifti):
    for patient in ("p1", "p2"):
        write_study(tmp_path / patient, patient)
    own = write_nifti(tmp_path / "p1" / "label.nii.gz", VOXELS)
    named = write_nifti(tmp_path / "p2_20200102_seg.nii.gz", VOXELS)
    labels = [case.label for case in find_cases(BRATS, tmp_path).cases]
    assert labels == [own, named]


def test_a_label_of_a_folder_of_two_studies_is_nobodys(tmp_path, write_nifti):
    for patient in ("p1", "p2"):
        write_study(tmp_path, patient)
    write_nifti(tmp_path / "label.nii.gz", VOXELS)
    assert [case.label for case in find_cases(BRATS, tmp_path).cases] == [None, None]


def test_a_task_of_ones_own_is_told_by_its_channels_names(tmp_path):
    task = own_task("own", 3, ["swi", "t2"], {"a": 1}, layouts=("pattern",), intensity="mri")
    file, *_ = write(tmp_path / "a", SeriesDescription="SWI_Images")
    write(tmp_path / "b", SeriesDescription="swift")
    (case,) = find_inputs(task, tmp_path).cases
    assert case.images == {"swi": file}


def test_a_folder_without_any_volume_is_said(tmp_path):
    write(tmp_path, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    found = find_inputs(BRATS, tmp_path)
    assert "no series of the DICOM files here is a volume" in found.problems[0]
    assert "a localizer" in found.notes[0]


def test_rules_are_stored_where_a_task_has_some_and_old_hashes_hold():
    task = own_task("own", 3, ["t2"], {"a": 1}, layouts=("pattern",), intensity="mri")
    assert "series" not in as_stored(task)["definition"]
    named = with_named(task, ["t2=haste"])
    assert as_stored(named)["definition"]["series"]["t2"]["named"] == "haste"
    assert named.series == {"t2": SeriesRule(named="haste")}
