import pytest
import yaml

from inspire_med.errors import InputError
from inspire_med.tasks.custom import task_of_yaml
from inspire_med.tasks.find import as_stored, from_stored, refuse_other_task, task_named
from inspire_med.tasks.polyp import POLYP

HEART = {
    "spatial_dims": 3,
    "channels": ["mri"],
    "regions": {"left atrium": 1},
    "intensity": "mri",
    "images": "imagesTr/{case}.nii.gz",
    "label": "labelsTr/{case}.nii.gz",
}


def write(folder, **changes):
    path = folder / "heart.yaml"
    fields = {name: value for name, value in (HEART | changes).items() if value is not ...}
    path.write_text(yaml.safe_dump(fields))
    return path


def test_takes_the_name_of_the_file_and_usual_choices(tmp_path):
    task = task_of_yaml(write(tmp_path))

    assert (task.name, task.spatial_dims, task.regions) == ("heart", 3, {"left atrium": (1,)})
    assert task.preparation.orientation == "RAS"
    assert task.preparation.crop_to_foreground
    assert task.training == {}
    assert task.protocol == "segmentation"


def test_zero_is_water_in_ct_so_nothing_is_cropped(tmp_path):
    assert not task_of_yaml(write(tmp_path, intensity="ct")).preparation.crop_to_foreground


def test_pictures_have_no_orientation(tmp_path):
    task = task_of_yaml(write(tmp_path, spatial_dims=2, intensity="rgb"))

    assert (task.preparation.orientation, task.preparation.image_size) == (None, None)
    assert (task.network, task.augmentation) == ("picture", "picture")


def test_options_of_train_are_those_that_are_asked_for(tmp_path):
    asked = {"data": {"batch_size": 4}, "seed": 3}

    assert task_of_yaml(write(tmp_path, training=asked)).training == asked


def test_a_label_to_ignore_is_no_region(tmp_path):
    task = task_of_yaml(write(tmp_path, regions={"a": [1, 2], "ignore": 255}))

    assert (task.regions, task.preparation.ignore) == ({"a": (1, 2)}, 255)
    assert from_stored(as_stored(task)) == task


def test_a_task_without_one_is_stored_as_it_was_before_there_was_such_a_label(tmp_path):
    """Manifests are known by a hash of this."""
    stored = as_stored(task_of_yaml(write(tmp_path)))

    assert "ignore" not in stored["definition"]["preparation"]


def test_labels_may_stand_with_their_background(tmp_path):
    task = task_of_yaml(write(tmp_path, regions=..., labels={"background": 0, "a": 1, "b": [2, 3]}))

    assert task.regions == {"a": (1,), "b": (2, 3)}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chanels": ["a"]}, "field chanels: unknown; did you mean channels?"),
        ({"quux": 1}, "field quux: unknown; choose from spatial_dims, channels"),
        ({"channels": ...}, "field channels: missing; add it"),
        ({"spatial_dims": 4}, "field spatial_dims: 4 is none of 2, 3"),
        ({"intensity": "xray"}, "field intensity: 'xray' is none of mri, ct, rgb, none"),
        ({"channels": [1]}, r"field channels\[0\]: expected str, got int; mend it"),
        ({"spacing_mm": [1, 1]}, "field spacing_mm: expected array of length 3, got 2; mend it"),
        ({"channels": []}, "field channels: is empty; mend it"),
        ({"channels": ["a", "a"]}, "field channels: names one twice"),
        ({"channels": ["a", ""]}, "field channels: names one by nothing"),
        ({"regions": ...}, "field regions: give either these or labels"),
        ({"labels": {"a": 1}}, "field regions: give either these or labels"),
        ({"regions": {"a": 0}}, "field regions: has no label value of 1 to 255"),
        ({"regions": {"a": 1, "b": 300}}, "field regions: b has 300, where 1 to 255 may stand"),
        ({"regions": {"a": [-1, 2]}}, "field regions: a has -1, where 1 to 255 may stand"),
        ({"regions": {"a": [0, 1]}}, "field regions: a has 0, where 1 to 255 may stand"),
        ({"regions": {"a": 1, "b": []}}, "field regions: b has no value, where 1 to 255"),
        ({"optional": ["pet"]}, "field optional: names no channel"),
        ({"patient": "("}, "field patient: is no regular expression"),
        ({"image_size": [0, 8]}, "field image_size: is empty"),
        ({"spacing_mm": [0, 1, 1]}, "field spacing_mm: is not above 0"),
        ({"spacing_mm": [float("nan"), 1, 1]}, "field spacing_mm: is not above 0"),
        ({"images": "a.nii.gz"}, "field images: has no {case}"),
        ({"images": "{case}_{chanel}.nii"}, "field images: has {chanel}, which stands for nothing"),
        ({"images": "{case}_{channel:4d}.nii"}, "field images: has {channel:4d}, which stands for"),
        ({"images": "{case}"}, "field images: has no file ending, such as .nii.gz"),
        ({"images": ...}, "field bids: give either this or images"),
        ({"bids": {"mri": "T1w"}}, "field bids: give either this or images"),
        ({"images": ..., "bids": {"t1": "T1w"}}, "field bids: names t1, which is no channel and"),
        ({"images": ..., "bids": {}}, "field bids: has a word for the label itself; leave label"),
        ({"images": ..., "bids": {}, "spatial_dims": 2}, "field bids: is for volumes"),
        ({"label": "{case}_{channel}.nii"}, "field label: has {channel}, which stands for nothing"),
    ],
)
def test_names_file_and_field_that_is_wrong(tmp_path, changes, sentence):
    with pytest.raises(InputError, match=f"heart.yaml: {sentence}"):
        task_of_yaml(write(tmp_path, **changes))


def test_refuses_what_is_no_yaml(tmp_path):
    (tmp_path / "t.yaml").write_text("{")

    with pytest.raises(InputError, match=r"t\.yaml: not readable as YAML .*; mend it"):
        task_of_yaml(tmp_path / "t.yaml")
    with pytest.raises(InputError, match=r"none\.yaml: no such file"):
        task_of_yaml(tmp_path / "none.yaml")


def test_refuses_a_file_that_holds_no_fields(tmp_path):
    (tmp_path / "t.yaml").write_text("- a\n")

    with pytest.raises(InputError, match=r"t\.yaml: field of the file: expected object, got array"):
        task_of_yaml(tmp_path / "t.yaml")


def test_refuses_the_name_of_a_built_in_task(tmp_path):
    with pytest.raises(InputError, match="heart.yaml: is named isles, as a built-in task is"):
        task_named(str(write(tmp_path, name="isles")))


def test_a_task_named_beside_a_manifest_must_be_its_own(tmp_path):
    path = write(tmp_path)
    heart = task_of_yaml(path)
    manifest = tmp_path / "m.json"

    for word in (None, "heart", str(path)):
        refuse_other_task(word, heart, manifest)
    with pytest.raises(InputError, match=r"m\.json: is for task heart, not polyp; pass --task hea"):
        refuse_other_task("polyp", heart, manifest)
    with pytest.raises(InputError, match="not nnunet; pass --task heart, or leave --task out"):
        refuse_other_task("nnunet", heart, manifest)
    with pytest.raises(InputError, match="is for task polyp, not .*heart.yaml; pass --task polyp"):
        refuse_other_task(str(path), POLYP, manifest)
    write(tmp_path, channels=["t1"])
    with pytest.raises(InputError, match="prepared with another state of that file; run prepare"):
        refuse_other_task(str(path), heart, manifest)
