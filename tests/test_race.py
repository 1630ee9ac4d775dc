"""What the race hands to nnU-Net and takes back from it; nnU-Net itself runs elsewhere."""

import importlib
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.manifest import Manifest

BENCH = Path(__file__).parents[1] / "scripts" / "bench"


@pytest.fixture
def peer(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("race_nnunet")


def test_labels_count_on_and_each_region_is_painted_by_its_own(peer, ball_volumes):
    """BraTS: 1, 2 and 4 become 1, 2 and 3; WT is painted by 2, TC by 1, ET by itself."""
    brats = Manifest.load(ball_volumes)

    assert peer.numbers(brats) == {0: 0, 1: 1, 2: 2, 4: 3}
    assert peer.labels(brats) == {
        "labels": {"background": 0, "WT": [1, 2, 3], "TC": [1, 3], "ET": [3]},
        "regions_class_order": [2, 1, 3],
    }


def test_volumes_go_out_and_their_labels_come_back(peer, ball_volumes, tmp_path):
    brats = Manifest.load(ball_volumes)
    training, test = brats.fold(0)

    peer.write_raw(brats, 0, tmp_path)

    content = json.loads((tmp_path / "dataset.json").read_text())
    assert content["numTraining"] == len(training)
    assert content["channel_names"] == dict(zip("0123", brats.channels, strict=True))
    assert len(list((tmp_path / "imagesTr").iterdir())) == 4 * len(training)
    assert len(list((tmp_path / "imagesTs").iterdir())) == 4 * len(test)
    third = nibabel.load(tmp_path / "imagesTr" / f"{training[0].id}_0002.nii.gz")
    own = nibabel.load(training[0].images[brats.channels[2]])
    assert np.array_equal(third.get_fdata(), own.get_fdata())
    label = tmp_path / "labelsTr" / f"{training[0].id}.nii.gz"
    back = {number: value for value, number in peer.numbers(brats).items()}
    peer.write_back(label, tmp_path / "back.nii.gz", back)
    wanted = nibabel.load(training[0].label)
    found = nibabel.load(tmp_path / "back.nii.gz")
    assert np.array_equal(found.get_fdata(), wanted.get_fdata())
    assert np.allclose(found.affine, wanted.affine)


def test_pictures_go_out_whole_with_masks_of_0_and_1(peer, disc_images, tmp_path):
    discs = Manifest.load(disc_images)
    case, *_ = discs.fold(0)[0]

    peer.write_raw(discs, 0, tmp_path)

    image = np.asarray(Image.open(tmp_path / "imagesTr" / f"{case.id}_0000.png"))
    assert np.array_equal(image, np.asarray(Image.open(case.images["red"])))
    mask = np.asarray(Image.open(tmp_path / "labelsTr" / f"{case.id}.png"))
    assert np.array_equal(255 * mask, np.asarray(Image.open(case.label)))
    peer.write_back(tmp_path / "labelsTr" / f"{case.id}.png", tmp_path / "back.png", {})
    assert np.array_equal(np.asarray(Image.open(tmp_path / "back.png")), 255 * mask)
