import json
from dataclasses import replace

import pytest

from inspire_med.cli.options import (
    refuse_odd_training,
    task_defaults,
    training_parser,
    with_own_config,
    words_of_run,
)
from inspire_med.errors import InputError
from inspire_med.tasks.custom import own_task
from inspire_med.tasks.find import TASKS
from inspire_med.tasks.isles import ISLES
from inspire_med.train import main as train


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_options_of_every_task_are_options_of_train(task):
    refuse_odd_training(task)

    found = training_parser(["--task", task.name]).get_defaults()

    assert {name: found[name] for name in task_defaults(task)} == task_defaults(task)


@pytest.mark.parametrize(
    ("training", "sentence"),
    [
        (
            {"optimizer": {"lrr": 1}},
            "option --optimizer.lrr: unknown; did you mean --optimizer",
        ),
        ({"data": {"batch_size": "many"}}, "option --data.batch_size: many is not"),
    ],
)
def test_names_an_option_of_a_task_that_train_has_not(training, sentence):
    with pytest.raises(InputError, match=f"task isles: field training: {sentence}"):
        refuse_odd_training(replace(ISLES, training=training))


def test_a_tasks_own_options_come_over_the_usual_ones_one_by_one():
    own = {"layouts": ("pattern",), "training": {"data": {"batch_size": 4}, "seed": 3}}
    volumes = own_task("v", 3, ["a"], {"b": 1}, intensity="mri", **own)
    pictures = own_task("p", 2, ["a"], {"b": 1}, intensity="rgb", sizes=(None, (96, 128)), **own)

    found = task_defaults(volumes)

    assert (found["data.patch_size"], found["data.batch_size"]) == ([64, 64, 64], 4)
    assert (found["max_steps"], found["seed"], found["data.image_size"]) == (10_000, 3, None)
    assert task_defaults(pictures)["data.image_size"] == (96, 128)
    usual = task_defaults(
        replace(pictures, preparation=replace(pictures.preparation, image_size=None))
    )
    assert usual["data.image_size"] == [256, 256]


def test_an_odd_task_leaves_the_usual_defaults_and_is_told_of_elsewhere(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        "{spatial_dims: 3, channels: [a], regions: {b: 1}, intensity: mri, images: '{case}.nii.gz',"
        " training: {lrr: 1}}"
    )

    assert training_parser(["--task", str(own)]).get_defaults().max_steps is None


@pytest.mark.parametrize(
    ("old", "present"), [("true", "usual"), ("False", "none"), ("strong", "strong")]
)
def test_augment_has_its_old_values_in_a_file_of_options_alone(tmp_path, old, present):
    file = tmp_path / "config.yaml"
    file.write_text(f"data: {{augment: {old}}}")
    words = ["--manifest", "m", "--run", "r"]

    read = training_parser(words).parse_args([*words, "--config", str(file)])
    assert read.data.augment == present
    if old != present:
        with pytest.raises(InputError, match="--data.augment: (true|False) is not one of"):
            training_parser(words).parse_args([*words, "--data.augment", old])


def test_what_an_older_run_was_asked_for_since_has_its_present_names(tmp_path):
    (tmp_path / "config.yaml").touch()
    changed = {"max_steps": 9, "data.augment": False, "network.encoder_weights": "w.pth"}
    sessions = [{"changed": {"max_steps": 3}}, {"changed": changed}]
    (tmp_path / "run.json").write_text(json.dumps({"sessions": sessions}))

    words = words_of_run(tmp_path)

    assert words[:2] == ["--config", str(tmp_path / "config.yaml")]
    asked = ["--max_steps=9", "--data.augment=none", "--network.weights=w.pth"]
    assert sorted(words[4:]) == sorted(asked)


def test_a_task_may_ask_for_no_augmentation_by_its_old_value():
    old = replace(ISLES, training={"data": {"augment": False}})

    refuse_odd_training(old)

    assert task_defaults(old)["data.augment"] == "none"


def test_a_folder_that_is_no_run_is_not_gone_on_with(tmp_path, capsys):
    assert train(["--run", str(tmp_path)]) == 2

    assert capsys.readouterr().err == (
        f"inspire-med train: option --run: {tmp_path} is no run to go on with; check the path, or "
        "give --manifest to begin one there.\n"
    )
    assert with_own_config(["--run", str(tmp_path), "--help"]) == ["--run", str(tmp_path), "--help"]


def test_a_run_whose_record_cannot_be_read_is_said_in_a_sentence(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("fold: 0")
    (tmp_path / "run.json").write_text('{"sess')

    assert train(["--run", str(tmp_path)]) == 2

    said = capsys.readouterr().err
    assert said.startswith(f"inspire-med train: {tmp_path}/run.json: not readable as JSON")
    assert len(said.splitlines()) == 1
