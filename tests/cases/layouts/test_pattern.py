import pytest

from inspire_med.cases.layouts import pattern
from inspire_med.cases.layouts.recognise import find_cases, find_inputs
from inspire_med.errors import InputError
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.task import Files


def task(images, label=None, channels=("t1", "t1ce"), dims=3, **more):
    files = Files(images, label)
    return own_task(
        "x", dims, channels, {"a": 1}, layouts=("pattern",), intensity="mri", files=files, **more
    )


def lay(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


NAMED = task("{case}/{case}_{channel}.nii.gz", "{case}/{case}_seg.nii.gz")
NUMBERED = task("imagesTr/{case}_{channel:04d}.nii.gz", "labelsTr/{case}.nii.gz")
BARE = task("{case}/{channel}.nii.gz", "{case}/mask.nii.gz")
PICTURE = task("images/{case}.*", "masks/{case}.png", ("red", "green", "blue"), 2)


def ids(found):
    return [case.id for case in found.cases]


def test_channels_by_name(tmp_path):
    lay(tmp_path, "p/p_t1.nii.gz", "p/p_t1ce.nii.gz", "p/p_seg.nii.gz", "p/q_t1.nii.gz")

    found = find_cases(NAMED, tmp_path)

    (case,) = found.cases
    assert {name: path.name for name, path in case.images.items()} == {
        "t1": "p_t1.nii.gz",
        "t1ce": "p_t1ce.nii.gz",
    }
    assert case.label == tmp_path / "p" / "p_seg.nii.gz"
    assert case.components == {}
    (note,) = found.notes
    assert "Left out, named as no channel and no label: 1 file, such as " in note
    assert "p/q_t1.nii.gz" in note


def test_volumes_of_another_ending_are_not_left_out_in_silence(tmp_path):
    lay(tmp_path, "p/t1.nii.gz", "p/t1ce.nii.gz", "p/mask.nii.gz", "q/t1.mha", "q/a.txt")

    (note,) = find_cases(BARE, tmp_path).notes

    assert "Left out, named as no channel and no label: 1 file, such as " in note
    assert "q/t1.mha" in note


def test_channels_by_number(tmp_path):
    lay(tmp_path, *(f"imagesTr/c_{n:04d}.nii.gz" for n in range(3)), "labelsTr/c.nii.gz")

    (case,) = find_cases(NUMBERED, tmp_path).cases

    assert [path.name for path in case.images.values()] == ["c_0000.nii.gz", "c_0001.nii.gz"]
    assert case.label is not None


def test_colours_are_channels_and_a_star_is_any_ending(tmp_path):
    lay(tmp_path, "images/a.jpg", "images/b.png", "masks/a.png", "masks/b.png")

    found = find_cases(PICTURE, tmp_path)

    assert ids(found) == ["a", "b"]
    assert found.cases[0].components == {"red": 0, "green": 1, "blue": 2}


def test_several_channels_in_one_volume_are_its_parts(tmp_path):
    lay(tmp_path, "a.nii.gz")

    (case,) = find_cases(task("{case}.nii.gz"), tmp_path).cases

    assert case.components == {"t1": 0, "t1ce": 1}


def test_a_label_that_an_image_could_be_named_as_is_the_label(tmp_path):
    lay(tmp_path, "a.nii.gz", "a_seg.nii.gz")
    one = task("{case}.nii.gz", "{case}_seg.nii.gz", ("mri",))

    assert ids(find_cases(one, tmp_path)) == ["a"]
    assert ids(find_inputs(one, tmp_path)) == ["a"]


def test_names_a_label_without_image(tmp_path):
    lay(tmp_path, "images/a.png", "masks/a.png", "masks/b.png")

    (problem,) = find_cases(PICTURE, tmp_path).problems

    assert "masks/b.png: no image of case b is named like images/{case}.*; add it" in problem


def test_the_patient_is_what_the_task_says(tmp_path):
    lay(tmp_path, "images/v1_001.png", "images/v1_002.png")
    video = task("images/{case}.png", None, ("red", "green", "blue"), 2, patient=r"v\d+")

    assert {case.patient for case in find_cases(video, tmp_path).cases} == {"v1"}


def test_says_what_it_looked_for_and_what_is_there(tmp_path):
    lay(tmp_path, "other/a_t1.nii.gz")

    with pytest.raises(
        InputError,
        match=r"no x case found; expected files named like {case}/{case}_{channel}\.nii\.gz and "
        r"{case}/{case}_seg\.nii\.gz, or folders of DICOM series \(t1, t1ce\); there are files "
        r"such as other/a_t1\.nii\.gz\.",
    ):
        find_cases(NAMED, tmp_path)


@pytest.mark.parametrize("place", [".", "p"])
def test_inputs_are_found_in_the_set_or_one_patients_folder(tmp_path, place):
    lay(tmp_path, "p/t1.nii.gz", "p/t1ce.nii.gz")

    assert ids(find_inputs(BARE, tmp_path / place)) == ["p"]


def test_inputs_are_found_in_a_folder_of_another_name(tmp_path):
    lay(tmp_path, "imagesTs/c_0000.nii.gz", "imagesTs/c_0001.nii.gz")

    found = find_inputs(NUMBERED, tmp_path / "imagesTs")

    assert ids(found) == ["c"]
    assert len(found.cases[0].images) == 2


@pytest.mark.parametrize(
    ("known", "names"),
    [
        (BARE, ("p/t1.nii.gz", "p/t1ce.nii.gz")),
        (NAMED, ("p/p_t1ce.nii.gz", "p/p_t1.nii.gz")),
        (NUMBERED, ("imagesTr/p_0000.nii.gz", "imagesTr/p_0001.nii.gz")),
        (NUMBERED, ("imagesTs/p_0001.nii.gz", "imagesTs/p_0000.nii.gz")),
        (task("{channel}/{case}.nii.gz"), ("t1/p.nii.gz", "t1ce/p.nii.gz")),
    ],
)
def test_one_file_brings_the_others_of_its_case(tmp_path, known, names):
    lay(tmp_path, *names, *(name.replace("p", "q") for name in names))

    (case,) = find_inputs(known, tmp_path / names[0]).cases

    assert (case.id, len(case.images)) == ("p", 2)


def test_one_file_that_holds_all_channels_is_a_case_whatever_its_name(tmp_path):
    lay(tmp_path, "some.png")

    (case,) = find_inputs(PICTURE, tmp_path / "some.png").cases

    assert (case.id, case.components["blue"]) == ("some", 2)


def test_a_task_of_patterns_needs_them(tmp_path):
    bare = own_task("x", 3, ("a",), {"a": 1}, layouts=("pattern",), intensity="mri")

    with pytest.raises(InputError, match="task x: says no pattern of its files; add `images`"):
        pattern.find(bare, tmp_path)


@pytest.mark.parametrize(
    ("own", "more", "what"),
    [
        (task("{case}_{channel}.*", "lab/{case}.nii*"), "a_t1.nii", "the channel t1"),
        (task("{case}_{channel}.*", "lab/{case}.nii*"), "lab/a.nii", "its label"),
        (task("*/{case}.nii.gz", None, ("ct",)), "more/a.nii.gz", "the channel ct"),
    ],
)
def test_names_two_files_of_one_channel_or_label(tmp_path, own, more, what):
    for case in "ab":
        lay(tmp_path, f"{case}_t1.nii.gz", f"{case}_t1ce.nii.gz", f"lab/{case}.nii.gz")
    lay(tmp_path, more)

    found = find_cases(own, tmp_path)

    assert ids(found) == ["b"]
    (problem,) = found.problems
    assert f"case a has two files for {what}, this and {tmp_path}" in problem
    assert tmp_path / more in found.refused
    assert tmp_path / more not in found.left_out  # it has a name


def test_pictures_may_have_a_file_for_each_channel(tmp_path):
    lay(tmp_path, "a_0000.png", "a_0001.png")

    (case,) = find_cases(task("{case}_{channel:04d}.png", dims=2), tmp_path).cases

    assert [path.name for path in case.images.values()] == ["a_0000.png", "a_0001.png"]
    assert case.components == {}
