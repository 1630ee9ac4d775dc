"""nnU-Net's raw folders: what their names say, and that nothing in them is passed over."""

import json

import pytest

from inspire_med.cases.layouts.recognise import find_cases
from inspire_med.tasks.find import task_named


def lay(folder, *names, channels=("FLAIR", "T1"), ending=".nii.gz"):
    """A raw folder with these files, and the task that it describes."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    described = {
        "channel_names": {str(number): name for number, name in enumerate(channels)},
        "labels": {"background": 0, "tumour": 1},
        "file_ending": ending,
    }
    (folder / "dataset.json").write_text(json.dumps(described))
    return task_named("nnunet", [folder])


def case(name, ending=".nii.gz"):
    images = [f"imagesTr/{name}_{number:04d}{ending}" for number in (0, 1)]
    return [*images, f"labelsTr/{name}{ending}"]


def test_a_raw_folder_is_read_by_its_numbers(tmp_path):
    task = lay(tmp_path, *case("a"), *case("b"))

    found = find_cases(task, tmp_path)

    assert (found.layout, found.problems, found.notes) == ("nnunet", (), ())
    assert [each.id for each in found.cases] == ["a", "b"]
    first = found.cases[0]
    assert {name: path.name for name, path in first.images.items()} == {
        "FLAIR": "a_0000.nii.gz",
        "T1": "a_0001.nii.gz",
    }
    assert first.label == tmp_path / "labelsTr" / "a.nii.gz"


@pytest.mark.parametrize("other", ["imagesTr/a_0004.nii.gz", "imagesTr/a.nii.gz"])
def test_images_of_no_named_channel_are_left_out_aloud(tmp_path, other):
    found = find_cases(lay(tmp_path, *case("a"), other), tmp_path)

    assert len(found.cases[0].images) == 2
    (note,) = found.notes
    assert note == (
        "Left out, named as no channel and no label: 1 file, such as " + f"{tmp_path}/{other}."
    )


@pytest.mark.parametrize("ending", [".nii", ".mha", ".nrrd"])
def test_labels_of_another_ending_than_the_images_are_read(tmp_path, ending):
    images = case("a")[:2]

    found = find_cases(lay(tmp_path, *images, f"labelsTr/a{ending}"), tmp_path)

    assert found.cases[0].label == tmp_path / "labelsTr" / f"a{ending}"
    assert found.problems == ()


@pytest.mark.parametrize(
    ("other", "what"),
    [("imagesTr/a_0001.nii", "the channel T1"), ("labelsTr/a.nii", "its label")],
)
def test_two_files_of_a_channel_or_a_label_are_named(tmp_path, other, what):
    found = find_cases(lay(tmp_path, *case("a"), *case("b"), other), tmp_path)

    assert [each.id for each in found.cases] == ["b"]
    (problem,) = found.problems
    assert f"case a has two files for {what}, this and {tmp_path}" in problem


def test_a_label_without_an_image_is_named(tmp_path):
    found = find_cases(lay(tmp_path, *case("a"), "labelsTr/b.nii.gz"), tmp_path)

    (problem,) = found.problems
    assert problem == (
        f"{tmp_path}/labelsTr/b.nii.gz: no image of case b in {tmp_path}/imagesTr; add it or move "
        "the label."
    )


def test_pictures_may_have_a_file_for_each_channel(tmp_path):
    names = [*case("a", ".png"), *case("b", ".png")]
    names.remove("imagesTr/b_0001.png")

    found = find_cases(lay(tmp_path, *names, ending=".png"), tmp_path)

    first, second = found.cases
    assert {name: path.name for name, path in first.images.items()} == {
        "FLAIR": "a_0000.png",
        "T1": "a_0001.png",
    }
    # Where others have two files, one is no picture of both channels.
    assert list(second.images) == ["FLAIR"]
    assert first.components == second.components == {}


def test_one_picture_is_of_all_channels_where_no_case_has_more(tmp_path):
    names = ["imagesTr/a_0000.png", "labelsTr/a.png"]

    (found,) = find_cases(
        lay(tmp_path, *names, channels=tuple("RGB"), ending=".png"), tmp_path
    ).cases

    assert found.components == {"R": 0, "G": 1, "B": 2}
    assert len(set(found.images.values())) == 1
