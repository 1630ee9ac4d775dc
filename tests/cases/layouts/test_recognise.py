import json

import pytest

from inspire_med.cases.layouts.recognise import find_cases, find_inputs
from inspire_med.errors import InputError
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.find import TASKS


def test_refuses_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder; check the path"):
        find_cases(TASKS["brats"], tmp_path / "nowhere")


@pytest.mark.parametrize("task", ["brats", "isles", "polyp"])
def test_refuses_an_empty_folder_and_says_what_is_expected(tmp_path, task):
    with pytest.raises(InputError, match="the folder is empty; give one with .*"):
        find_cases(TASKS[task], tmp_path)


@pytest.mark.parametrize("task", ["brats", "isles", "polyp"])
def test_refuses_a_folder_of_something_else(tmp_path, task):
    (tmp_path / "notes.txt").touch()

    with pytest.raises(InputError, match=f"no {task} case found; expected "):
        find_cases(TASKS[task], tmp_path)


LISTED = own_task("listed", 3, ["image"], {"a": 1}, layouts=("datalist",), intensity="mri")


def test_what_a_datalist_was_trained_for_may_lie_in_a_folder_a_file_or_a_list(tmp_path):
    for name in ("p1.nii.gz", "p2.nii.gz", ".p3.nii.gz", "notes.txt"):
        (tmp_path / name).touch()
    path = tmp_path / "list.json"
    path.write_text(
        json.dumps({"training": [{"image": "p1.nii.gz"}], "testing": [{"image": "p2.nii.gz"}]})
    )

    def ids(source):
        return [case.id for case in find_inputs(LISTED, source).cases]

    assert ids(tmp_path) == ids(path) == ["p1", "p2"]
    assert ids(tmp_path / "p2.nii.gz") == ["p2"]
    assert [case.id for case in find_cases(LISTED, path).cases] == ["p1"]


def test_refuses_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "scan.nii.gz").touch()

    with pytest.raises(InputError, match=r"scan\.nii\.gz: a file; give the folder that holds"):
        find_cases(TASKS["brats"], tmp_path / "scan.nii.gz")


def test_takes_one_image_for_prediction(tmp_path):
    (tmp_path / "a.jpg").touch()

    (case,) = find_inputs(TASKS["polyp"], tmp_path / "a.jpg").cases

    assert case.id == "a"
    with pytest.raises(InputError, match="a file; give the folder"):
        find_cases(TASKS["polyp"], tmp_path / "a.jpg")


def test_takes_a_plain_folder_of_images_for_prediction_only(tmp_path):
    (tmp_path / "a.jpg").touch()

    (case,) = find_inputs(TASKS["polyp"], tmp_path).cases

    assert case.id == "a"
    with pytest.raises(InputError, match="no polyp case found"):
        find_cases(TASKS["polyp"], tmp_path)


@pytest.mark.parametrize(("task", "name"), [("polyp", "a.gif"), ("isles", "scan.nii.gz")])
def test_refuses_a_file_that_is_no_input_of_the_task(tmp_path, task, name):
    (tmp_path / name).touch()

    with pytest.raises(InputError, match=f"{name}: no {task} case found; expected"):
        find_inputs(TASKS[task], tmp_path / name)


def test_one_sequence_brings_its_cases_others_along(tmp_path):
    for name in ("BraTS2021_00000", "BraTS2021_00001"):
        for kind in ("flair", "t1", "t1ce", "t2"):
            (tmp_path / f"{name}_{kind}.nii.gz").touch()

    (case,) = find_inputs(TASKS["brats"], tmp_path / "BraTS2021_00001_t1.nii.gz").cases

    assert case.id == "BraTS2021_00001"
    assert set(case.images) == {"flair", "t1", "t1ce", "t2"}


def test_one_sequence_in_a_folder_for_each_kind_brings_the_others_along(tmp_path):
    session = tmp_path / "sub-1" / "ses-1"
    for place, kind in (("dwi", "dwi"), ("dwi", "adc"), ("anat", "flair")):
        (session / place).mkdir(parents=True, exist_ok=True)
        (session / place / f"sub-1_ses-1_{kind}.nii.gz").touch()

    (case,) = find_inputs(TASKS["isles"], session / "anat" / "sub-1_ses-1_flair.nii.gz").cases

    assert list(case.images) == ["dwi", "adc", "flair"]


def test_a_file_without_sequence_in_its_name_is_a_volume_of_all(tmp_path):
    (tmp_path / "BRATS_485.nii.gz").touch()

    (case,) = find_inputs(TASKS["brats"], tmp_path / "BRATS_485.nii.gz").cases

    assert case.components == {"flair": 0, "t1": 1, "t1ce": 2, "t2": 3}


@pytest.mark.parametrize(
    ("task", "place", "count"),
    [
        ("brats", "brats2018", 6),
        ("isles", "isles2022", 2),
        ("polyp", "polyp", 1612),
        ("polyp", "polyp/CVC-ClinicDB", 612),
    ],
)
def test_recognises_the_real_releases(real_data, task, place, count):
    found = find_cases(TASKS[task], real_data / place)

    assert len(found.cases) == count
    assert found.problems == ()
    assert all(case.label is not None for case in found.cases)


