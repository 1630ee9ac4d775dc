from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from plans import plan_of

from inspire_med.cases.planning.plan import OPTIONS, plan_in_record, read_plan, write_plan
from inspire_med.errors import InputError

PLAN = plan_of(
    spacing_mm=(0.6, 0.6, 5.0),
    patch_size=(64, 64, 16),
    widths=(16, 32, 64),
    deep_supervision=3,
    augment="strong",
    reasons={name: f"because of {name}" for name in OPTIONS},
)
PICTURES = replace(
    PLAN,
    spacing_mm=None,
    image_size=(64, 96),
    patch_size=None,
    strides=((2, 2), (2, 2)),
    kernel_sizes=((3, 3),) * 3,
)


@pytest.mark.parametrize("plan", [PLAN, PICTURES], ids=["volumes", "pictures"])
def test_what_is_written_is_read(tmp_path, plan):
    write_plan(tmp_path / "p.yaml", plan, "Plan of heart")

    assert read_plan(tmp_path / "p.yaml") == plan
    text = (tmp_path / "p.yaml").read_text()
    for name in OPTIONS:
        assert f"# because of {name}\n{name}: " in text


def test_an_edited_plan_is_taken_and_says_where_it_comes_from(tmp_path):
    file = tmp_path / "p.yaml"
    write_plan(file, PLAN, "Plan")
    file.write_text(file.read_text().replace("[64, 64, 16]", "[96, 96, 24]"))

    plan = read_plan(file)

    assert plan.options() == {**PLAN.options(), "data.patch_size": (96, 96, 24)}
    assert plan.lines()[3] == "patch_size 96 x 96 x 24: as p.yaml says"


def test_what_a_run_keeps_comes_back_with_its_reasons():
    kept = plan_in_record(PLAN.to_json(), Path("run.json"))

    assert (kept, kept.reasons) == (PLAN, PLAN.reasons)


@pytest.mark.parametrize(
    ("planned", "sentence"),
    [
        ({"batch_size": 0}, "field batch_size: expected int >= 1"),
        ({"widths": "8,16"}, "field widths: expected array, got str"),
        ([1], "field of the file: expected object, got array"),
    ],
)
def test_a_record_that_was_edited_by_hand_is_one_sentence(planned, sentence):
    content = {**PLAN.to_json(), **planned} if isinstance(planned, dict) else planned

    with pytest.raises(InputError) as error:
        plan_in_record(content, Path("run.json"))

    assert str(error.value) == (
        f"run.json: planned, by which it goes: {sentence}; bring back what stood there."
    )


def test_a_run_whose_plan_had_no_augmentation_yet_keeps_the_usual_one():
    before = PLAN.to_json()
    del before["augment"]

    assert plan_in_record(before, Path("run.json")) == replace(PLAN, augment="usual")


def test_a_plan_is_not_written_over_another(tmp_path):
    write_plan(tmp_path / "p.yaml", PLAN, "Plan")

    with pytest.raises(InputError, match="p.yaml: exists already"):
        write_plan(tmp_path / "p.yaml", PLAN, "Plan")
    write_plan(tmp_path / "p.yaml", PICTURES, "Plan", overwrite=True)
    assert read_plan(tmp_path / "p.yaml") == PICTURES


def test_lines_say_what_and_why():
    assert PLAN.lines()[5] == "strides [2 x 2 x 1, 2 x 2 x 2]: because of strides"
    assert PLAN.lines(["image_size"]) == ["image_size none: because of image_size"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"patchsize": [1]}, "field patchsize: unknown; did you mean patch_size?"),
        ({"batch_size": "many"}, "field batch_size: expected int, got str; mend it."),
        ({"batch_size": 0}, "field batch_size: expected int >= 1; mend it."),
        ({"patch_size": [64, 0, 16]}, "field patch_size: expected int >= 1; mend it."),
        ({"spacing_mm": [1, 1]}, "field spacing_mm: expected array of length 3, got 2; mend it."),
        ({"spacing_mm": [1, 1, 0]}, "field spacing_mm: expected float > 0.0; mend it."),
        ({"intensity": "pet"}, "field intensity: invalid enum value 'pet'; mend it."),
        ({"patch_size": None}, "field patch_size: volumes need one; give three numbers of voxels."),
        ({"widths": [16]}, "field widths: a network has two levels or more; give as many"),
        (
            {"strides": [[2, 2, 2]]},
            "field strides: 3 widths have 2 steps between them, and these are 1; give as many.",
        ),
        (
            {"kernel_sizes": [[3, 3, 3]]},
            "field kernel_sizes: 3 widths need as many, and these are 1; give one for each.",
        ),
        (
            {"kernel_sizes": [[3, 3, 2], [3, 3, 3], [3, 3, 3]]},
            "field kernel_sizes: 2 is even; give odd numbers.",
        ),
        (
            {"deep_supervision": 4},
            "field deep_supervision: 4 is more than the 3 levels; give fewer.",
        ),
        (
            {"strides": [[2, 2], [2, 2]]},
            "fields patch_size, strides, kernel_sizes: not all have 3 axes; give each as many",
        ),
    ],
)
def test_one_sentence_names_what_is_wrong(tmp_path, change, sentence):
    file = tmp_path / "p.yaml"
    write_plan(file, PLAN, "Plan")
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **change}))

    with pytest.raises(InputError) as error:
        read_plan(file)

    assert str(error.value).startswith(f"{file}: {sentence}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- 1", "holds no plan; write one with prepare --plan."),
        ("spacing_mm: [1, 1, 1]", "field image_size: missing; add it, or plan anew."),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path, text, sentence):
    file = tmp_path / "p.yaml"
    file.write_text(text)

    with pytest.raises(InputError) as error:
        read_plan(file)

    assert str(error.value) == f"{file}: {sentence}"
