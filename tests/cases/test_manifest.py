import json
import shutil
from dataclasses import replace

import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.tasks.isles import ISLES


@pytest.fixture
def manifest(tmp_path):
    def case(number, fold, labelled=True):
        return Case(
            id=f"case{number}",
            patient=f"patient{number // 2}",
            images={"dwi": tmp_path / "raw" / f"{number}_dwi.nii.gz"},
            shape=(4, 5, 6),
            spacing_mm=(1.0, 1.0, 2.5),
            label=tmp_path / "raw" / f"{number}_msk.nii.gz" if labelled else None,
            site="A",
            fold=fold,
        )

    cases = (case(0, 0), case(1, 0), case(2, 1), case(3, None), case(4, None, labelled=False))
    return Manifest(ISLES, ("dwi",), {"lesion": (1,)}, cases, tmp_path, ("A note.",))


def test_comes_back_from_disk_as_it_was(manifest, tmp_path):
    manifest.save(tmp_path / "m.json")

    assert Manifest.load(tmp_path / "m.json") == manifest


def test_components_and_filled_channels_come_back(manifest, tmp_path):
    case = replace(manifest.cases[0], components={"dwi": 2}, filled=("flair",))
    manifest = replace(manifest, cases=(case,))
    manifest.save(tmp_path / "m.json")

    assert Manifest.load(tmp_path / "m.json") == manifest


def test_paths_on_disk_are_relative_so_the_folder_can_move(manifest, tmp_path):
    (tmp_path / "here").mkdir()
    manifest.save(tmp_path / "here" / "m.json")
    stored = json.loads((tmp_path / "here" / "m.json").read_text())
    assert stored["cases"][0]["images"] == {"dwi": "../raw/0_dwi.nii.gz"}

    (tmp_path / "else").mkdir()
    shutil.move(tmp_path / "here", tmp_path / "else" / "here")
    moved = Manifest.load(tmp_path / "else" / "here" / "m.json")

    assert moved.cases[0].images["dwi"] == tmp_path / "else" / "raw" / "0_dwi.nii.gz"
    assert moved.hash == manifest.hash


def test_hash_tells_folds_apart(manifest):
    other = replace(manifest, cases=(replace(manifest.cases[0], fold=1), *manifest.cases[1:]))

    assert other.hash != manifest.hash


def test_refuses_a_manifest_changed_after_it_was_written(manifest, tmp_path):
    manifest.save(tmp_path / "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    content["cases"][0]["fold"] = 3
    (tmp_path / "m.json").write_text(json.dumps(content))

    with pytest.raises(InputError, match=r"m\.json: its hash does not fit its content"):
        Manifest.load(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not readable as JSON"),
        ("[1, 2]", "not a manifest of format 1"),
        ('{"format": 7}', "not a manifest of format 1"),
        ('{"format": 1}', "not a valid manifest .*task"),
        ('{"format": 1, "task": "x", "channels": [], "regions": [], "cases": []}', "not a valid"),
        (
            '{"format": 1, "task": "x", "channels": [], "regions": {}, "cases": [{"id": "1"}]}',
            "not a valid manifest .*patient",
        ),
    ],
)
def test_refuses_what_is_no_manifest(tmp_path, text, words):
    (tmp_path / "m.json").write_text(text)

    with pytest.raises(InputError, match=words):
        Manifest.load(tmp_path / "m.json")


def test_refuses_a_missing_manifest(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Manifest.load(tmp_path / "m.json")


def test_saves_over_nothing_that_exists(manifest, tmp_path):
    (tmp_path / "m.json").write_text("mine")

    with pytest.raises(InputError, match="exists already"):
        manifest.save(tmp_path / "m.json")
    with pytest.raises(InputError, match="is no manifest, and stays"):
        manifest.save(tmp_path / "m.json", overwrite=True)
    assert (tmp_path / "m.json").read_text() == "mine"

    replace(manifest, notes=("an older one",)).save(tmp_path / "n.json")
    (tmp_path / "n.json").replace(tmp_path / "m.json")
    manifest.save(tmp_path / "m.json", overwrite=True)
    assert Manifest.load(tmp_path / "m.json") == manifest


def test_fold_validates_on_its_own_cases_and_trains_on_the_other_labelled_ones(manifest):
    training, validation = manifest.fold(0)

    assert [case.id for case in validation] == ["case0", "case1"]
    assert [case.id for case in training] == ["case2", "case3"]


def test_no_fold_trains_and_validates_on_every_labelled_case(manifest):
    training, validation = manifest.fold(None)

    assert training == validation == manifest.cases[:4]


def test_refuses_a_fold_that_is_not_there(manifest):
    with pytest.raises(InputError, match=r"fold 5: the manifest has the folds \[0, 1\]; choose"):
        manifest.fold(5)


def test_refuses_a_fold_where_nothing_is_labelled(manifest):
    cases = tuple(replace(case, label=None) for case in manifest.cases)

    with pytest.raises(InputError, match="fold 0: no labelled case has a fold; prepare with label"):
        replace(manifest, cases=cases).fold(0)


def test_refuses_a_fold_that_leaves_nothing_to_train_on(manifest):
    with pytest.raises(InputError, match="fold 0: no case is left to train on"):
        replace(manifest, cases=manifest.cases[:2]).fold(0)


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\\\b", "..", ""])
def test_refuses_an_id_that_would_choose_another_folder(manifest, tmp_path, name):
    text = json.dumps({"format": 1, **manifest._content(tmp_path)})
    (tmp_path / "m.json").write_text(text.replace('"case0"', f'"{name}"'))

    with pytest.raises(InputError, match="not a valid manifest .*cannot name a file"):
        Manifest.load(tmp_path / "m.json")


def test_refuses_two_cases_of_one_id(manifest, tmp_path):
    twins = replace(manifest, cases=manifest.cases[:1] * 2)
    twins.save(tmp_path / "m.json")

    with pytest.raises(InputError, match="not a valid manifest .*2 cases have the id 'case0'"):
        Manifest.load(tmp_path / "m.json")


def test_a_built_in_task_is_stored_by_its_name_alone(manifest, tmp_path):
    manifest.save(tmp_path / "m.json")

    content = json.loads((tmp_path / "m.json").read_text())

    assert (content["task"], content["spatial_dims"]) == ("isles", 3)
    assert "definition" not in content


def test_another_task_is_stored_whole(manifest, tmp_path):
    own = replace(ISLES, name="stroke", training={"max_steps": 5}, words={"lesion": "infarct"})
    replace(manifest, task=own).save(tmp_path / "m.json")

    assert Manifest.load(tmp_path / "m.json").task == own


@pytest.mark.parametrize("field", ["layouts", "network", "augmentation", "phantom"])
def test_refuses_a_task_that_names_what_is_not_there(manifest, tmp_path, field):
    replace(manifest, task=replace(ISLES, name="stroke")).save(tmp_path / "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    content["definition"][field] = ["magic"] if field == "layouts" else "magic"
    (tmp_path / "m.json").write_text(json.dumps(content))

    with pytest.raises(InputError, match=f"not a valid manifest .*'magic' - at .*{field}"):
        Manifest.load(tmp_path / "m.json")


def test_refuses_a_task_that_is_neither_built_in_nor_defined(manifest, tmp_path):
    replace(manifest, task=replace(ISLES, name="stroke")).save(tmp_path / "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    del content["definition"]
    (tmp_path / "m.json").write_text(json.dumps(content))

    with pytest.raises(InputError, match="not a valid manifest .*task stroke: unknown"):
        Manifest.load(tmp_path / "m.json")
