import pytest

from inspire_med.data.layouts.recognise import find_cases
from inspire_med.errors import InputError


def test_refuses_an_unknown_task(tmp_path):
    with pytest.raises(InputError, match="task liver: unknown; choose one of brats, isles, polyp"):
        find_cases("liver", tmp_path)


def test_refuses_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder; check the path"):
        find_cases("brats", tmp_path / "nowhere")


@pytest.mark.parametrize("task", ["brats", "isles", "polyp"])
def test_refuses_an_empty_folder_and_says_what_is_expected(tmp_path, task):
    with pytest.raises(InputError, match="the folder is empty; give one with .*"):
        find_cases(task, tmp_path)


@pytest.mark.parametrize("task", ["brats", "isles", "polyp"])
def test_refuses_a_folder_of_something_else(tmp_path, task):
    (tmp_path / "notes.txt").touch()

    with pytest.raises(InputError, match=f"no {task} case found; expected "):
        find_cases(task, tmp_path)


def test_refuses_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "scan.nii.gz").touch()

    with pytest.raises(InputError, match=r"scan\.nii\.gz: a file; give the folder that holds"):
        find_cases("brats", tmp_path / "scan.nii.gz")


def test_takes_one_image_for_prediction(tmp_path):
    (tmp_path / "a.jpg").touch()

    (case,) = find_cases("polyp", tmp_path / "a.jpg", labelled=False).cases

    assert case.id == "a"
    with pytest.raises(InputError, match="a file; give the folder"):
        find_cases("polyp", tmp_path / "a.jpg")


def test_takes_a_plain_folder_of_images_for_prediction_only(tmp_path):
    (tmp_path / "a.jpg").touch()

    assert find_cases("polyp", tmp_path, labelled=False).layout == "pictures"
    with pytest.raises(InputError, match="no polyp case found"):
        find_cases("polyp", tmp_path)


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
    found = find_cases(task, real_data / place)

    assert len(found.cases) == count
    assert found.problems == ()
    assert all(case.label is not None for case in found.cases)
