from pathlib import Path

import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.pairs import (
    case_id,
    find_frames,
    find_maps,
    find_masks,
    find_probabilities,
    pair,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BraTS-1.nii.gz", "BraTS-1"),
        ("a.b.nii", "a.b"),
        ("polyp.PNG", "polyp"),
        ("notes.txt", None),
        ("scores.json", None),
    ],
)
def test_the_id_is_the_name_without_its_extension(name, expected):
    assert case_id(Path(name)) == expected


def test_finds_masks_and_passes_over_the_rest(tmp_path):
    for name in ("b.nii.gz", "a.png", "a_prob.png", "b_prob.nii.gz", ".tmp-1-c.png", "log.txt"):
        (tmp_path / name).touch()

    assert list(find_masks(tmp_path)) == ["a", "b"]


def test_refuses_one_id_twice(tmp_path):
    for name in ("a.nii.gz", "a.png"):
        (tmp_path / name).touch()

    with pytest.raises(InputError, match=r"a.png: case a is there twice, also as a.nii.gz"):
        find_masks(tmp_path)


def test_of_probabilities_hidden_files_and_masks_are_passed_over(tmp_path):
    for name in ("b_prob.nii.gz", "a_prob.png", "a.png", ".tmp-1-c_prob.png", "d_prob.txt"):
        (tmp_path / name).touch()

    found = find_probabilities(tmp_path)

    assert found == {"a": tmp_path / "a_prob.png", "b": tmp_path / "b_prob.nii.gz"}


def test_frames_are_found_a_folder_a_video_or_beside_each_other(tmp_path):
    for name in ("v/1.png", "v/2.png", "v/2_prob.png", "w/1.png", "x-1.png", "v/deeper/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = find_frames(tmp_path)

    assert {name: path.relative_to(tmp_path).as_posix() for name, path in found.items()} == {
        "v-1": "v/1.png",
        "v-2": "v/2_prob.png",
        "w-1": "w/1.png",
        "x-1": "x-1.png",
    }


@pytest.mark.parametrize("folder", [".ipynb_checkpoints", "__MACOSX"])
def test_folders_that_programs_leave_are_no_videos(tmp_path, folder):
    for name in ("v/0.png", f"{folder}/0.png", f"{folder}/0_prob.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert list(find_frames(tmp_path)) == ["v-0"]


def test_refuses_one_frame_in_and_out_of_its_video(tmp_path):
    (tmp_path / "v").mkdir()
    for name in ("v/1.png", "v-1.png"):
        (tmp_path / name).touch()

    with pytest.raises(InputError, match=r"1.png: case v-1 is there twice, also as v-1.png"):
        find_frames(tmp_path)


@pytest.mark.parametrize("find", [find_probabilities, find_maps])
def test_refuses_the_probabilities_of_one_case_twice(tmp_path, find):
    for name in ("a_prob.nii.gz", "a_prob.png"):
        (tmp_path / name).touch()

    with pytest.raises(
        InputError, match=r"a_prob.png: case a is there twice, also as a_prob.nii.gz; keep one"
    ):
        find(tmp_path)
    with pytest.raises(InputError, match="holds no masks"):  # which do not care
        find_masks(tmp_path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a.png", "b.png"), {"a": "a.png", "b": "b.png"}),
        (("a_prob.png",), {"a": "a_prob.png"}),
        (("a.png", "a_prob.png", "b.png"), {"a": "a_prob.png", "b": "b.png"}),
    ],
)
def test_maps_are_probabilities_where_there_are_any(tmp_path, names, expected):
    for name in names:
        (tmp_path / name).touch()

    assert {case: path.name for case, path in find_maps(tmp_path).items()} == expected


def test_probabilities_do_not_hide_that_a_picture_is_there_twice(tmp_path):
    for name in ("a.png", "a.jpg", "b_prob.png"):
        (tmp_path / name).touch()

    with pytest.raises(InputError, match=r"a.png: case a is there twice, also as a.jpg"):
        find_maps(tmp_path)


@pytest.mark.parametrize("find", [find_maps, find_probabilities])
def test_refuses_a_missing_folder_of_maps(tmp_path, find):
    with pytest.raises(InputError, match="no such folder"):
        find(tmp_path / "nowhere")


def test_refuses_a_folder_without_maps(tmp_path):
    with pytest.raises(InputError, match="holds no masks"):
        find_maps(tmp_path)


def test_refuses_a_folder_without_masks(tmp_path):
    with pytest.raises(InputError, match="holds no masks"):
        find_masks(tmp_path)


def test_refuses_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_masks(tmp_path / "nowhere")


def files(*names):
    return {name: Path(name) for name in names}


def test_pairs_by_id_in_order():
    found = pair(files("b", "a"), files("a", "b"), allow_missing=False)

    assert list(found.pairs) == ["a", "b"]
    assert found.pairs["a"] == (Path("a"), Path("a"))
    assert found.missing == found.spurious == ()


def test_what_has_no_partner_is_named():
    with pytest.raises(InputError) as caught:
        pair(files("a", "b"), files("b", "c"), allow_missing=False)

    assert "1 without a prediction (a)" in str(caught.value)
    assert "1 predicted but without a reference (c)" in str(caught.value)
    assert "--allow_missing" in str(caught.value)


def test_what_has_no_partner_may_be_left_out():
    found = pair(files("a", "b"), files("b", "c"), allow_missing=True)

    assert list(found.pairs) == ["b"]
    assert (found.missing, found.spurious) == (("a",), ("c",))


def test_a_long_list_is_cut():
    many = files(*(f"case{number}" for number in range(9)))

    with pytest.raises(InputError, match=r"8 without a prediction .*and 3 more\)"):
        pair(many, files("case0"), allow_missing=False)


def test_no_partner_at_all_is_refused_even_so():
    with pytest.raises(InputError, match="no prediction has the id of a reference"):
        pair(files("a"), files("b"), allow_missing=True)
