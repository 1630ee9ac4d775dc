import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.layouts.recognise import named_files
from inspire_med.errors import InputError
from inspire_med.tasks.brats import BRATS
from inspire_med.tasks.polyp import POLYP


def save(path, channels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (4, 5, 3) if channels is None else (4, 5, 3, channels)
    nib.save(nib.Nifti1Image(np.ones(shape, np.int16), np.eye(4)), path)
    return path


def components(task, files):
    return named_files(task, files).components


@pytest.fixture(params=[4, 2], ids=["four channels", "two channels"])
def packed(request, tmp_path):
    """One 4-D file of an MSD folder, with an index of an order of its own."""
    path = save(tmp_path / "msd" / "imagesTs" / "BRATS_485.nii.gz", request.param)
    order = dict(enumerate(("T2w", "t1gd", "T1w", "FLAIR")[: request.param]))
    index = {"modality": order, "training": [], "test": ["./imagesTs/BRATS_485.nii.gz"]}
    (tmp_path / "msd" / "dataset.json").write_text(json.dumps(index))
    return path


def test_parts_of_a_volume_are_numbered_by_the_layout_not_by_the_model(packed):
    assert components(BRATS, {"t1ce": packed, "t2": packed}) == {"t1ce": 1, "t2": 0}
    assert components(BRATS, {"t1ce": packed}) == {"t1ce": 1}
    with pytest.raises(InputError, match="BRATS_485.nii.gz: which part of it is dwi is not known"):
        components(BRATS, {"dwi": packed})


def test_colours_of_a_picture_are_numbered_by_the_task(tmp_path):
    picture = tmp_path / "a.png"
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(picture)

    assert components(POLYP, {"green": picture, "blue": picture}) == {"green": 1, "blue": 2}
    assert components(POLYP, {"blue": picture}) == {"blue": 2}


def test_separate_files_have_none(tmp_path):
    files = {name: save(tmp_path / f"{name}.nii.gz") for name in ("flair", "t1")}

    assert components(BRATS, files) == {}


def test_a_file_of_its_own_may_come_before_one_of_several(packed, tmp_path):
    assert components(BRATS, {"flair": save(tmp_path / "f.nii.gz"), "t2": packed}) == {"t2": 0}
