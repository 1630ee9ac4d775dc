import json

import pytest

from inspire_med.errors import InputError
from inspire_med.tasks.dataset_json import task_of_dataset
from inspire_med.tasks.find import task_named


def write(folder, **content):
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def test_reads_version_2_with_regions(tmp_path):
    labels = {"background": 0, "whole": [1, 2], "core": 2}
    folder = write(tmp_path / "Dataset001_A", channel_names={"1": "T2", "0": "T1"}, labels=labels)

    task = task_of_dataset(folder)

    assert (task.name, task.channels) == ("Dataset001_A", ("T1", "T2"))
    assert task.regions == {"whole": (1, 2), "core": (2,)}
    assert task.preparation.intensity == "mri"


def test_reads_version_1_and_the_decathlon(tmp_path):
    labels = {"0": "background", "1": "liver", "2": "tumour"}
    task = task_of_dataset(write(tmp_path / "x", modality={"0": "CT"}, labels=labels))

    assert task.regions == {"liver": (1,), "tumour": (2,)}
    assert task.preparation.intensity == "ct"


@pytest.mark.parametrize(
    "labels",
    [
        {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3},
        {"0": "background", "1": "whole", "2": "core", "3": "ignore"},
    ],
)
def test_a_label_to_ignore_is_no_region(tmp_path, labels):
    task = task_of_dataset(write(tmp_path / "x", channel_names={"0": "T1"}, labels=labels))

    assert list(task.regions) == ["whole", "core"]
    assert task.preparation.ignore == 3


def test_pictures_are_2d(tmp_path):
    names = {"0": "R", "1": "G", "2": "B"}
    task = task_of_dataset(
        write(tmp_path / "x", channel_names=names, labels={"a": 1}, file_ending=".png")
    )

    assert (task.spatial_dims, task.preparation.intensity) == (2, "rgb")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"labels": {"a": 1}}, "says no channel_names; complete it"),
        ({"channel_names": {"0": "T1"}, "labels": {"background": 0}}, "says no labels"),
        (
            {"channel_names": {"0": "T1"}, "labels": {"a": 1, "ignore": 1}},
            "ignore has 1, which a has too",
        ),
        (
            {"channel_names": {"0": "T1"}, "labels": {"ignore": 1}},
            "has no region beside ignore",
        ),
        (
            {"channel_names": {"T1": 0}, "labels": {"a": 1}},
            "'T1' stands where the number of a channel",
        ),
        ({"channel_names": {"0": "T1"}, "labels": {"a": "b"}}, "no description of a data set"),
        ({"channel_names": {"0": "T1"}, "labels": {"a": 1.7}}, "no description of a data set"),
        ({"channel_names": {"0": "T1"}, "labels": {"a": [0, 1]}}, "a has 0, where 1 to 255 may"),
        ({"channel_names": {"0": "T1"}, "labels": {"a": -1}}, "a has -1, where 1 to 255 may stand"),
        ({"channel_names": ["T1", "T1"], "labels": {"a": 1}}, "names one twice"),
    ],
)
def test_names_what_is_wrong_with_the_file(tmp_path, content, sentence):
    with pytest.raises(InputError, match=rf"x/dataset\.json: .*{sentence}"):
        task_of_dataset(write(tmp_path / "x", **content))


def test_refuses_a_folder_without_it_and_no_folder(tmp_path):
    with pytest.raises(InputError, match=r"has no dataset\.json; give the folder DatasetXXX"):
        task_of_dataset(tmp_path)
    with pytest.raises(InputError, match="nowhere: no such folder; check the path"):
        task_of_dataset(tmp_path / "nowhere")
    with pytest.raises(InputError, match="task nnunet: is what --source describes; give --source"):
        task_named("nnunet")


def test_refuses_sources_that_describe_unlike_tasks(tmp_path):
    first = write(tmp_path / "a", channel_names={"0": "T1"}, labels={"a": 1})
    other = write(tmp_path / "b", channel_names={"0": "T1"}, labels={"a": 2})

    scribbles = {"a": 1, "ignore": 2}
    drawn = write(tmp_path / "c", channel_names={"0": "T1"}, labels=scribbles)

    assert task_named("nnunet", [first, first]).regions == {"a": (1,)}
    for unlike, name in ((other, "b"), (drawn, "c")):
        words = f"{name}: has other channels or labels than .*prepare it by"
        with pytest.raises(InputError, match=words):
            task_named("nnunet", [first, unlike])