@pytest.mark.parametrize("place", ["", "Patient 7", "Patient 7/t1.nii.gz"])
def test_bare_names_in_a_patients_folder_are_a_case(tmp_path, place):
    (tmp_path / "Patient 7").mkdir()
    for channel in ("flair", "t1", "t1ce", "t2"):
        (tmp_path / "Patient 7" / f"{channel}.nii.gz").touch()

    (case,) = find_inputs(TASKS["brats"], tmp_path / place).cases

    assert (case.id, list(case.images)) == ("Patient 7", ["flair", "t1", "t1ce", "t2"])


def test_bare_names_do_for_other_tasks_too(tmp_path):
    (tmp_path / "p").mkdir()
    for channel in ("dwi", "adc"):
        (tmp_path / "p" / f"{channel}.nii.gz").touch()

    (case,) = find_inputs(TASKS["isles"], tmp_path / "p").cases

    assert (case.id, list(case.images)) == ("p", ["dwi", "adc"])


@pytest.mark.parametrize("place", [".", "imagesTr", "imagesTr/c_0002.nii.gz"])
def test_a_model_takes_the_folders_of_nnunet_by_the_names_of_their_channels(tmp_path, place):
    (tmp_path / "imagesTr").mkdir()
    for number in range(4):
        (tmp_path / "imagesTr" / f"c_{number:04d}.nii.gz").touch()
    names = {"channel_names": {"0": "T1", "1": "FLAIR", "2": "T2", "3": "T1ce"}}
    (tmp_path / "dataset.json").write_text(json.dumps({**names, "labels": {"a": 1}}))

    (case,) = find_inputs(TASKS["brats"], tmp_path / place).cases

    assert case.id == "c"
    assert [case.images[name].name[2:6] for name in ("flair", "t1", "t1ce", "t2")] == [
        "0001",
        "0000",
        "0003",
        "0002",
    ]


def test_names_a_channel_that_the_model_has_not(tmp_path):
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "imagesTr" / "c_0000.nii.gz").touch()
    (tmp_path / "dataset.json").write_text('{"channel_names": {"0": "CT"}, "labels": {"a": 1}}')

    with pytest.raises(InputError, match=r"dataset\.json: has the channel CT, which brats has not"):
        find_inputs(TASKS["brats"], tmp_path)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("brats", ("c/c_flair.nii.gz", "c/c_t1.nii.gz")),
        ("isles", ("sub-1/sub-1_dwi.nii.gz", "sub-1/sub-1_adc.nii.gz")),
        ("polyp", ("images/a.png", "masks/a.png")),
    ],
)
def test_links_to_nowhere_are_files_of_their_case(tmp_path, task, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to("nowhere")

    found = find_cases(TASKS[task], tmp_path)

    (case,) = found.cases
    assert {tmp_path / name for name in names} == set(case.files)


def test_links_to_folders_that_are_not_there_are_named(tmp_path):
    for channel in ("flair", "t1"):
        (tmp_path / f"c_{channel}.nii.gz").touch()
    (tmp_path / "d").symlink_to("/nowhere/d")

    (problem,) = find_cases(TASKS["brats"], tmp_path).problems

    assert problem.endswith(
        "/d: a link to /nowhere/d, which is not there; mend the link or remove it."
    )


@pytest.mark.parametrize(
    ("task", "first", "second", "layouts"),
    [
        (
            "brats",
            ("a/a_flair.nii.gz", "a/a_t1.nii.gz"),
            ("1/VSD.Brain.XX.O.MR_T2.1.mha",),
            r"case-folders \(such as a_flair\.nii\.gz\) and vsd \(such as VSD\.Brain",
        ),
        (
            "isles",
            ("sub-1/sub-1_dwi.nii.gz", "sub-1/sub-1_adc.nii.gz"),
            ("Patient 7/dwi.nii.gz", "Patient 7/adc.nii.gz"),
            r"bids \(such as sub-1_dwi\.nii\.gz\) and case-folders \(such as dwi\.nii\.gz",
        ),
    ],
)
def test_names_two_layouts_in_one_folder(tmp_path, task, first, second, layouts):
    for name in (*first, *second):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    with pytest.raises(InputError, match=f"holds the layouts {layouts}.*prepare each by itself"):
        find_cases(TASKS[task], tmp_path)


def test_two_files_of_a_channel_are_no_second_layout(tmp_path):
    """An edition that reads t1ce alone finds a case there that has no fault."""
    for case in "ab":
        for channel in ("flair", "t1", "t1ce", "t2"):
            (tmp_path / case).mkdir(exist_ok=True)
            (tmp_path / case / f"{case}_{channel}.nii.gz").touch()
    (tmp_path / "a" / "a_t1.nii").touch()

    found = find_cases(TASKS["brats"], tmp_path)

    assert [case.id for case in found.cases] == ["b"]
    (problem,) = found.problems
    assert problem == (
        f"{tmp_path}/a/a_t1.nii.gz: case a has two files for the channel t1, this and "
        f"{tmp_path}/a/a_t1.nii; keep one."
    )


def test_an_index_of_something_else_beside_the_cases_is_no_second_layout(tmp_path):
    for channel in ("flair", "t1"):
        (tmp_path / f"c_{channel}.nii.gz").touch()
    (tmp_path / "dataset.json").write_text('{"training": [], "modality": {"0": "CT"}}')

    assert len(find_cases(TASKS["brats"], tmp_path).cases) == 1
