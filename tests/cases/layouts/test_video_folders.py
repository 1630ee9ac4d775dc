import pytest

from inspire_med.cases.layouts import video_folders
from inspire_med.cases.layouts.recognise import find_cases, find_inputs
from inspire_med.errors import InputError
from inspire_med.tasks.polyp import POLYP


def lay(folder, videos, kinds=("Frame", "GT")):
    """Frames `a` and `b` of each video, as SUN-SEG has them."""
    for kind in kinds:
        for video in videos:
            place = folder / kind / video
            place.mkdir(parents=True)
            for name in "ab":
                (place / f"{name}{'.jpg' if kind == 'Frame' else '.png'}").touch()


def test_a_frame_is_a_case_and_the_clips_of_a_polyp_are_of_one_patient(tmp_path):
    lay(tmp_path / "TestEasyDataset" / "Seen", ["case1_1", "case1_3", "case10_1"])

    found = find_cases(POLYP, tmp_path)

    assert found.layout == "video-folders"
    assert found.problems == ()
    assert {case.id: case.patient for case in found.cases} == {
        "case1_1-a": "case1",
        "case1_1-b": "case1",
        "case1_3-a": "case1",
        "case1_3-b": "case1",
        "case10_1-a": "case10",
        "case10_1-b": "case10",
    }
    (first,) = (case for case in found.cases if case.id == "case1_1-a")
    assert first.site == "TestEasyDataset-Seen"
    assert first.sequence == "case1_1"
    assert first.label == tmp_path / "TestEasyDataset" / "Seen" / "GT" / "case1_1" / "a.png"
    assert first.images["red"].name == "a.jpg"


def test_another_video_is_a_patient_by_its_name(tmp_path):
    lay(tmp_path / "set", ["7"])

    assert {(case.patient, case.site) for case in find_cases(POLYP, tmp_path).cases} == {
        ("7", "set")
    }


def test_what_has_no_partner_is_named(tmp_path):
    lay(tmp_path, ["v", "w"])
    (tmp_path / "GT" / "v" / "a.png").unlink()
    for path in (tmp_path / "GT" / "w").iterdir():
        path.unlink()
    (tmp_path / "GT" / "w").rmdir()

    problems = find_cases(POLYP, tmp_path).problems

    assert f"{tmp_path / 'Frame' / 'v' / 'a.jpg'}: no mask of that name in" in problems[0]
    assert problems[1].startswith(f"{tmp_path / 'Frame' / 'w'}: no folder of masks")


def test_frames_are_predicted_without_masks_under_the_same_ids(tmp_path):
    lay(tmp_path, ["case2_1"], kinds=("Frame",))

    assert video_folders.find(POLYP, tmp_path) is None
    assert [case.id for case in find_inputs(POLYP, tmp_path).cases] == ["case2_1-a", "case2_1-b"]


def test_training_and_test_frames_are_not_mixed(tmp_path):
    lay(tmp_path / "TrainDataset", ["case1_1"])
    lay(tmp_path / "TestHardDataset" / "Unseen", ["case2_1"])

    with pytest.raises(InputError, match="holds TrainDataset and a test set; give one of them"):
        find_cases(POLYP, tmp_path)
    assert len(find_cases(POLYP, tmp_path / "TrainDataset").cases) == 2
