import json

import pytest

from inspire_med.data.layouts import msd
from inspire_med.errors import InputError


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

    found = msd.find(tmp_path)

    assert found is not None
    (case,) = found.cases
    assert case.id == "BRATS_001"
    assert case.components == {"flair": 0, "t1": 1, "t1ce": 2, "t2": 3}
    assert set(case.images.values()) == {tmp_path / "imagesTr" / "BRATS_001.nii.gz"}
    assert case.label == tmp_path / "labelsTr" / "BRATS_001.nii.gz"


def test_a_folder_without_index_is_not_msd(tmp_path):
    assert msd.find(tmp_path) is None


def test_refuses_another_task(tmp_path):
    write_index(tmp_path, modality={"0": "CT"})

    with pytest.raises(InputError, match=r"dataset\.json: not the index of MSD Task01_BrainTumour"):
        msd.find(tmp_path)


def test_refuses_an_index_that_is_no_json(tmp_path):
    (tmp_path / "dataset.json").write_text("{")

    with pytest.raises(InputError, match=r"dataset\.json: not readable as JSON"):
        msd.find(tmp_path)
