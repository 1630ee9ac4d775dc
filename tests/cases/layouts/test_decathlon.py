import json

import pytest

from inspire_med.cases.layouts import decathlon
from inspire_med.errors import InputError
from inspire_med.tasks.brats import BRATS


def write_index(folder, **changes):
    index = {
        "name": "BRATS",
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor"},
        "training": [
            {"image": "./imagesTr/BRATS_001.nii.gz", "label": "./labelsTr/BRATS_001.nii.gz"}
        ],
    }
    (folder / "dataset.json").write_text(json.dumps(index | changes))


def test_each_channel_is_a_component_of_the_4d_file(tmp_path):
    write_index(tmp_path)

    found = decathlon.find(BRATS, tmp_path)

    assert found is not None
    (case,) = found.cases
    assert case.id == "BRATS_001"
    assert case.components == {"flair": 0, "t1": 1, "t1ce": 2, "t2": 3}
    assert set(case.images.values()) == {tmp_path / "imagesTr" / "BRATS_001.nii.gz"}
    assert case.label == tmp_path / "labelsTr" / "BRATS_001.nii.gz"


def test_a_folder_without_index_is_not_msd(tmp_path):
    assert decathlon.find(BRATS, tmp_path) is None


def test_refuses_another_task(tmp_path):
    write_index(tmp_path, modality={"0": "CT"})

    with pytest.raises(InputError, match=r"dataset\.json: not the index of a set of brats"):
        decathlon.find(BRATS, tmp_path)


def test_refuses_an_index_that_is_no_json(tmp_path):
    (tmp_path / "dataset.json").write_text("{")

    with pytest.raises(InputError, match=r"dataset\.json: not readable as JSON"):
        decathlon.find(BRATS, tmp_path)


def test_the_test_part_can_be_predicted_where_it_is_there(tmp_path):
    write_index(tmp_path, test=["./imagesTs/BRATS_485.nii.gz"])

    def names(found):
        assert found is not None
        return [case.id for case in found.cases]

    assert names(decathlon.find_inputs(BRATS, tmp_path)) == ["BRATS_001"]
    (tmp_path / "imagesTs").mkdir()
    assert names(decathlon.find_inputs(BRATS, tmp_path)) == ["BRATS_001", "BRATS_485"]
    assert names(decathlon.find(BRATS, tmp_path)) == ["BRATS_001"]


def test_an_image_folder_alone_can_be_predicted(tmp_path):
    images = tmp_path / "imagesTs"
    images.mkdir()
    (images / "BRATS_485.nii.gz").touch()
    (images / "._BRATS_485.nii.gz").touch()

    found = decathlon.find_inputs(BRATS, images)

    assert found is not None
    (case,) = found.cases
    assert (case.id, case.label) == ("BRATS_485", None)
    assert decathlon.find_inputs(BRATS, tmp_path) is None


def test_the_index_above_tells_the_order_of_channels(tmp_path):
    path = tmp_path / "imagesTs" / "BRATS_485.nii.gz"
    assert decathlon.components_of(BRATS, path) == {"flair": 0, "t1": 1, "t1ce": 2, "t2": 3}

    write_index(tmp_path, modality={"0": "T2w", "1": "FLAIR"})
    assert decathlon.components_of(BRATS, path) == {"t2": 0, "flair": 1}
